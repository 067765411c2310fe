//! Entries: acts written as JSON, and bundles of them.

use jiff::Timestamp as Instant;
use sealift_metadata::keys::KeyId;
use serde::{Deserialize, Serialize, Serializer};

/// Longest entry, bytes: its length is written in two.
pub(super) const MAX_BYTES: usize = 65_535;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActKind {
    /// A document was signed that is not published yet.
    Sign,
    /// A document was signed or taken over to be published.
    Publish,
    /// A root was published.
    Root,
    /// Something was put right after damage.
    Recover,
}

/// One entry of the log: somebody is about to bring a document into the repository.
///
/// Written as JSON without spaces, fields in the order of the alphabet. Fields that are not known here are passed over when
/// an entry is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// What was done.
    #[serde(rename = "act")]
    pub kind: ActKind,
    /// When, by the clock of the one who did it; written in whole seconds.
    #[serde(serialize_with = "whole_seconds")]
    pub at: Instant,
    /// The keys that signed the document.
    #[serde(with = "key_ids")]
    pub keyids: Vec<KeyId>,
    /// The role of the document.
    pub role: String,
    /// SHA-256 of the document's bytes.
    #[serde(with = "hex_digest")]
    pub sha256: [u8; 32],
    /// The version of the document.
    pub version: u64,
    /// Who did it, in their own words: nothing proves it.
    pub who: String,
}

impl Act {
    /// The entry.
    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        let bytes = serde_json::to_vec(self).ok()?;
        (bytes.len() <= MAX_BYTES).then_some(bytes)
    }

    /// Reads an entry.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// Appends an entry of at most [`MAX_BYTES`] to a bundle.
pub(super) fn push(bundle: &mut Vec<u8>, entry: &[u8]) {
    let length = u16::try_from(entry.len()).unwrap_or(u16::MAX);
    bundle.extend(length.to_be_bytes());
    bundle.extend(entry);
}

/// The entries of a bundle as far as they are whole, and whether nothing follows them.
pub(super) fn split(mut bundle: &[u8]) -> (Vec<&[u8]>, bool) {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bundle.split_first_chunk() {
        let Some((entry, rest)) = rest.split_at_checked(u16::from_be_bytes(*length).into()) else {
            break;
        };
        entries.push(entry);
        bundle = rest;
    }
    (entries, bundle.is_empty())
}

fn whole_seconds<S: Serializer>(at: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
    let whole = Instant::from_second(at.as_second()).unwrap_or(*at);
    serializer.collect_str(&whole)
}

mod hex_digest {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(digest: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(digest))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut digest = [0; 32];
        hex::decode_to_slice(text, &mut digest).map_err(de::Error::custom)?;
        Ok(digest)
    }
}

mod key_ids {
    use sealift_metadata::keys::KeyId;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(ids: &[KeyId], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(ids.iter().map(KeyId::as_str))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<KeyId>, D::Error> {
        let ids = Vec::<String>::deserialize(deserializer)?;
        ids.iter()
            .map(|id| KeyId::new(id).map_err(de::Error::custom))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_written_in_one_way_only() {
        let act = Act {
            kind: ActKind::Publish,
            at: "2026-06-01T00:00:00Z".parse().unwrap(),
            keyids: vec![KeyId::new(&"ab".repeat(32)).unwrap()],
            role: "targets".to_owned(),
            sha256: [7; 32],
            version: 5,
            who: "ci \"west\"".to_owned(),
        };
        let bytes = act.to_bytes().unwrap();
        let expected = format!(
            r#"{{"act":"publish","at":"2026-06-01T00:00:00Z","keyids":["{}"],"role":"targets","sha256":"{}","version":5,"who":"ci \"west\""}}"#,
            "ab".repeat(32),
            "07".repeat(32)
        );
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected);
        assert_eq!(Act::parse(&bytes), Some(act.clone()));
        let later = Act {
            at: "2026-06-01T00:00:00.9Z".parse().unwrap(),
            ..act.clone()
        };
        assert_eq!(later.to_bytes().unwrap(), bytes, "the fraction is cut off");
        let more = expected.replacen('{', r#"{"later":1,"#, 1);
        assert_eq!(Act::parse(more.as_bytes()), Some(act.clone()));
        assert_eq!(Act::parse(expected.replace("publish", "other").as_bytes()), None);

        let with = |length| Act {
            who: "x".repeat(length),
            ..act.clone()
        };
        let spare = MAX_BYTES - with(0).to_bytes().unwrap().len();
        assert_eq!(with(spare).to_bytes().unwrap().len(), MAX_BYTES);
        assert_eq!(with(spare + 1).to_bytes(), None);
    }

    #[test]
    fn a_bundle_is_split_as_far_as_it_is_whole() {
        let mut bundle = Vec::new();
        push(&mut bundle, b"one");
        push(&mut bundle, b"");
        assert_eq!(bundle, b"\0\x03one\0\0");
        assert_eq!(split(&bundle), (vec![&b"one"[..], b""], true));
        assert_eq!(split(&bundle[..6]), (vec![&b"one"[..]], false));
        assert_eq!(split(&bundle[..4]), (vec![], false));
        assert_eq!(split(b""), (vec![], true));
    }
}

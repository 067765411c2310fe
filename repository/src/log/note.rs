//! Signed notes (C2SP signed-note) with Ed25519 keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sealift_metadata::keys::{KeyType, PublicKey};
use sealift_metadata::signer::{SignError, Signer, sign_checked};
use sha2::{Digest, Sha256};

/// The signature type of an Ed25519 key.
const ED25519: u8 = 1;
/// Most signatures of one note; the specification asks for 16 at least.
const MAX_SIGNATURES: usize = 64;

/// Why bytes are not a note that can be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Not the form of a note, or of the text that is wanted in it.
    #[error("{0}")]
    Form(&'static str),
    /// Another log's.
    #[error("it belongs to the log {found:?}")]
    Origin {
        /// The first line.
        found: String,
    },
    /// None of the known keys has signed.
    #[error("none of the known keys has signed it")]
    Unsigned,
    /// A known key is named, and the signature is not its own.
    #[error("the signature of {name} does not verify")]
    BadSignature {
        /// The name of the key.
        name: String,
    },
}

/// A key with the name under which it signs notes.
#[derive(Clone, Debug)]
pub(super) struct NoteKey {
    name: String,
    id: [u8; 4],
    raw: [u8; 32],
    public: PublicKey,
}

impl NoteKey {
    /// `None` for a key that is not Ed25519.
    pub(super) fn new(name: &str, public: &PublicKey) -> Option<Self> {
        if public.kind() != KeyType::Ed25519 {
            return None;
        }
        let value = public.to_value();
        let raw = hex::decode(value["keyval"]["public"].as_str()?).ok()?;
        let raw: [u8; 32] = raw.try_into().ok()?;
        let digest = Sha256::new()
            .chain_update(name)
            .chain_update([b'\n', ED25519])
            .chain_update(raw)
            .finalize();
        let id = *digest.first_chunk()?;
        Some(Self {
            name: name.to_owned(),
            id,
            raw,
            public: public.clone(),
        })
    }

    /// The key in the form that other tools take: `NAME+ID+KEY`.
    pub(super) fn verifier(&self) -> String {
        let key = [&[ED25519][..], &self.raw].concat();
        format!("{}+{}+{}", self.name, hex::encode(self.id), BASE64.encode(key))
    }

    /// Signs `text`, which ends in a newline.
    pub(super) async fn sign(&self, text: &str, signer: &dyn Signer) -> Result<Vec<u8>, SignError> {
        let signature = sign_checked(signer, text.as_bytes()).await?;
        let line = BASE64.encode([&self.id[..], &signature].concat());
        Ok(format!("{text}\n\u{2014} {} {line}\n", self.name).into_bytes())
    }
}

/// The text of a note that at least one of `keys` has signed.
pub(super) fn open<'a>(note: &'a [u8], keys: &[NoteKey]) -> Result<&'a str, NoteError> {
    let note = std::str::from_utf8(note).map_err(|_| NoteError::Form("it is not UTF-8"))?;
    if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(NoteError::Form("it has control characters"));
    }
    let end = note
        .rfind("\n\n")
        .ok_or(NoteError::Form("it has no signatures"))?;
    let (text, signatures) = (&note[..=end], &note[end + 2..]);
    let lines = signatures
        .strip_suffix('\n')
        .ok_or(NoteError::Form("it does not end with a line of its own"))?;
    let mut signed = false;
    for (count, line) in lines.split('\n').enumerate() {
        if count == MAX_SIGNATURES {
            return Err(NoteError::Form("it has more than 64 signatures"));
        }
        let (name, id, signature) =
            parse_line(line).ok_or(NoteError::Form("a signature has a wrong form"))?;
        let Some(key) = keys.iter().find(|key| key.name == name && key.id == id) else {
            continue;
        };
        if key.public.verify(text.as_bytes(), &signature).is_err() {
            return Err(NoteError::BadSignature {
                name: name.to_owned(),
            });
        }
        signed = true;
    }
    if signed {
        Ok(text)
    } else {
        Err(NoteError::Unsigned)
    }
}

/// Name, key id and signature of a signature line.
fn parse_line(line: &str) -> Option<(&str, [u8; 4], Vec<u8>)> {
    let (name, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
        return None;
    }
    let bytes = BASE64.decode(signature).ok()?;
    let (id, signature) = bytes.split_first_chunk()?;
    (!signature.is_empty()).then(|| (name, *id, signature.to_vec()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The example of the specification.
    const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo \
        Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    fn example() -> NoteKey {
        let raw = BASE64.decode(KEY.rsplit_once('+').unwrap().1).unwrap();
        let public = json!({
            "keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": hex::encode(&raw[1..])}
        });
        NoteKey::new("example.com/foo", &PublicKey::from_value(&public).unwrap()).unwrap()
    }

    #[test]
    fn the_specifications_example_verifies() {
        let key = example();
        assert_eq!(key.verifier(), KEY);
        let text = open(NOTE.as_bytes(), std::slice::from_ref(&key)).unwrap();
        assert_eq!(text, "This is an example message.\n");
        let other = NoteKey::new("example.com/bar", &key.public).unwrap();
        assert_eq!(open(NOTE.as_bytes(), &[other]), Err(NoteError::Unsigned));
    }

    #[test]
    fn strangers_may_sign_too_and_a_known_key_has_to_be_right() {
        let keys = [example()];
        let stranger = format!("{NOTE}\u{2014} witness.example AAAAAAE=\n");
        assert!(open(stranger.as_bytes(), &keys).is_ok());
        let altered = NOTE.replace("example message", "altered message");
        assert!(matches!(
            open(altered.as_bytes(), &keys),
            Err(NoteError::BadSignature { .. })
        ));
    }

    #[test]
    fn what_has_not_the_form_of_a_note_is_refused() {
        let keys = [example()];
        let signature = NOTE.split_once("\n\n").unwrap().1;
        for (what, note) in [
            ("nothing", String::new()),
            ("no signature", "text\n".to_owned()),
            ("no blank line", NOTE.replace("\n\n", "\n")),
            ("no last newline", NOTE.trim_end().to_owned()),
            ("a hyphen for the dash", NOTE.replace('\u{2014}', "-")),
            ("a tab", NOTE.replace("is an", "is\tan")),
            ("no base64", NOTE.replace("Uw2Q", "Uw!Q")),
            ("a name with a plus", NOTE.replace("com/foo ", "com/f+o ")),
            (
                "an id and no signature",
                "text\n\n\u{2014} a AAAAAA==\n".to_owned(),
            ),
            ("too many", format!("{NOTE}{}", signature.repeat(64))),
        ] {
            let refused = open(note.as_bytes(), &keys);
            assert!(matches!(refused, Err(NoteError::Form(_))), "{what}: {refused:?}");
        }
        assert!(open(b"\xff\n\n", &keys).is_err());
        assert!(open(format!("{NOTE}{}", signature.repeat(63)).as_bytes(), &keys).is_ok());
    }
}

//! The first line of a journal: which upload this is.

use std::io;
use std::path::{Path, PathBuf};

use sealift_envelope::{ContentKey, Digest, Header, MAX_HEADER_LEN, MAX_KEY_FILE_LEN};
use sealift_metadata::ids::TargetPath;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Version of the journal's form. A journal of another version counts as none.
pub(crate) const VERSION: u32 = 1;
/// How the names of spools begin; a journal cannot name any other file, since what it names is removed.
pub(crate) const SPOOL_PREFIX: &str = "sealift-spool-";
/// Longest head: header and key file at their caps, in hexadecimal, and some text.
const MAX_BYTES: usize = 2 * (MAX_HEADER_LEN + MAX_KEY_FILE_LEN) + 16 * 1024;

/// Which upload this is, and what it needs to go on.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    /// [`VERSION`].
    pub(crate) version: u32,
    /// When the upload began.
    pub(crate) began: jiff::Timestamp,
    /// Address of the store, without credentials.
    pub(crate) store: String,
    /// Id of the repository.
    pub(crate) repository: String,
    /// Path of the target.
    pub(crate) target: String,
    /// Where the bytes come from.
    pub(crate) source: Source,
    /// SHA-256 of everything on the command line that decides about the bytes, hexadecimal.
    pub(crate) options: String,
    /// The object.
    pub(crate) object: Digested,
    /// The plaintext.
    pub(crate) plain: Digested,
    /// The header, if the object is sealed.
    pub(crate) header: Option<Digested>,
    /// What seals the file again to the same bytes; only where it is sealed here.
    pub(crate) plan: Option<Plan>,
    /// The key file, hexadecimal: wrapping is random, so the bytes of the first time are kept.
    pub(crate) key_file: Option<String>,
}

/// Where the bytes come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// The file that was named.
    File(PathBuf),
    /// What came through a pipe, already in the object's form, in a file of our own.
    Spool(PathBuf),
}

/// A length and a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Digested {
    pub(crate) length: u64,
    #[serde(with = "hex32")]
    pub(crate) sha256: [u8; 32],
}

impl From<Digest> for Digested {
    fn from(Digest { length, sha256 }: Digest) -> Self {
        Self { length, sha256 }
    }
}

impl From<Digested> for Digest {
    fn from(Digested { length, sha256 }: Digested) -> Self {
        Self { length, sha256 }
    }
}

/// Everything random about one sealing. The key opens the image: it is as secret as the plaintext, which lies on the same
/// disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    key: Zeroized,
    header: String,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Plan(redacted)")
    }
}

impl Plan {
    pub(crate) fn new(key: &ContentKey, header: &Header) -> Self {
        Self {
            key: Zeroized(Zeroizing::new(hex::encode(key.expose()))),
            header: hex::encode(header.bytes()),
        }
    }

    /// Key and header; `None` when they are no such things. Whether they belong together is for the plan to say.
    pub(crate) fn parts(&self) -> Option<(ContentKey, Header)> {
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(self.key.0.as_bytes(), &mut *key).ok()?;
        let bytes = hex::decode(&self.header).ok()?;
        let (header, length) = Header::parse(&bytes).ok()?;
        (length == bytes.len()).then(|| (ContentKey::from_bytes(*key), header))
    }
}

/// Text that leaves memory when dropped.
struct Zeroized(Zeroizing<String>);

impl Serialize for Zeroized {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Zeroized {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

impl Head {
    /// The head as a line. The buffer has room from the start, so that no copy of the key stays behind.
    pub(super) fn to_line(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        let key_file = self.key_file.as_ref().map_or(0, String::len);
        let header = self.plan.as_ref().map_or(0, |plan| plan.header.len());
        let mut line = Zeroizing::new(Vec::with_capacity(key_file + header + 16 * 1024));
        serde_json::to_writer(&mut *line, self)?;
        line.push(b'\n');
        Ok(line)
    }

    /// Parses what a file holds; `None` for anything that this program does not write.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        if line.len() > MAX_BYTES {
            return None;
        }
        let head: Self = serde_json::from_slice(line).ok()?;
        let known = head.version == VERSION
            && TargetPath::new(&head.target).is_ok()
            && head.key_bytes().is_some()
            && head.plan.as_ref().is_none_or(|plan| plan.parts().is_some());
        let place = match &head.source {
            Source::File(path) => path.is_absolute(),
            Source::Spool(path) => path.is_absolute() && is_spool(path) && head.plan.is_none(),
        };
        (known && place).then_some(head)
    }

    /// The bytes of the key file, `Some(None)` when the object has none; `None` when they are damaged.
    pub(crate) fn key_bytes(&self) -> Option<Option<Vec<u8>>> {
        match &self.key_file {
            Some(text) => hex::decode(text).ok().map(Some),
            None => Some(None),
        }
    }
}

fn is_spool(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(SPOOL_PREFIX))
}

mod hex32 {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(&text, &mut bytes).map_err(D::Error::custom)?;
        Ok(bytes)
    }
}

//! The hashes that a document lists for other bytes.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256, Sha512};

use crate::document::FormatError;
use crate::fields::{Fields, hex_array, wrong};

/// SHA-256, SHA-512 or both: never none. Every one that is listed has to be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashes {
    sha256: Option<[u8; 32]>,
    sha512: Option<[u8; 64]>,
}

impl Hashes {
    /// Those that there are; nothing if there are none.
    #[must_use]
    pub const fn new(sha256: Option<[u8; 32]>, sha512: Option<[u8; 64]>) -> Option<Self> {
        match (sha256, sha512) {
            (None, None) => None,
            _ => Some(Self { sha256, sha512 }),
        }
    }

    /// SHA-256, where listed.
    #[must_use]
    pub const fn sha256(&self) -> Option<&[u8; 32]> {
        self.sha256.as_ref()
    }

    /// SHA-512, where listed.
    #[must_use]
    pub const fn sha512(&self) -> Option<&[u8; 64]> {
        self.sha512.as_ref()
    }

    /// Whether every listed hash is that of `bytes`.
    #[must_use]
    pub fn are_of(&self, bytes: &[u8]) -> bool {
        self.sha256
            .is_none_or(|digest| <[u8; 32]>::from(Sha256::digest(bytes)) == digest)
            && self
                .sha512
                .is_none_or(|digest| <[u8; 64]>::from(Sha512::digest(bytes)) == digest)
    }

    /// Writes them as TUF does.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut hashes = Map::new();
        if let Some(digest) = self.sha256 {
            hashes.insert("sha256".into(), hex::encode(digest).into());
        }
        if let Some(digest) = self.sha512 {
            hashes.insert("sha512".into(), hex::encode(digest).into());
        }
        hashes.into()
    }

    /// Reads `hashes`. A function that cannot be computed here is refused, because every listed hash has to be checked.
    pub(crate) fn parse(fields: &Fields<'_>) -> Result<Self, FormatError> {
        let (mut sha256, mut sha512) = (None, None);
        for (function, digest) in fields.iter() {
            let digest = digest.as_str().unwrap_or_default();
            let known = match function.as_str() {
                "sha256" => {
                    sha256 = hex_array(digest);
                    sha256.is_some()
                }
                "sha512" => {
                    sha512 = hex_array(digest);
                    sha512.is_some()
                }
                _ => false,
            };
            if !known {
                return Err(wrong(
                    fields.at(&function.chars().take(20).collect::<String>()),
                    "sha256 or sha512 in lower-case hexadecimal is expected",
                ));
            }
        }
        Self::new(sha256, sha512).ok_or_else(|| wrong(fields.at("sha256"), "at least one hash is expected"))
    }
}

impl From<[u8; 32]> for Hashes {
    /// A SHA-256 alone, which is what Sealift writes.
    fn from(sha256: [u8; 32]) -> Self {
        Self {
            sha256: Some(sha256),
            sha512: None,
        }
    }
}

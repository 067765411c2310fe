//! A signed role document: the bytes received, the value parsed from them once, and the typed role.

use jiff::Timestamp as Instant;
use serde_json::Value;

use crate::canonical;
use crate::fields::{Fields, wrong};
use crate::ids::NameError;
use crate::json::{self, JsonError};
use crate::keys::{KeyError, KeyId};
use crate::threshold::{self, RoleKeys, ThresholdError};

/// Most signatures that one document may carry.
pub const MAX_SIGNATURES: usize = 256;

/// Why bytes are not a role document.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// Not strict JSON.
    #[error("the document cannot be read")]
    Json(#[from] JsonError),
    /// A field is missing or has the wrong form.
    #[error("the field {at} is wrong: {problem}")]
    Field {
        /// Path of the field.
        at: String,
        /// What is wrong and what is expected.
        problem: &'static str,
    },
    /// A name breaks its rule.
    #[error("the field {at} holds a name that cannot be used")]
    Name {
        /// Path of the field.
        at: String,
        /// The rule.
        #[source]
        source: NameError,
    },
    /// A key cannot be used.
    #[error("the field {at} holds a key that cannot be used")]
    Key {
        /// Path of the field.
        at: String,
        /// The reason.
        #[source]
        source: KeyError,
    },
    /// The document is of another role.
    #[error("the document says it is of type {found:?}, but {expected:?} is wanted here")]
    WrongRole {
        /// The wanted role.
        expected: &'static str,
        /// What the document says.
        found: String,
    },
    /// The document follows another major version of the specification.
    #[error("the document follows TUF specification {found:?}; only major version 1 is understood")]
    SpecVersion {
        /// What the document says.
        found: String,
    },
    /// Two signatures under one key id.
    #[error("the document carries two signatures under the key id {keyid}; keep one")]
    DuplicateSignature {
        /// The repeated key id.
        keyid: String,
    },
}

/// What every signed part has (TUF 4.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Common {
    /// Version, from 1 to 2^53-1.
    pub version: u64,
    /// The document is not trusted at this instant or later.
    pub expires: Instant,
    /// Version of the TUF specification, major 1.
    pub spec_version: String,
}

/// A top-level role.
pub trait Role: Sized + Clone + std::fmt::Debug {
    /// The `_type` of its documents, which is also its name in Root and in file names.
    const TYPE: &'static str;

    /// Reads the signed part.
    ///
    /// # Errors
    /// [`FormatError`] naming the field that is wrong.
    fn parse(signed: &Value, common: Common) -> Result<Self, FormatError>;

    /// The common fields.
    fn common(&self) -> &Common;
}

/// One entry of `signatures`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The id as written. It need not be the id of any known key.
    pub keyid: String,
    /// The signature, or nothing when it is not hexadecimal: such an entry never verifies.
    pub sig: Option<Vec<u8>>,
}

/// A parsed, unverified document.
#[derive(Debug, Clone)]
pub struct Document<R> {
    bytes: Vec<u8>,
    value: Value,
    role: R,
    signatures: Vec<Signature>,
}

impl<R: Role> Document<R> {
    /// Parses the bytes once. Nothing is verified.
    ///
    /// # Errors
    /// [`FormatError`] saying what is wrong with the bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let value = json::parse_strict(bytes)?;
        let (role, signatures) = {
            let outer = Fields::of(&value, "document")?;
            let signatures = parse_signatures(&outer)?;
            let signed = outer.required("signed")?;
            let fields = Fields::of(signed, "signed")?;
            let found = fields.string("_type")?;
            if found != R::TYPE {
                return Err(FormatError::WrongRole {
                    expected: R::TYPE,
                    found: found.chars().take(40).collect(),
                });
            }
            (R::parse(signed, parse_common(&fields)?)?, signatures)
        };
        Ok(Self {
            bytes: bytes.to_vec(),
            value,
            role,
            signatures,
        })
    }

    /// Verifies the signatures against a role's keys.
    ///
    /// # Errors
    /// [`ThresholdError`] if fewer distinct keys than the threshold have signed.
    pub fn verify(self, keys: &RoleKeys) -> Result<Verified<R>, ThresholdError> {
        self.check(keys)?;
        Ok(Verified(self))
    }

    /// Verifies the signatures against a role's keys without giving up the document: a new root must satisfy two sets.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn check(&self, keys: &RoleKeys) -> Result<(), ThresholdError> {
        threshold::verify(&self.canonical(), &self.signatures, keys)
    }

    /// The bytes as received.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The typed role.
    #[must_use]
    pub fn role(&self) -> &R {
        &self.role
    }

    /// Version of the document.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.role.common().version
    }

    /// Expiry of the document.
    #[must_use]
    pub fn expires(&self) -> Instant {
        self.role.common().expires
    }

    /// The signed part as parsed, unknown fields included.
    #[must_use]
    pub fn signed(&self) -> &Value {
        &self.value["signed"]
    }

    /// The bytes that signatures cover.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        canonical::to_vec(self.signed())
    }

    /// The signatures.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }
}

/// A document whose signatures were verified by the threshold counter. Nothing else makes one.
#[derive(Debug, Clone)]
pub struct Verified<R>(Document<R>);

impl<R> std::ops::Deref for Verified<R> {
    type Target = Document<R>;

    fn deref(&self) -> &Document<R> {
        &self.0
    }
}

pub(crate) fn parse_common(fields: &Fields<'_>) -> Result<Common, FormatError> {
    let spec_version = fields.string("spec_version")?;
    if !is_major_one(spec_version) {
        return Err(FormatError::SpecVersion {
            found: spec_version.chars().take(40).collect(),
        });
    }
    Ok(Common {
        version: fields.version("version")?,
        expires: fields.instant("expires")?,
        spec_version: spec_version.to_owned(),
    })
}

/// `1.N` or `1.N.M`, in decimal.
fn is_major_one(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    (2..=3).contains(&parts.len())
        && parts[0] == "1"
        && parts
            .iter()
            .all(|part| (1..=6).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
}

/// The key id of one signature, as written.
pub(crate) fn signature_keyid<'a>(entry: &Fields<'a>) -> Result<&'a str, FormatError> {
    let keyid = entry.string("keyid")?;
    match keyid.is_empty() || keyid.len() > 128 {
        true => Err(wrong("signatures[].keyid", "1 to 128 characters are expected")),
        false => Ok(keyid),
    }
}

/// Reads `signatures`, refusing a repeated key id (TUF 4.2.1).
pub(crate) fn parse_signatures(outer: &Fields<'_>) -> Result<Vec<Signature>, FormatError> {
    let mut signatures: Vec<Signature> = Vec::new();
    for entry in outer.array("signatures", MAX_SIGNATURES)? {
        let entry = Fields::of(entry, "signatures[]")?;
        let keyid = signature_keyid(&entry)?;
        let sig = entry.string("sig")?;
        if signatures.iter().any(|known| known.keyid == keyid) {
            return Err(FormatError::DuplicateSignature {
                keyid: keyid.to_owned(),
            });
        }
        signatures.push(Signature {
            keyid: keyid.to_owned(),
            sig: hex::decode(sig).ok(),
        });
    }
    Ok(signatures)
}

impl Signature {
    /// Whether this entry is filed under `keyid`.
    #[must_use]
    pub fn is_by(&self, keyid: &KeyId) -> bool {
        self.keyid == keyid.as_str()
    }
}

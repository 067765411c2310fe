//! Public keys, their ids, and signature verification.
//!
//! Three schemes (TUF 4.2): `ed25519/ed25519`, `ecdsa/ecdsa-sha2-nistp256` (DER signatures), `rsa/rsassa-pss-sha256` (MGF1 with
//! SHA-256, salt of 32 bytes). A key id is SHA-256 over the canonical form of the key object *as written*.

use std::fmt;

use ed25519_dalek::VerifyingKey as Ed25519Key;
use p256::ecdsa::VerifyingKey as P256Key;
use pkcs8::spki::DecodePublicKey as _;
use rsa::RsaPublicKey;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::canonical;
use crate::ids::NameError;

mod material;
mod told;
use material::Material;

/// Smallest RSA modulus, bits (TUF 4.2.2).
pub const RSA_MIN_BITS: u32 = 2048;
/// Largest RSA modulus, bits.
pub const RSA_MAX_BITS: u32 = 8192;
/// Longest PEM that is read, bytes.
const MAX_PEM: usize = 16 * 1024;

/// A key id: lower-case hex SHA-256 of the canonical key object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// Parses 64 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// [`NameError`] for anything else.
    pub fn new(text: &str) -> Result<Self, NameError> {
        crate::ids::RepositoryId::new(text)
            .map(|hex| Self(hex.into()))
            .map_err(|_| NameError::key_id(text))
    }

    /// The id of a key object.
    #[must_use]
    pub fn of(key: &Value) -> Self {
        Self(hex::encode(canonical::sha256(key)))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A signature scheme together with its kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// ECDSA on P-256 with SHA-256, signatures in DER.
    P256,
    /// RSASSA-PSS with SHA-256, MGF1-SHA-256 and 32 bytes of salt.
    RsaPss,
}

impl KeyType {
    /// `keytype` of the TUF key object.
    #[must_use]
    pub const fn keytype(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::P256 => "ecdsa",
            Self::RsaPss => "rsa",
        }
    }

    /// `scheme` of the TUF key object, also the `method` of a manifest signature.
    #[must_use]
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::P256 => "ecdsa-sha2-nistp256",
            Self::RsaPss => "rsassa-pss-sha256",
        }
    }

    fn of_scheme(scheme: &str) -> Option<Self> {
        [Self::Ed25519, Self::P256, Self::RsaPss]
            .into_iter()
            .find(|kind| kind.scheme() == scheme)
    }
}

/// Why a key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key object lacks a field or has one of the wrong form.
    #[error("the key object is wrong: {0}")]
    Object(&'static str),
    /// The scheme is not known here; the key does not count, the document may still be good.
    #[error("the signature scheme {0:?} is not supported")]
    UnknownScheme(String),
    /// A supported scheme with a key type that it does not go with.
    #[error("the key type {keytype:?} does not go with the scheme {scheme:?}")]
    Mismatch {
        /// As written.
        keytype: String,
        /// As written.
        scheme: String,
    },
    /// The key material cannot be decoded.
    #[error("the public key is not a {0} key in the expected encoding")]
    Material(&'static str),
    /// An RSA modulus outside the bounds.
    #[error("the RSA key has {0} bits; 2048 to 8192 are accepted, 3072 is advised")]
    RsaSize(u32),
    /// An RSA exponent that is even, below 65537 or above 2^32.
    #[error("the RSA public exponent is not an odd number from 65537 to 2^32")]
    RsaExponent,
    /// The key is listed under an id that is not its own.
    #[error("the key is listed under {listed}, but its id is {computed}")]
    WrongId {
        /// The id in the document.
        listed: String,
        /// The id of the key object.
        computed: KeyId,
    },
}

/// A signature does not verify. It does not say why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

/// A public key, with the key object it was read from or is written as.
#[derive(Clone)]
pub struct PublicKey {
    value: Value,
    keyid: KeyId,
    material: Material,
    identity: [u8; 32],
}

impl PublicKey {
    /// Reads a TUF key object, keeping it as written.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::UnknownScheme`] means that the key may be skipped.
    pub fn from_value(value: &Value) -> Result<Self, KeyError> {
        let text = |name: &'static str| value.get(name).and_then(Value::as_str);
        let keytype = text("keytype").ok_or(KeyError::Object("keytype is missing"))?;
        let scheme = text("scheme").ok_or(KeyError::Object("scheme is missing"))?;
        let public = value
            .get("keyval")
            .and_then(|keyval| keyval.get("public"))
            .and_then(Value::as_str)
            .ok_or(KeyError::Object("keyval.public is missing"))?;
        let Some(kind) = KeyType::of_scheme(scheme) else {
            return Err(KeyError::UnknownScheme(scheme.chars().take(40).collect()));
        };
        let goes = keytype == kind.keytype() || (kind == KeyType::P256 && keytype == "ecdsa-sha2-nistp256");
        if !goes {
            return Err(KeyError::Mismatch {
                keytype: keytype.chars().take(40).collect(),
                scheme: scheme.to_owned(),
            });
        }
        let material = match kind {
            KeyType::Ed25519 => {
                let bytes = crate::fields::hex_array(public).ok_or(KeyError::Material("ed25519"))?;
                Material::Ed25519(Ed25519Key::from_bytes(&bytes).map_err(|_| KeyError::Material("ed25519"))?)
            }
            KeyType::P256 => Material::p256(public)?,
            KeyType::RsaPss => Material::rsa(public)?,
        };
        Self::new(value.clone(), material)
    }

    /// Reads a subject public key info in PEM and gives it the key object that Sealift writes.
    ///
    /// # Errors
    /// [`KeyError`] if it is none of the three kinds or too weak.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        if pem.len() > MAX_PEM {
            return Err(KeyError::Material("supported"));
        }
        let material = Material::p256(pem)
            .or_else(|_| {
                Ed25519Key::from_public_key_pem(pem)
                    .map(Material::Ed25519)
                    .map_err(|_| KeyError::Material("supported"))
            })
            .or_else(|_| Material::rsa(pem))?;
        Self::from_material(material)
    }

    pub(crate) fn from_ed25519(key: Ed25519Key) -> Result<Self, KeyError> {
        Self::from_material(Material::Ed25519(key))
    }

    pub(crate) fn from_p256(key: P256Key) -> Result<Self, KeyError> {
        Self::from_material(Material::P256(key))
    }

    pub(crate) fn from_rsa(key: RsaPublicKey) -> Result<Self, KeyError> {
        Self::from_material(Material::checked_rsa(key)?)
    }

    fn from_material(material: Material) -> Result<Self, KeyError> {
        let kind = material.kind();
        let public = match &material {
            Material::Ed25519(key) => hex::encode(key.as_bytes()),
            Material::P256(_) | Material::Rsa(_) => material.pem()?,
        };
        let value = json!({"keytype": kind.keytype(), "scheme": kind.scheme(), "keyval": {"public": public}});
        Self::new(value, material)
    }

    fn new(value: Value, material: Material) -> Result<Self, KeyError> {
        let identity = Sha256::digest(material.spki()?).into();
        Ok(Self {
            keyid: KeyId::of(&value),
            value,
            material,
            identity,
        })
    }

    /// The key id.
    #[must_use]
    pub fn keyid(&self) -> &KeyId {
        &self.keyid
    }

    /// The TUF key object.
    #[must_use]
    pub fn to_value(&self) -> Value {
        self.value.clone()
    }

    /// The kind of key.
    #[must_use]
    pub fn kind(&self) -> KeyType {
        self.material.kind()
    }

    /// Subject public key info in PEM.
    ///
    /// # Errors
    /// [`KeyError::Material`] if the encoder refuses the key.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.material.pem()
    }

    /// SHA-256 of the decoded key in one encoding: equal for the same key under any key object.
    #[must_use]
    pub fn identity(&self) -> [u8; 32] {
        self.identity
    }

    /// Verifies one signature over `message`.
    ///
    /// # Errors
    /// [`BadSignature`], uniformly.
    pub fn verify(&self, message: &[u8], sig: &[u8]) -> Result<(), BadSignature> {
        self.material.verify(message, sig)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?}, {})", self.kind(), self.keyid)
    }
}

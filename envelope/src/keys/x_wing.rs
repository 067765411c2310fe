//! X-Wing keys as SubjectPublicKeyInfo and PKCS#8, after draft-connolly-cfrg-xwing-kem §8: raw bytes, no parameters.

use std::fmt;

use pkcs8::der::Encode as _;
use pkcs8::der::asn1::{BitStringRef, OctetStringRef};
use pkcs8::der::{self, SecretDocument};
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef, SubjectPublicKeyInfoRef};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::KeyId;
use crate::error::KeyError;
use crate::wrap::x_wing::{self, PUBLIC_LEN};

pub(super) const X_WING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.62253.25722");

const ALGORITHM: AlgorithmIdentifierRef<'_> = AlgorithmIdentifierRef {
    oid: X_WING,
    parameters: None,
};

/// The public key of an X-Wing recipient: 1184 bytes of ML-KEM-768, 32 bytes of X25519.
#[derive(Clone, PartialEq, Eq)]
pub struct XWingPublic(Box<[u8; PUBLIC_LEN]>);

impl XWingPublic {
    /// The key with these 1216 bytes.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] for another length, an ML-KEM key that is not reduced (FIPS 203 §7.2), or an X25519 point
    /// of low order.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes: [u8; PUBLIC_LEN] = bytes.try_into().map_err(|_| KeyError::Malformed)?;
        if x_wing::is_usable(&bytes) {
            Ok(Self(Box::new(bytes)))
        } else {
            Err(KeyError::Malformed)
        }
    }

    /// The public half. A private key never makes one that [`Self::from_bytes`] would refuse.
    pub(super) fn of(key: &x_wing::Private) -> Self {
        Self(Box::new(x_wing::public(key)))
    }

    /// The 1216 bytes.
    pub fn as_bytes(&self) -> &[u8; 1216] {
        &self.0
    }

    /// SHA-256 of `"X-Wing"` and the 1216 bytes (§5).
    pub(super) fn key_id(&self) -> KeyId {
        let hash = Sha256::new()
            .chain_update(b"X-Wing")
            .chain_update(self.0.as_slice());
        KeyId::from_bytes(hash.finalize().into())
    }

    pub(super) fn from_spki(spki: &SubjectPublicKeyInfoRef<'_>) -> Result<Self, KeyError> {
        if spki.algorithm != ALGORITHM {
            return Err(KeyError::Malformed);
        }
        let bytes = spki.subject_public_key.as_bytes();
        Self::from_bytes(bytes.ok_or(KeyError::Malformed)?)
    }

    pub(super) fn to_spki_der(&self) -> der::Result<Vec<u8>> {
        SubjectPublicKeyInfoRef {
            algorithm: ALGORITHM,
            subject_public_key: BitStringRef::from_bytes(self.0.as_slice())?,
        }
        .to_der()
    }
}

impl fmt::Debug for XWingPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "XWingPublic({})", self.key_id())
    }
}

/// The private key in a PKCS#8 structure. A public key beside it must be its own.
pub(super) fn private_from_pkcs8(info: &PrivateKeyInfoRef<'_>) -> Result<x_wing::Private, KeyError> {
    if info.algorithm != ALGORITHM {
        return Err(KeyError::Malformed);
    }
    let seed = info.private_key.as_bytes().try_into().ok();
    let key = seed.and_then(x_wing::private).ok_or(KeyError::Malformed)?;
    match info
        .public_key
        .map(|public| public.as_bytes() == Some(x_wing::public(&key).as_slice()))
    {
        None | Some(true) => Ok(key),
        Some(false) => Err(KeyError::Malformed),
    }
}

pub(super) fn private_to_pkcs8(key: &x_wing::Private) -> pkcs8::Result<SecretDocument> {
    let seed = Zeroizing::new(x_wing::seed(key));
    let octets = OctetStringRef::new(seed.as_slice()).map_err(pkcs8::Error::from)?;
    SecretDocument::try_from(PrivateKeyInfoRef::new(ALGORITHM, octets))
}

//! A recipient's public key.

use pkcs8::der::Document;
use pkcs8::der::pem::{self, PemLabel as _};
use pkcs8::{DecodePublicKey as _, EncodePublicKey as _, LineEnding, SubjectPublicKeyInfoRef};
use rsa::traits::PublicKeyParts as _;
use rsa::{BoxedUint, RsaPublicKey};
use sha2::{Digest as _, Sha256};

use super::x_wing::{X_WING, XWingPublic};
use super::{KeyId, MAX_RSA_BITS, MIN_RSA_BITS};
use crate::error::KeyError;
use crate::stanza::Wrap;

/// Bytes of a modulus that is looked at: 8192 bits and a leading zero.
const MAX_MODULUS_LEN: usize = 1025;
const RSA_ENCRYPTION: pkcs8::ObjectIdentifier = pkcs8::ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// A public key that content keys can be wrapped for. Only reading one makes it, so that every one has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecipientKey {
    /// NIST P-256, for HPKE.
    #[non_exhaustive]
    P256(p256::PublicKey),
    /// RSA with the rsaEncryption identifier, for OAEP.
    #[non_exhaustive]
    Rsa(RsaPublicKey),
    /// X-Wing, for HPKE.
    XWing(XWingPublic),
}

impl RecipientKey {
    /// Reads a SubjectPublicKeyInfo PEM (`-----BEGIN PUBLIC KEY-----`).
    ///
    /// # Errors
    /// [`KeyError`]; RSA below 3072 bits is refused.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        Self::from_pem_with(pem, MIN_RSA_BITS)
    }

    pub(crate) fn from_pem_with(pem: &str, min_rsa_bits: usize) -> Result<Self, KeyError> {
        const EXPECTED: KeyError = KeyError::Pem {
            expected: "PUBLIC KEY",
        };
        let (label, document) = Document::from_pem(pem.trim_start()).map_err(|_| EXPECTED)?;
        if label != SubjectPublicKeyInfoRef::PEM_LABEL {
            return Err(EXPECTED);
        }
        Self::from_spki_der_with(document.as_bytes(), min_rsa_bits)
    }

    /// Reads a DER SubjectPublicKeyInfo. P-256 points may be compressed; the curve must be named.
    ///
    /// # Errors
    /// [`KeyError`]; RSA below 3072 bits is refused.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::from_spki_der_with(der, MIN_RSA_BITS)
    }

    pub(crate) fn from_spki_der_with(der: &[u8], min_rsa_bits: usize) -> Result<Self, KeyError> {
        let spki = SubjectPublicKeyInfoRef::try_from(der).map_err(|_| KeyError::Malformed)?;
        if spki.algorithm.oid == RSA_ENCRYPTION {
            let key = RsaPublicKey::from_public_key_der(der).map_err(|_| KeyError::Malformed)?;
            check_rsa_size(&key, min_rsa_bits)?;
            return Ok(Self::Rsa(key));
        }
        if spki.algorithm.oid == X_WING {
            return XWingPublic::from_spki(&spki).map(Self::XWing);
        }
        p256::PublicKey::from_public_key_der(der)
            .map(Self::P256)
            .map_err(|_| KeyError::Malformed)
    }

    /// A P-256 key from a point, as tokens tell it: `0x04 || x || y`, or compressed.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] for anything that is no point of the curve, or is the point at infinity.
    pub fn from_p256_point(sec1: &[u8]) -> Result<Self, KeyError> {
        p256::PublicKey::from_sec1_bytes(sec1)
            .map(Self::P256)
            .map_err(|_| KeyError::Malformed)
    }

    /// An RSA key from its modulus and public exponent, big-endian, as tokens tell them.
    ///
    /// # Errors
    /// [`KeyError`]; RSA below 3072 bits is refused.
    pub fn from_rsa_numbers(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let key = RsaPublicKey::new(number(modulus)?, number(exponent)?).map_err(|_| KeyError::Malformed)?;
        let der = key.to_public_key_der().map_err(|_| KeyError::Malformed)?;
        Self::from_spki_der(der.as_bytes())
    }

    /// The canonical DER SubjectPublicKeyInfo: named curve and uncompressed point, rsaEncryption with NULL, or
    /// X-Wing without parameters.
    pub fn to_spki_der(&self) -> Vec<u8> {
        let der = match self {
            Self::P256(key) => key.to_public_key_der().ok().map(Document::into_vec),
            Self::Rsa(key) => key.to_public_key_der().ok().map(Document::into_vec),
            Self::XWing(key) => key.to_spki_der().ok(),
        };
        // A key that was read or generated always encodes.
        der.unwrap_or_default()
    }

    /// The canonical encoding as PEM.
    pub fn to_pem(&self) -> String {
        let der = self.to_spki_der();
        let pem = pem::encode_string(SubjectPublicKeyInfoRef::PEM_LABEL, LineEnding::LF, &der);
        pem.unwrap_or_default()
    }

    /// SHA-256 of [`Self::to_spki_der`]; for X-Wing of `"X-Wing"` and the 1216 bytes (§5).
    pub fn key_id(&self) -> KeyId {
        match self {
            Self::XWing(key) => key.key_id(),
            Self::P256(_) | Self::Rsa(_) => KeyId::from_bytes(Sha256::digest(self.to_spki_der()).into()),
        }
    }

    /// The wrap used for this key.
    pub fn wrap(&self) -> Wrap {
        match self {
            Self::P256(_) => Wrap::HpkeP256,
            Self::Rsa(_) => Wrap::RsaOaep,
            Self::XWing(_) => Wrap::XWing,
        }
    }
}

fn number(bytes: &[u8]) -> Result<BoxedUint, KeyError> {
    if bytes.len() > MAX_MODULUS_LEN {
        return Err(KeyError::Malformed);
    }
    let first = bytes.iter().position(|byte| *byte != 0);
    let bytes = first
        .and_then(|first| bytes.get(first..))
        .ok_or(KeyError::Malformed)?;
    let bits = u32::try_from(bytes.len() * 8).map_err(|_| KeyError::Malformed)?;
    BoxedUint::from_be_slice(bytes, bits).map_err(|_| KeyError::Malformed)
}

pub(super) fn check_rsa_size(key: &RsaPublicKey, min: usize) -> Result<(), KeyError> {
    let bits = usize::try_from(key.n().bits()).unwrap_or(usize::MAX);
    if (min..=MAX_RSA_BITS).contains(&bits) {
        Ok(())
    } else {
        Err(KeyError::RsaSize {
            bits,
            min,
            max: MAX_RSA_BITS,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modulus_has_8192_bits_and_a_leading_zero_at_most() {
        let longest = [&[0][..], &[0xff; 1024]].concat();
        RecipientKey::from_rsa_numbers(&longest, &[1, 0, 1]).unwrap();
        let longer = [&[0], &longest[..]].concat();
        let refused = RecipientKey::from_rsa_numbers(&longer, &[1, 0, 1]);
        assert_eq!(refused.unwrap_err(), KeyError::Malformed);
    }
}

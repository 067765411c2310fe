//! Decoded keys: bounds, encodings, verification.

use ed25519_dalek::VerifyingKey as Ed25519Key;
use p256::ecdsa::VerifyingKey as P256Key;
use pkcs8::spki::{DecodePublicKey as _, EncodePublicKey as _};
use rsa::RsaPublicKey;
use rsa::signature::Verifier as _;
use rsa::traits::PublicKeyParts as _;
use sha2::Sha256;

use super::{BadSignature, KeyError, KeyType, MAX_PEM, RSA_MAX_BITS, RSA_MIN_BITS};

#[derive(Clone)]
pub(super) enum Material {
    Ed25519(Ed25519Key),
    P256(P256Key),
    Rsa(Box<rsa::pss::VerifyingKey<Sha256>>),
}

impl Material {
    pub(super) const fn kind(&self) -> KeyType {
        match self {
            Self::Ed25519(_) => KeyType::Ed25519,
            Self::P256(_) => KeyType::P256,
            Self::Rsa(_) => KeyType::RsaPss,
        }
    }

    pub(super) fn p256(pem: &str) -> Result<Self, KeyError> {
        if pem.len() > MAX_PEM {
            return Err(KeyError::Material("P-256"));
        }
        P256Key::from_public_key_pem(pem)
            .map(Self::P256)
            .map_err(|_| KeyError::Material("P-256"))
    }

    pub(super) fn rsa(pem: &str) -> Result<Self, KeyError> {
        if pem.len() > MAX_PEM {
            return Err(KeyError::Material("RSA"));
        }
        let key = RsaPublicKey::from_public_key_pem(pem).map_err(|_| KeyError::Material("RSA"))?;
        Self::checked_rsa(key)
    }

    pub(super) fn checked_rsa(key: RsaPublicKey) -> Result<Self, KeyError> {
        let bits = key.n().bits();
        if !(RSA_MIN_BITS..=RSA_MAX_BITS).contains(&bits) {
            return Err(KeyError::RsaSize(bits));
        }
        let exponent = key.e_bytes().iter().try_fold(0u64, |sum, byte| {
            sum.checked_mul(256)
                .map(|sum| sum + u64::from(*byte))
                .filter(|sum| *sum <= 1 << 32)
        });
        match exponent {
            Some(e) if e % 2 == 1 && e >= 65537 => Ok(Self::Rsa(Box::new(
                rsa::pss::VerifyingKey::new_with_salt_len(key, 32),
            ))),
            _ => Err(KeyError::RsaExponent),
        }
    }

    pub(super) fn pem(&self) -> Result<String, KeyError> {
        let ending = pkcs8::LineEnding::LF;
        match self {
            Self::Ed25519(key) => key.to_public_key_pem(ending),
            Self::P256(key) => key.to_public_key_pem(ending),
            Self::Rsa(key) => {
                let key: &RsaPublicKey = (**key).as_ref();
                key.to_public_key_pem(ending)
            }
        }
        .map_err(|_| KeyError::Material("supported"))
    }

    pub(super) fn spki(&self) -> Result<Vec<u8>, KeyError> {
        match self {
            Self::Ed25519(key) => key.to_public_key_der(),
            Self::P256(key) => key.to_public_key_der(),
            Self::Rsa(key) => {
                let key: &RsaPublicKey = (**key).as_ref();
                key.to_public_key_der()
            }
        }
        .map(|document| document.as_bytes().to_vec())
        .map_err(|_| KeyError::Material("supported"))
    }

    /// Verifies one signature, saying no more than yes or no.
    pub(super) fn verify(&self, message: &[u8], sig: &[u8]) -> Result<(), BadSignature> {
        match self {
            Self::Ed25519(key) => {
                let sig = ed25519_dalek::Signature::from_slice(sig).map_err(|_| BadSignature)?;
                key.verify_strict(message, &sig).map_err(|_| BadSignature)
            }
            Self::P256(key) => {
                let sig = p256::ecdsa::Signature::from_der(sig).map_err(|_| BadSignature)?;
                key.verify(message, &sig).map_err(|_| BadSignature)
            }
            Self::Rsa(key) => {
                let modulus: &RsaPublicKey = (**key).as_ref();
                if sig.len() != modulus.size() {
                    return Err(BadSignature);
                }
                let sig = rsa::pss::Signature::try_from(sig).map_err(|_| BadSignature)?;
                key.verify(message, &sig).map_err(|_| BadSignature)
            }
        }
    }
}

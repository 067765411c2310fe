//! Public keys as tokens and key services tell them.

use ed25519_dalek::VerifyingKey as Ed25519Key;
use p256::ecdsa::VerifyingKey as P256Key;
use pkcs8::spki::DecodePublicKey as _;
use rsa::{BoxedUint, RsaPublicKey};

use super::{KeyError, MAX_PEM, PublicKey, RSA_MAX_BITS};

impl PublicKey {
    /// Reads a subject public key info in DER.
    ///
    /// # Errors
    /// [`KeyError`] if it is none of the three kinds or too weak.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        if der.len() > MAX_PEM {
            return Err(KeyError::Material("supported"));
        }
        if let Ok(key) = P256Key::from_public_key_der(der) {
            return Self::from_p256(key);
        }
        if let Ok(key) = Ed25519Key::from_public_key_der(der) {
            return Self::from_ed25519(key);
        }
        RsaPublicKey::from_public_key_der(der)
            .map_err(|_| KeyError::Material("supported"))
            .and_then(Self::from_rsa)
    }

    /// From the 32 bytes of RFC 8032.
    ///
    /// # Errors
    /// [`KeyError::Material`] for another length, or no point of the curve.
    pub fn from_ed25519_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        Ed25519Key::try_from(bytes)
            .map_err(|_| KeyError::Material("Ed25519"))
            .and_then(Self::from_ed25519)
    }

    /// From a point of P-256 in the form of SEC 1.
    ///
    /// # Errors
    /// [`KeyError::Material`] for no point of the curve.
    pub fn from_p256_point(point: &[u8]) -> Result<Self, KeyError> {
        P256Key::from_sec1_bytes(point)
            .map_err(|_| KeyError::Material("P-256"))
            .and_then(Self::from_p256)
    }

    /// From an RSA modulus and public exponent, most significant byte first.
    ///
    /// # Errors
    /// [`KeyError`] if they are no RSA key or a weak one.
    pub fn from_rsa_numbers(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let key = RsaPublicKey::new(number(modulus)?, number(exponent)?);
        key.map_err(|_| KeyError::Material("RSA"))
            .and_then(Self::from_rsa)
    }
}

fn number(bytes: &[u8]) -> Result<BoxedUint, KeyError> {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let bytes = bytes.get(first..).unwrap_or_default();
    let fail = || KeyError::Material("RSA");
    let bits = u32::try_from(bytes.len() * 8).map_err(|_| fail())?;
    if bits == 0 || bits > RSA_MAX_BITS {
        return Err(fail());
    }
    BoxedUint::from_be_slice(bytes, bits).map_err(|_| fail())
}

#[cfg(test)]
mod tests {
    use pkcs8::der::Document;
    use rand_core::UnwrapErr;

    use super::*;
    use crate::{FileSigner, KeyType, Signer as _};

    /// The same key object, and so the same key id, however the key is told.
    #[test]
    fn each_way_of_telling_gives_the_same_key() {
        let mut rng = UnwrapErr(getrandom::SysRng);
        for kind in [KeyType::Ed25519, KeyType::P256, KeyType::RsaPss] {
            let signer = FileSigner::generate(kind, &mut rng).unwrap();
            let key = signer.public();
            let pem = key.to_pem().unwrap();
            let (_, der) = Document::from_pem(&pem).unwrap();
            let same = |told: PublicKey| assert_eq!(told.to_value(), key.to_value());
            same(PublicKey::from_spki_der(der.as_bytes()).unwrap());
            let tail = |length: usize| &der.as_bytes()[der.as_bytes().len() - length..];
            match kind {
                KeyType::Ed25519 => same(PublicKey::from_ed25519_bytes(tail(32)).unwrap()),
                KeyType::P256 => same(PublicKey::from_p256_point(tail(65)).unwrap()),
                KeyType::RsaPss => {
                    // 384 bytes of modulus, then INTEGER 65537; a leading zero as DER has it.
                    let modulus = &tail(384 + 6)[..385];
                    same(PublicKey::from_rsa_numbers(modulus, &[1, 0, 1]).unwrap());
                    same(PublicKey::from_rsa_numbers(&modulus[1..], &[0, 1, 0, 1]).unwrap());
                }
            }
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(PublicKey::from_spki_der(b"").is_err());
        assert!(PublicKey::from_spki_der(&[0x30; MAX_PEM + 1]).is_err());
        assert!(PublicKey::from_ed25519_bytes(&[1; 31]).is_err());
        assert!(PublicKey::from_p256_point(&[4; 65]).is_err());
        assert!(PublicKey::from_rsa_numbers(&[0; 384], &[1, 0, 1]).is_err());
        assert!(PublicKey::from_rsa_numbers(&[0xff; 384], &[]).is_err());
        assert!(PublicKey::from_rsa_numbers(&[0xff; 128], &[1, 0, 1]).is_err());
        assert!(PublicKey::from_rsa_numbers(&[0xff; 5000], &[1, 0, 1]).is_err());
        assert!(PublicKey::from_rsa_numbers(&[0xff; 384], &[3]).is_err());
    }
}

//! One demonstration key, derived from its name.

use chacha20::ChaCha20Rng;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use rand_core::{Rng as _, SeedableRng as _};
use sealift_envelope::PrivateKey;
use sha2::{Digest as _, Sha256};

use crate::failure::Failure;

/// Changing this changes every key; it is public, and so is every key made from it.
const SEED: &[u8] = b"sealift demonstration keys, public on purpose: ";

/// What kind of key a name gets.
#[derive(Debug, Clone, Copy)]
pub(super) enum Algorithm {
    Ed25519,
    P256,
    Rsa3072,
    XWing,
}

/// A private key whose bytes are in the repository. It protects nothing.
#[derive(Debug)]
pub(super) enum Key {
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::SecretKey),
    Rsa(Box<rsa::RsaPrivateKey>),
    XWing(Box<PrivateKey>),
}

impl Key {
    /// The key of this name: the same in every run.
    pub(super) fn derive(name: &str, algorithm: Algorithm) -> Result<Self, Failure> {
        let seed = Sha256::new().chain_update(SEED).chain_update(name).finalize();
        let mut rng = ChaCha20Rng::from_seed(seed.into());
        match algorithm {
            Algorithm::Ed25519 => Ok(Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(&draw(
                &mut rng,
            )))),
            Algorithm::P256 => Ok(Self::P256(p256_key(&mut rng))),
            Algorithm::XWing => Ok(Self::XWing(Box::new(PrivateKey::generate_x_wing(&mut rng)?))),
            Algorithm::Rsa3072 => Ok(Self::Rsa(Box::new(rsa::RsaPrivateKey::new(&mut rng, 3072)?))),
        }
    }

    /// PKCS#8, not encrypted.
    pub(super) fn private_pem(&self) -> Result<String, Failure> {
        let pem = match self {
            Self::Ed25519(key) => key.to_pkcs8_pem(LineEnding::LF)?,
            Self::P256(key) => key.to_pkcs8_pem(LineEnding::LF)?,
            Self::Rsa(key) => key.to_pkcs8_pem(LineEnding::LF)?,
            // Without a passphrase nothing is drawn.
            Self::XWing(key) => key.to_pkcs8_pem(None, &mut ChaCha20Rng::from_seed([0; 32]))?,
        };
        Ok(pem.to_string())
    }

    /// SubjectPublicKeyInfo.
    pub(super) fn public_pem(&self) -> Result<String, Failure> {
        Ok(match self {
            Self::Ed25519(key) => key.verifying_key().to_public_key_pem(LineEnding::LF)?,
            Self::P256(key) => key.public_key().to_public_key_pem(LineEnding::LF)?,
            Self::Rsa(key) => key.to_public_key().to_public_key_pem(LineEnding::LF)?,
            Self::XWing(key) => key.public().to_pem(),
        })
    }

    /// SubjectPublicKeyInfo.
    pub(super) fn public_der(&self) -> Result<Vec<u8>, Failure> {
        Ok(match self {
            Self::Ed25519(key) => key.verifying_key().to_public_key_der()?.into_vec(),
            Self::P256(key) => key.public_key().to_public_key_der()?.into_vec(),
            Self::Rsa(key) => key.to_public_key().to_public_key_der()?.into_vec(),
            Self::XWing(key) => key.public().to_spki_der(),
        })
    }

    /// The key as an issuer or subject of certificates.
    pub(super) fn certifier(&self) -> Result<Certifier, Failure> {
        match self {
            Self::P256(key) => Ok(Certifier {
                point: key.public_key().to_sec1_point(false).as_bytes().to_vec(),
                signing: p256::ecdsa::SigningKey::from(key),
            }),
            _ => Err(Failure::new(
                "demonstration certificates are made with P-256 keys",
            )),
        }
    }
}

fn draw(rng: &mut ChaCha20Rng) -> [u8; 32] {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn p256_key(rng: &mut ChaCha20Rng) -> p256::SecretKey {
    loop {
        // One draw in 2^32 lies above the order of the curve.
        if let Ok(key) = p256::SecretKey::from_slice(&draw(rng)) {
            return key;
        }
    }
}

/// Signs certificates by RFC 6979, so that the same key and content give the same bytes.
pub(super) struct Certifier {
    point: Vec<u8>,
    signing: p256::ecdsa::SigningKey,
}

impl rcgen::PublicKeyData for Certifier {
    fn der_bytes(&self) -> &[u8] {
        &self.point
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for Certifier {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        use p256::ecdsa::signature::Signer as _;
        let signature: p256::ecdsa::Signature = self
            .signing
            .try_sign(message)
            .map_err(|_| rcgen::Error::RemoteKeyError)?;
        Ok(signature.to_der().as_bytes().to_vec())
    }
}

impl std::fmt::Debug for Certifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certifier").finish_non_exhaustive()
    }
}

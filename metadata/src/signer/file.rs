//! Private keys in PEM files.

use std::convert::Infallible;
use std::fmt;

use async_trait::async_trait;
use ed25519_dalek::SigningKey as Ed25519Signing;
use p256::ecdsa::SigningKey as P256Signing;
use p256::elliptic_curve::Generate as _;
use pkcs8::der::SecretDocument;
use pkcs8::der::pem::PemLabel as _;
use pkcs8::{
    DecodePrivateKey as _, EncodePrivateKey, EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef,
};
use rand_core::{CryptoRng, TryCryptoRng, TryRng};
use rsa::RsaPrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _, Signer as _};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use super::passphrase::is_affordable;
use super::{SignError, Signer, key_label};
use crate::keys::{KeyError, KeyType, PublicKey};

/// Bits of a generated RSA key.
const RSA_BITS: usize = 3072;
/// Longest key file that is read, bytes.
const MAX_PEM: usize = 64 * 1024;

/// Why a private key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// No private key in the file.
    #[error("no private key in PEM form was found; give a PKCS#8, SEC 1 or PKCS#1 PEM file")]
    NotPem,
    /// The file is encrypted and no passphrase was given.
    #[error("the key file is encrypted; give its passphrase")]
    PassphraseNeeded,
    /// The passphrase does not open the file.
    #[error("the passphrase does not open the key file, or the file is damaged")]
    WrongPassphrase,
    /// The file asks for too much work to try a passphrase.
    #[error(
        "the key file asks for more than 10 million rounds of PBKDF2, 512 MiB of scrypt, or nonsense; \
         get the file anew, or encrypt the key again with `openssl pkcs8 -topk8`"
    )]
    PassphraseCost,
    /// The old way of encrypting PEM.
    #[error("the key file is encrypted in the old OpenSSL form; convert it with `openssl pkcs8 -topk8`")]
    LegacyEncryption,
    /// The key is none of Ed25519, P-256 and RSA, or is damaged.
    #[error("the private key is not a usable Ed25519, P-256 or RSA key")]
    Unsupported,
    /// The key is too weak.
    #[error("the private key cannot be used")]
    Key(#[from] KeyError),
    /// The encoder or the cipher failed.
    #[error("the private key could not be written as PKCS#8")]
    Encode,
    /// Generation failed.
    #[error("no {0} key could be generated")]
    Generate(&'static str),
}

enum Private {
    Ed25519(Ed25519Signing),
    P256(P256Signing),
    Rsa {
        key: Box<rsa::pss::SigningKey<Sha256>>,
        seed: Zeroizing<[u8; 32]>,
    },
}

/// A private key held in memory, read from or written to PKCS#8 PEM.
pub struct FileSigner {
    private: Private,
    public: PublicKey,
}

impl fmt::Debug for FileSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSigner")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

impl FileSigner {
    /// Reads a private key: PKCS#8, encrypted (PBES2) or not, SEC 1 (`EC PRIVATE KEY`) or PKCS#1 (`RSA PRIVATE KEY`).
    ///
    /// # Errors
    /// [`KeyFileError`] saying whether the file, the passphrase or the key is at fault.
    pub fn from_pem(pem: &str, passphrase: Option<&[u8]>) -> Result<Self, KeyFileError> {
        if pem.len() > MAX_PEM {
            return Err(KeyFileError::NotPem);
        }
        let block = private_block(pem).ok_or(KeyFileError::NotPem)?;
        if block.contains("Proc-Type:") {
            return Err(KeyFileError::LegacyEncryption);
        }
        let (label, der) = SecretDocument::from_pem(block).map_err(|_| KeyFileError::NotPem)?;
        match label {
            "PRIVATE KEY" => Self::from_pkcs8(der.as_bytes()),
            "ENCRYPTED PRIVATE KEY" => {
                let passphrase = passphrase.ok_or(KeyFileError::PassphraseNeeded)?;
                let encrypted =
                    EncryptedPrivateKeyInfoRef::try_from(der.as_bytes()).map_err(|_| KeyFileError::NotPem)?;
                if !is_affordable(&encrypted) {
                    return Err(KeyFileError::PassphraseCost);
                }
                let plain = encrypted
                    .decrypt(passphrase)
                    .map_err(|_| KeyFileError::WrongPassphrase)?;
                Self::from_pkcs8(plain.as_bytes())
            }
            "EC PRIVATE KEY" => {
                let key =
                    p256::SecretKey::from_sec1_der(der.as_bytes()).map_err(|_| KeyFileError::Unsupported)?;
                Self::new(Private::P256(key.into()))
            }
            "RSA PRIVATE KEY" => {
                let key =
                    RsaPrivateKey::from_pkcs1_der(der.as_bytes()).map_err(|_| KeyFileError::Unsupported)?;
                Self::from_rsa(key)
            }
            _ => Err(KeyFileError::NotPem),
        }
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyFileError> {
        if let Ok(key) = P256Signing::from_pkcs8_der(der) {
            return Self::new(Private::P256(key));
        }
        if let Ok(key) = Ed25519Signing::from_pkcs8_der(der) {
            return Self::new(Private::Ed25519(key));
        }
        let key = RsaPrivateKey::from_pkcs8_der(der).map_err(|_| KeyFileError::Unsupported)?;
        Self::from_rsa(key)
    }

    fn from_rsa(key: RsaPrivateKey) -> Result<Self, KeyFileError> {
        let der = key.to_pkcs8_der().map_err(|_| KeyFileError::Unsupported)?;
        let seed = Zeroizing::new(Sha256::digest(der.as_bytes()).into());
        Self::new(Private::Rsa {
            key: Box::new(rsa::pss::SigningKey::new_with_salt_len(key, 32)),
            seed,
        })
    }

    fn new(private: Private) -> Result<Self, KeyFileError> {
        let public = match &private {
            Private::Ed25519(key) => PublicKey::from_ed25519(key.verifying_key())?,
            Private::P256(key) => PublicKey::from_p256(*key.verifying_key())?,
            Private::Rsa { key, .. } => {
                let key: &RsaPrivateKey = (**key).as_ref();
                PublicKey::from_rsa(key.to_public_key())?
            }
        };
        Ok(Self { private, public })
    }

    /// Makes a new key; RSA keys get 3072 bits.
    ///
    /// # Errors
    /// [`KeyFileError::Generate`] if no primes were found.
    pub fn generate(kind: KeyType, rng: &mut impl CryptoRng) -> Result<Self, KeyFileError> {
        match kind {
            KeyType::Ed25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                rng.fill_bytes(&mut *seed);
                Self::new(Private::Ed25519(Ed25519Signing::from_bytes(&seed)))
            }
            KeyType::P256 => Self::new(Private::P256(P256Signing::generate_from_rng(rng))),
            KeyType::RsaPss => Self::generate_rsa(RSA_BITS, rng),
        }
    }

    /// Makes a new RSA key of `bits` bits.
    ///
    /// # Errors
    /// [`KeyFileError`] if `bits` is out of bounds or no primes were found.
    pub fn generate_rsa(bits: usize, rng: &mut impl CryptoRng) -> Result<Self, KeyFileError> {
        let key = RsaPrivateKey::new(rng, bits).map_err(|_| KeyFileError::Generate("RSA"))?;
        Self::from_rsa(key)
    }

    /// Writes the key as PKCS#8 PEM: encrypted under `passphrase` (PBES2, scrypt, AES-256-CBC), or in the clear without one.
    ///
    /// # Errors
    /// [`KeyFileError::Encode`] if the encoder or the cipher fails.
    pub fn to_pkcs8_pem(
        &self,
        passphrase: Option<&[u8]>,
        rng: &mut impl CryptoRng,
    ) -> Result<Zeroizing<String>, KeyFileError> {
        let encode = |_| KeyFileError::Encode;
        let der = match &self.private {
            Private::Ed25519(key) => {
                // The form without the public half: OpenSSL reads no other.
                let pair = ed25519_dalek::pkcs8::KeypairBytes {
                    secret_key: key.to_bytes(),
                    public_key: None,
                };
                pair.to_pkcs8_der().map_err(encode)?
            }
            Private::P256(key) => key.to_pkcs8_der().map_err(encode)?,
            Private::Rsa { key, .. } => {
                let key: &RsaPrivateKey = (**key).as_ref();
                key.to_pkcs8_der().map_err(encode)?
            }
        };
        let pem = match passphrase {
            None => der.to_pem(PrivateKeyInfoRef::PEM_LABEL, LineEnding::LF),
            Some(passphrase) => {
                let info = PrivateKeyInfoRef::try_from(der.as_bytes()).map_err(|_| KeyFileError::Encode)?;
                info.encrypt_with_rng(rng, passphrase)
                    .map_err(encode)?
                    .to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF)
            }
        };
        pem.map_err(|_| KeyFileError::Encode)
    }
}

/// The first private-key block; OpenSSL writes `EC PARAMETERS` before it.
fn private_block(pem: &str) -> Option<&str> {
    let label = pem.find("PRIVATE KEY-----")?;
    let start = pem[..label].rfind("-----BEGIN ")?;
    let end = start + pem[start..].find("-----END ")?;
    let stop = end + pem[end..].find("PRIVATE KEY-----")? + "PRIVATE KEY-----".len();
    Some(&pem[start..stop])
}

#[async_trait]
impl Signer for FileSigner {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let failed = |source: rsa::signature::Error| SignError::Holder {
            keyid: format!("{} ({})", self.public.keyid(), key_label(self.public.kind())),
            source: Box::new(source),
        };
        match &self.private {
            Private::Ed25519(key) => Ok(key.try_sign(message).map_err(failed)?.to_bytes().to_vec()),
            Private::P256(key) => {
                let sig: p256::ecdsa::Signature = key.try_sign(message).map_err(failed)?;
                Ok(sig.to_der().as_bytes().to_vec())
            }
            Private::Rsa { key, seed } => {
                let mut rng = Synthetic::new(seed, message);
                Ok(key.try_sign_with_rng(&mut rng, message).map_err(failed)?.to_vec())
            }
        }
    }
}

/// Salt and blinding of an RSA signature: SHA-256(seed ‖ counter), seed = SHA-256(label ‖ key digest ‖ message).
///
/// The scheme needs the salt to be unpredictable without the key, not to come from a generator (compare RFC 6979); so a
/// signature needs no ambient randomness and the same message gives the same signature.
struct Synthetic {
    seed: Zeroizing<[u8; 32]>,
    counter: u64,
}

impl Synthetic {
    fn new(key: &[u8; 32], message: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"sealift rsa-pss salt and blinding v1\0");
        hash.update(key);
        hash.update(message);
        Self {
            seed: Zeroizing::new(hash.finalize().into()),
            counter: 0,
        }
    }

    fn block(&mut self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(*self.seed);
        hash.update(self.counter.to_be_bytes());
        self.counter += 1;
        hash.finalize().into()
    }
}

impl TryRng for Synthetic {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            let mut block = self.block();
            chunk.copy_from_slice(&block[..chunk.len()]);
            block.zeroize();
        }
        Ok(())
    }
}

impl TryCryptoRng for Synthetic {}

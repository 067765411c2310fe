//! A private key held in memory.

use std::fmt;

use p256::elliptic_curve::Generate as _;
use pkcs8::der::{Decode as _, SecretDocument};
use pkcs8::{EncodePrivateKey as _, EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef};
use rand_core::CryptoRng;
use rsa::RsaPrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::passphrase::is_affordable;
use super::recipient::check_rsa_size;
use super::x_wing::{self, X_WING, XWingPublic};
use super::{KeyId, MAX_RSA_BITS, MIN_RSA_BITS, RecipientKey, UnwrapKey};
use crate::content_key::ContentKey;
use crate::error::{KeyError, UnwrapError};
use crate::scrub::scrubbed;
use crate::stanza::{Stanza, Wrap};
use crate::wrap;

/// Longest text that is read, bytes.
const MAX_PEM_LEN: usize = 64 * 1024;
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";
const PLAIN: &str = "PRIVATE KEY";
const SEC1: &str = "EC PRIVATE KEY";
const PKCS1: &str = "RSA PRIVATE KEY";
const EXPECTED: KeyError = KeyError::Pem {
    expected: "PRIVATE KEY, ENCRYPTED PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY",
};

/// A private key of a recipient. Erased from memory when dropped.
pub struct PrivateKey {
    secret: Secret,
    key_id: KeyId,
}

enum Secret {
    P256(Box<p256::SecretKey>),
    Rsa {
        key: Box<RsaPrivateKey>,
        blinding_seed: Zeroizing<[u8; 32]>,
    },
    XWing(Box<wrap::x_wing::Private>),
}

impl PrivateKey {
    /// Reads what OpenSSL writes: PKCS#8, encrypted (PBES2) or not, and the traditional `EC PRIVATE KEY` (with or without
    /// a block of parameters before it) and `RSA PRIVATE KEY`. X-Wing, which OpenSSL has not, as PKCS#8 of the seed. A passphrase given for an unencrypted key is not used.
    ///
    /// # Errors
    /// [`KeyError`]; RSA below 3072 bits is refused.
    pub fn from_pkcs8_pem(pem: &str, passphrase: Option<&[u8]>) -> Result<Self, KeyError> {
        Self::from_pem_with(pem, passphrase, MIN_RSA_BITS)
    }

    pub(crate) fn from_pem_with(
        pem: &str,
        passphrase: Option<&[u8]>,
        min_rsa_bits: usize,
    ) -> Result<Self, KeyError> {
        if pem.len() > MAX_PEM_LEN {
            return Err(EXPECTED);
        }
        let (label, block) = [ENCRYPTED, PLAIN, SEC1, PKCS1]
            .into_iter()
            .find_map(|l| Some((l, pem_block(pem, l)?)))
            .ok_or(EXPECTED)?;
        if block.contains("Proc-Type:") {
            return Err(KeyError::TraditionalEncryption);
        }
        scrubbed(|| Self::from_block(label, block, passphrase)?.into_key(min_rsa_bits))
    }

    fn from_block(label: &str, block: &str, passphrase: Option<&[u8]>) -> Result<Secret, KeyError> {
        let (_, document) = SecretDocument::from_pem(block).map_err(|_| EXPECTED)?;
        let der = document.as_bytes();
        match label {
            ENCRYPTED => {
                let info = EncryptedPrivateKeyInfoRef::from_der(der).map_err(|_| KeyError::Malformed)?;
                let passphrase = passphrase.ok_or(KeyError::PassphraseMissing)?;
                if !is_affordable(&info) {
                    return Err(KeyError::PassphraseCost);
                }
                let plain = info.decrypt(passphrase).map_err(|_| KeyError::Passphrase)?;
                Secret::from_pkcs8_der(plain.as_bytes())
            }
            PLAIN => Secret::from_pkcs8_der(der),
            SEC1 => p256::SecretKey::from_sec1_der(der)
                .map(|key| Secret::P256(Box::new(key)))
                .map_err(|_| KeyError::Malformed),
            _ => RsaPrivateKey::from_pkcs1_der(der)
                .map_err(|_| KeyError::Malformed)
                .and_then(Secret::rsa),
        }
    }

    /// A fresh P-256 key.
    pub fn generate_p256<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let secret = scrubbed(|| Secret::P256(Box::new(p256::SecretKey::generate_from_rng(rng))));
        let key_id = secret.public().key_id();
        Self { secret, key_id }
    }

    /// A fresh X-Wing key.
    ///
    /// # Errors
    /// [`KeyError::Generate`].
    pub fn generate_x_wing<R: CryptoRng + ?Sized>(rng: &mut R) -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; wrap::x_wing::SEED_LEN]);
        rng.fill_bytes(seed.as_mut_slice());
        scrubbed(|| {
            let key = wrap::x_wing::private(&seed).ok_or(KeyError::Generate)?;
            Secret::XWing(Box::new(key)).into_key(MIN_RSA_BITS)
        })
    }

    /// A fresh RSA key of `bits` bits. This takes seconds.
    ///
    /// # Errors
    /// [`KeyError::RsaSize`] outside 3072..=8192, [`KeyError::Generate`].
    pub fn generate_rsa<R: CryptoRng + ?Sized>(rng: &mut R, bits: usize) -> Result<Self, KeyError> {
        Self::generate_rsa_with(rng, bits, MIN_RSA_BITS)
    }

    pub(crate) fn generate_rsa_with<R: CryptoRng + ?Sized>(
        rng: &mut R,
        bits: usize,
        min: usize,
    ) -> Result<Self, KeyError> {
        if !(min..=MAX_RSA_BITS).contains(&bits) {
            return Err(KeyError::RsaSize {
                bits,
                min,
                max: MAX_RSA_BITS,
            });
        }
        scrubbed(|| {
            let key = RsaPrivateKey::new(rng, bits).map_err(|_| KeyError::Generate)?;
            Secret::rsa(key)?.into_key(min)
        })
    }

    /// The key as PKCS#8 PEM; with a passphrase encrypted (PBES2, scrypt, AES-256-CBC), without one in the clear.
    ///
    /// # Errors
    /// [`KeyError::Generate`].
    pub fn to_pkcs8_pem<R: CryptoRng + ?Sized>(
        &self,
        passphrase: Option<&[u8]>,
        rng: &mut R,
    ) -> Result<Zeroizing<String>, KeyError> {
        scrubbed(|| self.to_block(passphrase, rng))
    }

    fn to_block<R: CryptoRng + ?Sized>(
        &self,
        passphrase: Option<&[u8]>,
        mut rng: &mut R,
    ) -> Result<Zeroizing<String>, KeyError> {
        let document = match &self.secret {
            Secret::P256(key) => key.to_pkcs8_der(),
            Secret::Rsa { key, .. } => key.to_pkcs8_der(),
            Secret::XWing(key) => x_wing::private_to_pkcs8(key),
        };
        let document = document.map_err(|_| KeyError::Generate)?;
        let (label, document) = match passphrase {
            None => (PLAIN, document),
            Some(passphrase) => {
                let info =
                    PrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| KeyError::Generate)?;
                let sealed = info
                    .encrypt_with_rng(&mut rng, passphrase)
                    .map_err(|_| KeyError::Generate)?;
                (ENCRYPTED, sealed)
            }
        };
        document
            .to_pem(label, LineEnding::LF)
            .map_err(|_| KeyError::Generate)
    }

    /// The public half.
    pub fn public(&self) -> RecipientKey {
        self.secret.public()
    }
}

impl UnwrapKey for PrivateKey {
    fn key_id(&self) -> KeyId {
        self.key_id
    }

    fn wrap(&self) -> Wrap {
        match self.secret {
            Secret::P256(_) => Wrap::HpkeP256,
            Secret::Rsa { .. } => Wrap::RsaOaep,
            Secret::XWing(_) => Wrap::XWing,
        }
    }

    fn unwrap_stanza(&self, stanza: &Stanza, info: &[u8]) -> Result<ContentKey, UnwrapError> {
        scrubbed(|| match &self.secret {
            Secret::P256(key) => wrap::hpke_p256::unwrap(key, stanza, info),
            Secret::Rsa { key, blinding_seed } => wrap::rsa_oaep::unwrap(key, blinding_seed, stanza, info),
            Secret::XWing(key) => wrap::x_wing::unwrap(key, stanza, info),
        })
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, redacted)", self.key_id)
    }
}

impl Secret {
    fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfoRef::try_from(der).map_err(|_| KeyError::Malformed)?;
        if info.algorithm.oid == rsa::pkcs1::ALGORITHM_OID {
            return RsaPrivateKey::try_from(info)
                .map_err(|_| KeyError::Malformed)
                .and_then(Self::rsa);
        }
        if info.algorithm.oid == X_WING {
            return x_wing::private_from_pkcs8(&info).map(|key| Self::XWing(Box::new(key)));
        }
        p256::SecretKey::try_from(info)
            .map(|key| Self::P256(Box::new(key)))
            .map_err(|_| KeyError::Malformed)
    }

    fn rsa(key: RsaPrivateKey) -> Result<Self, KeyError> {
        let der = key.to_pkcs1_der().map_err(|_| KeyError::Malformed)?;
        let seed = Sha256::new()
            .chain_update(b"sealift.v1/rsa-blinding\0")
            .chain_update(der.as_bytes())
            .finalize();
        Ok(Self::Rsa {
            key: Box::new(key),
            blinding_seed: Zeroizing::new(seed.into()),
        })
    }

    fn public(&self) -> RecipientKey {
        match self {
            Self::P256(key) => RecipientKey::P256(key.public_key()),
            Self::Rsa { key, .. } => RecipientKey::Rsa(key.to_public_key()),
            Self::XWing(key) => RecipientKey::XWing(XWingPublic::of(key)),
        }
    }

    fn into_key(self, min_rsa_bits: usize) -> Result<PrivateKey, KeyError> {
        if let RecipientKey::Rsa(key) = self.public() {
            check_rsa_size(&key, min_rsa_bits)?;
        }
        let key_id = self.public().key_id();
        Ok(PrivateKey { secret: self, key_id })
    }
}

/// The block with this label, its boundaries included; other blocks (EC parameters, certificates) are passed over.
fn pem_block<'p>(pem: &'p str, label: &str) -> Option<&'p str> {
    let begin = format!("-----BEGIN {label}-----");
    let end = format!("-----END {label}-----");
    let from = pem.find(&begin)?;
    let block = pem.get(from..)?;
    let to = block.find(&end)? + end.len();
    block.get(..to)
}

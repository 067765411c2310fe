//! RSA-OAEP as a key encapsulation (§5.3).
//!
//! OAEP (SHA-256, MGF1-SHA-256, empty label) carries a fresh 32-byte secret;
//! key ‖ nonce = HKDF-SHA256(secret, salt = SHA-256(OAEP ciphertext), info); AES-256-GCM wraps the content key.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};

use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use hkdf::Hkdf;
use rand_core::{CryptoRng, TryCryptoRng, TryRng};
use rsa::{Oaep, RsaPrivateKey, RsaPublicKey};
use sha2::{Digest as _, Sha256};
use subtle::ConditionallySelectable as _;
use zeroize::Zeroizing;

use super::Wrapped;
use crate::content_key::ContentKey;
use crate::error::UnwrapError;
use crate::stanza::Stanza;

const SECRET_LEN: usize = 32;
const KEY_LEN: usize = 32;
const NONCE_LEN: usize = 12;

pub(crate) fn wrap<R: CryptoRng + ?Sized>(
    key: &ContentKey,
    to: &RsaPublicKey,
    info: &[u8],
    rng: &mut R,
) -> Option<Wrapped> {
    let mut secret = Zeroizing::new([0; SECRET_LEN]);
    rng.fill_bytes(secret.as_mut_slice());
    let enc = to.encrypt(rng, Oaep::<Sha256>::new(), secret.as_slice()).ok()?;
    let (cipher, nonce) = schedule(&secret, &enc, info);
    let ciphertext = cipher.encrypt(&nonce, key.expose().as_slice()).ok()?;
    Some((enc, ciphertext.try_into().ok()?))
}

/// Opens a stanza. When the padding is wrong, everything goes on with another secret, so that both failures take the same
/// path and give the same error.
pub(crate) fn unwrap(
    key: &RsaPrivateKey,
    blinding_seed: &[u8; 32],
    stanza: &Stanza,
    info: &[u8],
) -> Result<ContentKey, UnwrapError> {
    let mut blinding = Blinding::new(blinding_seed, stanza.enc());
    let mut secret = Zeroizing::new([0; SECRET_LEN]);
    blinding.fill(secret.as_mut_slice());
    let opened = decapsulate(key, &mut blinding, stanza.enc()).unwrap_or_default();
    let usable = u8::from(opened.len() == SECRET_LEN);
    for (byte, carried) in secret.iter_mut().zip(opened.iter()) {
        byte.conditional_assign(carried, usable.into());
    }
    open(&secret, stanza, info)
}

/// Opens a stanza whose secret was decrypted elsewhere.
pub(crate) fn unwrap_with_secret(
    secret: &[u8],
    stanza: &Stanza,
    info: &[u8],
) -> Result<ContentKey, UnwrapError> {
    let secret = secret.try_into().map_err(|_| UnwrapError::Refused)?;
    open(secret, stanza, info)
}

fn open(secret: &[u8; SECRET_LEN], stanza: &Stanza, info: &[u8]) -> Result<ContentKey, UnwrapError> {
    let (cipher, nonce) = schedule(secret, stanza.enc(), info);
    let opened = cipher
        .decrypt(&nonce, stanza.ciphertext())
        .map_err(|_| UnwrapError::Refused)?;
    let opened = Zeroizing::new(opened);
    ContentKey::from_slice(&opened).ok_or(UnwrapError::Refused)
}

/// RSAES-OAEP-DECRYPT with blinding. `None` must not be told apart from a tag that does not match.
fn decapsulate(key: &RsaPrivateKey, blinding: &mut Blinding, enc: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    key.decrypt_blinded(blinding, Oaep::<Sha256>::new(), enc)
        .ok()
        .map(Zeroizing::new)
}

type GcmNonce = Nonce<<Aes256Gcm as aes_gcm::aead::AeadCore>::NonceSize>;

fn schedule(secret: &[u8; SECRET_LEN], enc: &[u8], info: &[u8]) -> (Aes256Gcm, GcmNonce) {
    let salt = Sha256::digest(enc);
    let mut okm = Zeroizing::new([0; KEY_LEN + NONCE_LEN]);
    let expanded = Hkdf::<Sha256>::new(Some(&salt), secret).expand(info, okm.as_mut_slice());
    debug_assert!(expanded.is_ok(), "44 bytes are within HKDF's limit");
    let mut key = Zeroizing::new(Key::<Aes256Gcm>::default());
    key.copy_from_slice(&okm[..KEY_LEN]);
    let mut nonce = GcmNonce::default();
    nonce.copy_from_slice(&okm[KEY_LEN..]);
    (Aes256Gcm::new(&key), nonce)
}

/// The source of blinding factors: SHA-256 in counter mode over a secret of the private key, the ciphertext and a number
/// that differs at every use in a process.
///
/// Blinding needs values that an attacker can neither know nor repeat, not true randomness; so unwrapping needs no
/// random source, and the joint to key stores none either.
struct Blinding {
    key: Zeroizing<[u8; 32]>,
    block: u64,
}

static USES: AtomicU64 = AtomicU64::new(0);

impl Blinding {
    fn new(seed: &[u8; 32], ciphertext: &[u8]) -> Self {
        let number = USES.fetch_add(1, Ordering::Relaxed);
        let hash = Sha256::new()
            .chain_update(seed)
            .chain_update(number.to_be_bytes())
            .chain_update(ciphertext);
        Self {
            key: Zeroizing::new(hash.finalize().into()),
            block: 0,
        }
    }

    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            let hash = Sha256::new()
                .chain_update(self.key.as_slice())
                .chain_update(self.block.to_be_bytes());
            self.block += 1;
            let bytes = hash.finalize();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

impl TryRng for Blinding {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.fill(out);
        Ok(())
    }
}

impl TryCryptoRng for Blinding {}

#[cfg(test)]
mod tests;

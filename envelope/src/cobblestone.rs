//! Cobblestone-256, the body (§4): key schedule and chunk cipher of c2sp.org/chunked-encryption with SHA-512 and
//! AES-256-GCM. Who computes the latter is `cipher`'s business.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha512;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::cipher::{ChunkCipher, KEY_LEN, NONCE_LEN, Refused};
use crate::content_key::ContentKey;
use crate::error::{OpenError, SealError};
use crate::layout::{COMMITMENT_LEN, MAX_CHUNKS, SALT_LEN, TAG_LEN};
use crate::scrub::{scrubbed, wipe_stack};

const INFO: &[u8] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";

/// Cipher and base nonce of one message, and what it commits to.
pub(crate) struct BodyKeys {
    cipher: ChunkCipher,
    base_nonce: [u8; NONCE_LEN],
    commitment: [u8; COMMITMENT_LEN],
}

impl BodyKeys {
    /// key ‖ base nonce ‖ commitment = HKDF-Expand-SHA512(content key, info ‖ salt ‖ context)
    pub(crate) fn derive(key: &ContentKey, salt: &[u8; SALT_LEN], context: &[u8]) -> Self {
        scrubbed(|| Self::derive_here(key, salt, context))
    }

    fn derive_here(key: &ContentKey, salt: &[u8; SALT_LEN], context: &[u8]) -> Self {
        // HKDF-Expand takes its input key as the HMAC key. HMAC pads a short key with zeros, so padding to the 64 bytes
        // that the hkdf crate insists on gives the same output.
        let mut prk = Zeroizing::new([0; 64]);
        prk[..KEY_LEN].copy_from_slice(key.expose());
        let mut okm = Zeroizing::new([0; KEY_LEN + NONCE_LEN + COMMITMENT_LEN]);
        let expanded = Hkdf::<Sha512>::from_prk(prk.as_slice()).is_ok_and(|hkdf| {
            hkdf.expand_multi_info(&[INFO, salt, context], okm.as_mut_slice())
                .is_ok()
        });
        debug_assert!(
            expanded,
            "64 bytes of key and 76 of output are within HKDF's limits"
        );
        let (cipher_key, rest) = okm.split_at(KEY_LEN);
        let (nonce, binding) = rest.split_at(NONCE_LEN);
        let mut key_bytes = Zeroizing::new([0; KEY_LEN]);
        key_bytes.copy_from_slice(cipher_key);
        let mut base_nonce = [0; NONCE_LEN];
        base_nonce.copy_from_slice(nonce);
        let mut commitment = [0; COMMITMENT_LEN];
        commitment.copy_from_slice(binding);
        Self {
            cipher: ChunkCipher::new(key.backend(), &key_bytes),
            base_nonce,
            commitment,
        }
    }

    /// The same, but only for the key that `commitment` was made with.
    pub(crate) fn derive_checked(
        key: &ContentKey,
        salt: &[u8; SALT_LEN],
        context: &[u8],
        commitment: &[u8; COMMITMENT_LEN],
    ) -> Result<Self, OpenError> {
        let keys = Self::derive(key, salt, context);
        if bool::from(keys.commitment.ct_eq(commitment)) {
            Ok(keys)
        } else {
            Err(OpenError::Commitment)
        }
    }

    pub(crate) fn commitment(&self) -> &[u8; COMMITMENT_LEN] {
        &self.commitment
    }

    /// Base nonce XOR chunk number, big-endian in the last bytes.
    fn nonce(&self, index: u64) -> [u8; NONCE_LEN] {
        let mut nonce = self.base_nonce;
        for (byte, counter) in nonce[NONCE_LEN - 8..].iter_mut().zip(index.to_be_bytes()) {
            *byte ^= counter;
        }
        nonce
    }

    /// Seals `plain` as chunk `index` onto the end of `out`.
    pub(crate) fn seal_chunk(&self, index: u64, plain: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        if index >= MAX_CHUNKS {
            return Err(SealError::TooLong);
        }
        let start = out.len();
        out.resize(start + plain.len() + TAG_LEN, 0);
        let sealed = self.cipher.seal(self.nonce(index), plain, &mut out[start..]);
        sealed.map_err(|Refused| {
            out.truncate(start);
            SealError::Cipher
        })
    }

    /// Opens chunk `index` onto the end of `out`; on failure `out` is as before.
    pub(crate) fn open_chunk(&self, index: u64, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        if index >= MAX_CHUNKS {
            return Err(OpenError::TooLong);
        }
        let plain_len = sealed
            .len()
            .checked_sub(TAG_LEN)
            .ok_or(OpenError::Truncated { chunks: index })?;
        let start = out.len();
        out.resize(start + plain_len, 0);
        let opened = self.cipher.open(self.nonce(index), sealed, &mut out[start..]);
        opened.map_err(|Refused| {
            out.truncate(start);
            OpenError::Chunk { index }
        })
    }
}

impl Drop for BodyKeys {
    fn drop(&mut self) {
        self.base_nonce.zeroize();
        // What the cipher has left of keys and plaintext.
        wipe_stack();
    }
}

impl fmt::Debug for BodyKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodyKeys(redacted)")
    }
}

#[cfg(test)]
mod tests;

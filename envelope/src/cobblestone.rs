//! Cobblestone-256, the body (§4): key schedule and chunk cipher of c2sp.org/chunked-encryption with SHA-512 and
//! AES-256-GCM.

use std::fmt;

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use hkdf::Hkdf;
use sha2::Sha512;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::content_key::ContentKey;
use crate::error::{OpenError, SealError};
use crate::layout::{COMMITMENT_LEN, MAX_CHUNKS, SALT_LEN, TAG_LEN};

const INFO: &[u8] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";
const KEY_LEN: usize = 32;
const NONCE_LEN: usize = 12;

/// Cipher and base nonce of one message, and what it commits to.
pub(crate) struct BodyKeys {
    cipher: Aes256Gcm,
    base_nonce: [u8; NONCE_LEN],
    commitment: [u8; COMMITMENT_LEN],
}

impl BodyKeys {
    /// key ‖ base nonce ‖ commitment = HKDF-Expand-SHA512(content key, info ‖ salt ‖ context)
    pub(crate) fn derive(key: &ContentKey, salt: &[u8; SALT_LEN], context: &[u8]) -> Self {
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
            cipher: Aes256Gcm::new((&*key_bytes).into()),
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
    fn nonce(&self, index: u64) -> Nonce<<Aes256Gcm as aes_gcm::aead::AeadCore>::NonceSize> {
        let mut nonce = self.base_nonce;
        for (byte, counter) in nonce[NONCE_LEN - 8..].iter_mut().zip(index.to_be_bytes()) {
            *byte ^= counter;
        }
        nonce.into()
    }

    /// Seals `plain` as chunk `index` onto the end of `out`.
    pub(crate) fn seal_chunk(&self, index: u64, plain: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        if index >= MAX_CHUNKS {
            return Err(SealError::TooLong);
        }
        let start = out.len();
        out.extend_from_slice(plain);
        let buffer = InOutBuf::from(&mut out[start..]);
        let sealed = self
            .cipher
            .encrypt_inout_detached(&self.nonce(index), &[], buffer);
        match sealed {
            Ok(tag) => {
                out.extend_from_slice(&tag);
                Ok(())
            }
            Err(_) => {
                // Plaintext must not be left where ciphertext is expected.
                out[start..].zeroize();
                out.truncate(start);
                Err(SealError::Cipher)
            }
        }
    }

    /// Opens chunk `index` onto the end of `out`; on failure `out` is as before.
    pub(crate) fn open_chunk(&self, index: u64, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        if index >= MAX_CHUNKS {
            return Err(OpenError::TooLong);
        }
        let body_len = sealed
            .len()
            .checked_sub(TAG_LEN)
            .ok_or(OpenError::Truncated { chunks: index })?;
        let (body, tag) = sealed.split_at(body_len);
        let tag = Tag::try_from(tag).map_err(|_| OpenError::Chunk { index })?;
        let start = out.len();
        out.extend_from_slice(body);
        let buffer = InOutBuf::from(&mut out[start..]);
        if self
            .cipher
            .decrypt_inout_detached(&self.nonce(index), &[], buffer, &tag)
            .is_ok()
        {
            Ok(())
        } else {
            out[start..].zeroize();
            out.truncate(start);
            Err(OpenError::Chunk { index })
        }
    }
}

impl Drop for BodyKeys {
    fn drop(&mut self) {
        self.base_nonce.zeroize();
    }
}

impl fmt::Debug for BodyKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodyKeys(redacted)")
    }
}

#[cfg(test)]
mod tests;

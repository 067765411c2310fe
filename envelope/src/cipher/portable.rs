//! The `aes-gcm` crate: AES and GHASH in Rust, with the processor's instructions where it has them.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Tag};

use super::{KEY_LEN, NONCE_LEN, Refused};
use crate::layout::TAG_LEN;

/// Erases its key schedule when dropped.
pub(crate) struct Cipher(Aes256Gcm);

impl Cipher {
    pub(super) fn new(key: &[u8; KEY_LEN]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    /// `plain` and `body` are of the same length.
    pub(super) fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        plain: &[u8],
        body: &mut [u8],
        tag: &mut [u8; TAG_LEN],
    ) -> Result<(), Refused> {
        let buffers = InOutBuf::new(plain, body).map_err(|_| Refused)?;
        let made = self
            .0
            .encrypt_inout_detached(&nonce.into(), &[], buffers)
            .map_err(|_| Refused)?;
        *tag = made.into();
        Ok(())
    }

    /// `body` and `plain` are of the same length.
    pub(super) fn open(
        &self,
        nonce: [u8; NONCE_LEN],
        body: &[u8],
        tag: &[u8; TAG_LEN],
        plain: &mut [u8],
    ) -> Result<(), Refused> {
        let buffers = InOutBuf::new(body, plain).map_err(|_| Refused)?;
        self.0
            .decrypt_inout_detached(&nonce.into(), &[], buffers, &Tag::from(*tag))
            .map_err(|_| Refused)
    }
}

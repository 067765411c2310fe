//! `aws-lc-rs`: the library that carries our TLS, whose AES-GCM works on encryption and authentication at once.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::{KEY_LEN, NONCE_LEN, Refused};
use crate::layout::TAG_LEN;

/// "Less safe" is the library's word for nonces that the caller chooses, as the format demands. The key schedule is erased
/// when it is freed.
pub(crate) struct Cipher(LessSafeKey);

impl Cipher {
    /// Fails without memory.
    pub(super) fn new(key: &[u8; KEY_LEN]) -> Result<Self, Refused> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| Refused)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// `plain` and `body` are of the same length.
    pub(super) fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        plain: &[u8],
        body: &mut [u8],
        tag: &mut [u8; TAG_LEN],
    ) -> Result<(), Refused> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0
            .seal_out_of_place_scatter(nonce, Aad::empty(), plain, body, &[], tag)
            .map_err(|_| Refused)
    }

    /// `body` and `plain` are of the same length.
    pub(super) fn open(
        &self,
        nonce: [u8; NONCE_LEN],
        body: &[u8],
        tag: &[u8; TAG_LEN],
        plain: &mut [u8],
    ) -> Result<(), Refused> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0
            .open_separate_gather(nonce, Aad::empty(), body, tag, plain)
            .map_err(|_| Refused)
    }
}

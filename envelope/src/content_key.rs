//! The content key of one image.

use std::fmt;

use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::cipher::CipherBackend;

/// 32 uniformly random bytes that open one image (§4.1), and the implementation of the cipher that shall use them. Erased
/// from memory when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct ContentKey {
    bytes: [u8; 32],
    #[zeroize(skip)]
    backend: CipherBackend,
}

impl ContentKey {
    /// A fresh key.
    pub fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut key = Self::from_bytes([0; 32]);
        rng.fill_bytes(&mut key.bytes);
        key
    }

    /// A key held elsewhere, for instance unwrapped by a key service. It must be uniformly random.
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let key = Self {
            bytes,
            backend: CipherBackend::default(),
        };
        bytes.zeroize();
        key
    }

    /// The 32 bytes, for wrapping by other means. Do not store them.
    pub fn expose(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The same key, used by this implementation of the cipher: for tests and measurements, since the bytes are the same
    /// with all of them. It goes wherever the key goes: sealing, opening, opening of ranges.
    #[must_use]
    pub fn with_backend(mut self, backend: CipherBackend) -> Self {
        self.backend = backend;
        self
    }

    pub(crate) fn backend(&self) -> CipherBackend {
        self.backend
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey(redacted)")
    }
}

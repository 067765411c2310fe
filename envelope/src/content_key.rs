//! The content key of one image.

use std::fmt;

use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

use crate::cipher::CipherBackend;

/// 32 uniformly random bytes that open one image (§4.1), and the implementation of the cipher that shall use them. Erased
/// from memory when dropped.
pub struct ContentKey {
    // On the heap, so that it leaves no copies behind where it is handed on.
    bytes: Box<Zeroizing<[u8; 32]>>,
    backend: CipherBackend,
}

impl ContentKey {
    /// A fresh key.
    pub fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut key = Self::zeroed();
        rng.fill_bytes(key.bytes.as_mut_slice());
        key
    }

    /// A key held elsewhere, for instance unwrapped by a key service. It must be uniformly random.
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let mut key = Self::zeroed();
        key.bytes.copy_from_slice(&bytes);
        bytes.zeroize();
        key
    }

    /// As [`Self::from_bytes`], without a copy on the way. `None` for another length than 32.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Self::zeroed();
        (bytes.len() == key.bytes.len()).then(|| {
            key.bytes.copy_from_slice(bytes);
            key
        })
    }

    fn zeroed() -> Self {
        Self {
            bytes: Box::new(Zeroizing::new([0; 32])),
            backend: CipherBackend::default(),
        }
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

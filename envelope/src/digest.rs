//! Digests of byte strings, with their length.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// Length in bytes and SHA-256 of a byte string.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest {
    /// Length in bytes.
    pub length: u64,
    /// SHA-256.
    pub sha256: [u8; 32],
}

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut counter = DigestCounter::default();
        counter.update(bytes);
        counter.finish()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Digest {{ length: {}, sha256: {} }}",
            self.length,
            hex::encode(self.sha256)
        )
    }
}

/// SHA-256(context ‖ salt ‖ commitment): names one sealing, and binds wrapped keys to it (§4.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnvelopeDigest([u8; 32]);

impl EnvelopeDigest {
    /// The digest with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for EnvelopeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for EnvelopeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnvelopeDigest({self})")
    }
}

/// A running [`Digest`].
#[derive(Debug, Default, Clone)]
pub(crate) struct DigestCounter {
    length: u64,
    hash: Sha256,
}

impl DigestCounter {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        // A usize always fits u64 on the platforms that exist; a stream of 2^64 bytes does not.
        self.length = self.length.saturating_add(bytes.len() as u64);
        self.hash.update(bytes);
    }

    pub(crate) fn finish(self) -> Digest {
        Digest {
            length: self.length,
            sha256: self.hash.finalize().into(),
        }
    }
}

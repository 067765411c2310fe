//! A generator that always gives the same bytes. NO SECURITY: for tests only.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};

#[derive(Debug)]
pub(crate) struct SameBytes {
    counter: u64,
}

impl SameBytes {
    pub(crate) fn new() -> Self {
        Self { counter: 0 }
    }
}

impl SameBytes {
    /// The same for each name, other for another.
    pub(crate) fn of(name: &str) -> Self {
        let digest = Sha256::digest(name);
        let start = digest
            .iter()
            .take(4)
            .fold(1, |sum, byte| (sum << 8) + u64::from(*byte));
        Self { counter: start }
    }
}

impl TryRng for SameBytes {
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
            let block = Sha256::digest(self.counter.to_be_bytes());
            self.counter += 1;
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for SameBytes {}

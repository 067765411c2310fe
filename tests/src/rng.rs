//! Bytes that look random and are the same in every run.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};

/// A generator that repeats itself: SHA-256 over a seed and a counter. It provides NO SECURITY.
#[derive(Clone, Debug)]
pub struct SeededRng {
    seed: [u8; 32],
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl SeededRng {
    /// The generator that `seed` names.
    #[must_use]
    pub fn new(seed: &str) -> Self {
        Self {
            seed: Sha256::digest(seed.as_bytes()).into(),
            counter: 0,
            block: [0; 32],
            used: 32,
        }
    }

    fn byte(&mut self) -> u8 {
        if self.used == self.block.len() {
            let input = [self.seed.as_slice(), &self.counter.to_be_bytes()].concat();
            self.block = Sha256::digest(input).into();
            self.counter += 1;
            self.used = 0;
        }
        let byte = self.block[self.used];
        self.used += 1;
        byte
    }
}

impl TryRng for SeededRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(std::array::from_fn(|_| self.byte())))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(std::array::from_fn(|_| self.byte())))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.iter_mut().for_each(|byte| *byte = self.byte());
        Ok(())
    }
}

impl TryCryptoRng for SeededRng {}

/// An image of `length` bytes that does not compress and differs for every name.
#[must_use]
pub fn image(name: &str, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let Ok(()) = SeededRng::new(name).try_fill_bytes(&mut bytes);
    bytes
}

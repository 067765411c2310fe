use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};
use std::convert::Infallible;

/// Reproducible bytes: SHA-256 of a seed and a counter. NO SECURITY.
#[derive(Debug, Clone)]
pub struct TestRng {
    seed: String,
    counter: u64,
    left: Vec<u8>,
}

impl TestRng {
    pub fn new(seed: &str) -> Self {
        Self {
            seed: seed.to_owned(),
            counter: 0,
            left: Vec::new(),
        }
    }
}

impl TryRng for TestRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for byte in out {
            if self.left.is_empty() {
                self.counter += 1;
                self.left = Sha256::digest(format!("{}/{}", self.seed, self.counter)).to_vec();
            }
            *byte = self.left.pop().unwrap();
        }
        Ok(())
    }
}

impl TryCryptoRng for TestRng {}

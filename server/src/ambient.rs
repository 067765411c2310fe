//! The two things that the world supplies: the time and randomness. Made once in `main`, handed on as values.

use jiff::Timestamp;
use rand_core::CryptoRng;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that asks `now`.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time as this clock has it.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// A source of random bytes that several tasks share.
#[derive(Clone)]
pub struct Entropy(Arc<Mutex<Box<dyn CryptoRng + Send>>>);

impl Entropy {
    /// Shares `rng`.
    pub fn new(rng: impl CryptoRng + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(rng))))
    }

    /// The generator, for as long as the guard lives; never held across an await.
    pub fn lock(&self) -> MutexGuard<'_, Box<dyn CryptoRng + Send>> {
        // A panic elsewhere leaves a generator that still generates.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0u8; N];
        self.lock().fill_bytes(&mut bytes);
        bytes
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy")
    }
}

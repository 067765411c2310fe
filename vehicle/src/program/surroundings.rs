//! The real clock, sleep and chance.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use rand_core::TryRng;

use crate::world::World;

/// The system's clock and generator. Made once, in `main`.
#[derive(Debug)]
pub struct SystemWorld {
    started: Instant,
    now: fn() -> Timestamp,
}

impl SystemWorld {
    /// A world whose wall clock is `now` and whose monotonic clock began at `started`.
    #[must_use]
    pub fn new(started: Instant, now: fn() -> Timestamp) -> Self {
        Self { started, now }
    }
}

#[async_trait]
impl World for SystemWorld {
    fn now(&self) -> Timestamp {
        (self.now)()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn random(&self) -> u64 {
        // Jitter only: without a generator the vehicle still waits, at the same moment as others.
        getrandom::SysRng.try_next_u64().unwrap_or_default()
    }
}

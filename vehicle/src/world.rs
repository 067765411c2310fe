//! What the surroundings supply: clock, sleep, chance. The library asks this trait and nothing else, so a test is a
//! value and no test ever sleeps.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// Clock, sleep and random numbers of one process.
#[async_trait]
pub trait World: Send + Sync + Debug {
    /// The system clock: a *candidate* for the trusted time, never the trusted time itself.
    fn now(&self) -> Timestamp;

    /// Time since an arbitrary origin; never goes back. Measures speed and waiting, nothing else.
    fn monotonic(&self) -> Duration;

    /// Returns after `duration`.
    async fn sleep(&self, duration: Duration);

    /// Uniform 64 random bits, for jitter. Not for keys.
    fn random(&self) -> u64;
}

//! Waiting for a signal of another process, with an end.

use std::time::{Duration, Instant};

/// How often a signal is looked for.
const PAUSE: Duration = Duration::from_millis(5);

/// The instant after which waiting is a failure.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// So many seconds from now.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "bounds a wait for another process; decides no behaviour"
    )]
    pub fn seconds(seconds: u64) -> Self {
        Self(Instant::now() + Duration::from_secs(seconds))
    }

    /// Whether it is over.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "bounds a wait for another process; decides no behaviour"
    )]
    pub fn passed(self) -> bool {
        Instant::now() >= self.0
    }

    /// Lets the other process work before the next look.
    pub fn pause(self) {
        std::thread::sleep(PAUSE);
    }
}

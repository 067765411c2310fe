//! Slow-retrieval detection: a floor on the transfer rate, over whole windows.

use std::time::Duration;

/// Fewest bytes in each window of a transfer that counts as alive.
#[derive(Debug, Clone, Copy)]
pub struct RateFloor {
    /// Length of a window.
    pub window: Duration,
    /// Fewest bytes in it.
    pub bytes: u64,
}

impl Default for RateFloor {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(30),
            bytes: 30 * 1024,
        }
    }
}

/// The transfer fell below the floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{received} bytes arrived in {window:?}, fewer than {floor}")]
pub struct TooSlow {
    /// Bytes in the window.
    pub received: u64,
    /// Bytes asked for.
    pub floor: u64,
    /// The window.
    pub window: Duration,
}

/// Watches one transfer. Times are monotonic.
#[derive(Debug)]
pub struct RateWatch {
    floor: RateFloor,
    window_start: Duration,
    received: u64,
}

impl RateWatch {
    /// Starts watching at `now`.
    #[must_use]
    pub fn start(floor: RateFloor, now: Duration) -> Self {
        Self {
            floor,
            window_start: now,
            received: 0,
        }
    }

    /// Time left in the current window.
    #[must_use]
    pub fn remaining(&self, now: Duration) -> Duration {
        self.window_start
            .saturating_add(self.floor.window)
            .saturating_sub(now)
    }

    /// Notes `bytes` arrived at `now` (0: none did).
    ///
    /// # Errors
    /// [`TooSlow`] if a window ended with too few.
    pub fn received(&mut self, bytes: u64, now: Duration) -> Result<(), TooSlow> {
        self.received = self.received.saturating_add(bytes);
        if !self.remaining(now).is_zero() {
            return Ok(());
        }
        let (received, RateFloor { window, bytes: floor }) = (self.received, self.floor);
        if received < floor {
            return Err(TooSlow {
                received,
                floor,
                window,
            });
        }
        self.window_start = now;
        self.received = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOR: RateFloor = RateFloor {
        window: Duration::from_secs(10),
        bytes: 100,
    };

    #[test]
    fn a_drip_is_noticed_at_the_end_of_the_window_and_not_before() {
        let mut watch = RateWatch::start(FLOOR, Duration::ZERO);
        for second in 1..10 {
            watch.received(1, Duration::from_secs(second)).unwrap();
        }
        assert_eq!(
            watch.received(1, Duration::from_secs(10)).unwrap_err().received,
            10
        );
    }

    #[test]
    fn the_floor_itself_is_enough_in_every_window() {
        let mut watch = RateWatch::start(FLOOR, Duration::ZERO);
        for window in 1..5 {
            watch.received(99, Duration::from_secs(10 * window - 1)).unwrap();
            watch.received(1, Duration::from_secs(10 * window)).unwrap();
        }
        assert!(watch.received(99, Duration::from_secs(50)).is_err());
    }
}

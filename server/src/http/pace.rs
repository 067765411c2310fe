//! How often one caller may ask: a bucket of requests that refills evenly over a minute.

use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Mutex;

/// Callers remembered; above it, those with a full bucket are forgotten.
const MAX_CALLERS: usize = 65_536;

/// Buckets by caller.
#[derive(Debug)]
pub struct Pace {
    per_minute: u32,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// Requests left, in thousandths.
    left: u64,
    /// When `left` held.
    at: Timestamp,
}

const ONE: u64 = 1000;

impl Pace {
    /// Up to `per_minute` requests at once, refilled at `per_minute`.
    pub fn new(per_minute: u32) -> Self {
        Self {
            per_minute: per_minute.max(1),
            buckets: Mutex::new(HashMap::new()),
        }
    }

    /// Takes one request from `caller`'s bucket, or says after how many seconds there will be one.
    pub fn take(&self, caller: &str, now: Timestamp) -> Result<(), u64> {
        let full = u64::from(self.per_minute) * ONE;
        let mut buckets = self
            .buckets
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if buckets.len() >= MAX_CALLERS && !buckets.contains_key(caller) {
            buckets.retain(|_, bucket| self.refilled(*bucket, now) < full);
            if buckets.len() >= MAX_CALLERS {
                return Err(60);
            }
        }
        let bucket = buckets
            .entry(caller.to_owned())
            .or_insert(Bucket { left: full, at: now });
        let left = self.refilled(*bucket, now);
        if left < ONE {
            // Milliseconds until the missing thousandths have come: per_minute thousandths every 60 ms.
            let wait_ms = (ONE - left) * 60 / u64::from(self.per_minute);
            return Err(wait_ms.div_ceil(1000).max(1));
        }
        *bucket = Bucket {
            left: left - ONE,
            at: now.max(bucket.at),
        };
        Ok(())
    }

    fn refilled(&self, bucket: Bucket, now: Timestamp) -> u64 {
        let passed_ms = u64::try_from(now.as_millisecond() - bucket.at.as_millisecond()).unwrap_or(0);
        let gained = passed_ms.min(60_000) * u64::from(self.per_minute) / 60;
        (bucket.left + gained).min(u64::from(self.per_minute) * ONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_refills() {
        let pace = Pace::new(60);
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        for _ in 0..60 {
            assert_eq!(pace.take("a", at(0)), Ok(()));
        }
        assert_eq!(pace.take("a", at(0)), Err(1));
        assert_eq!(pace.take("b", at(0)), Ok(()));
        assert_eq!(pace.take("a", at(999)), Err(1));
        assert_eq!(pace.take("a", at(1000)), Ok(()));
        assert_eq!(pace.take("a", at(1000)), Err(1));
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let pace = Pace::new(1);
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        assert_eq!(pace.take("a", at(100_000)), Ok(()));
        assert_eq!(pace.take("a", at(0)), Err(60));
    }
}

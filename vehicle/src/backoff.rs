//! When to try again: exponential back-off with full jitter, as a pure function of the attempt, and a circuit breaker
//! for each host. A fleet that was cut off together must not come back together.

use std::collections::BTreeMap;
use std::time::Duration;

/// Bounds of waiting between attempts.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// Upper bound of the first wait.
    pub first: Duration,
    /// Upper bound of every wait of our own choice.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(300),
        }
    }
}

impl Backoff {
    /// How long to wait after failed attempt number `attempt` (0 is the first): between half and the whole of
    /// `first · 2^attempt`, at most `longest`; never less than the server's `retry_after`. `random` is uniform.
    #[must_use]
    pub fn delay(&self, attempt: u32, random: u64, retry_after: Option<Duration>) -> Duration {
        let ceiling = self
            .first
            .saturating_mul(2_u32.saturating_pow(attempt))
            .min(self.longest);
        let half = ceiling / 2;
        let span = u64::try_from((ceiling - half).as_millis()).unwrap_or(u64::MAX);
        let jitter = Duration::from_millis(random % span.saturating_add(1));
        let chosen = half + jitter;
        match retry_after {
            // Later than asked, by a share of our own jitter: all vehicles got the same number.
            Some(asked) => asked.saturating_add(jitter),
            None => chosen,
        }
    }
}

/// Refuses requests to a host that failed several times in a row, until it had time to recover.
#[derive(Debug)]
pub struct CircuitBreaker {
    failures_to_open: u32,
    open_for: Duration,
    hosts: BTreeMap<String, Circuit>,
}

#[derive(Debug, Default)]
struct Circuit {
    failures: u32,
    open_until: Option<Duration>,
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self::new(8, Duration::from_secs(120))
    }
}

impl CircuitBreaker {
    /// Opens a host's circuit after `failures_to_open` failures without a success between, for `open_for`.
    #[must_use]
    pub fn new(failures_to_open: u32, open_for: Duration) -> Self {
        Self {
            failures_to_open,
            open_for,
            hosts: BTreeMap::new(),
        }
    }

    /// Whether a request to `host` may be made at monotonic time `now`.
    ///
    /// # Errors
    /// How long the circuit stays open. After that one request is let through as a probe; its failure opens again.
    pub fn check(&self, host: &str, now: Duration) -> Result<(), Duration> {
        match self.hosts.get(host).and_then(|circuit| circuit.open_until) {
            Some(until) if now < until => Err(until - now),
            _ => Ok(()),
        }
    }

    /// The host answered.
    pub fn success(&mut self, host: &str) {
        self.hosts.remove(host);
    }

    /// The host did not answer, or answered that it cannot.
    pub fn failure(&mut self, host: &str, now: Duration) {
        let circuit = self.hosts.entry(host.to_owned()).or_default();
        circuit.failures = circuit.failures.saturating_add(1);
        if circuit.failures >= self.failures_to_open {
            circuit.open_until = Some(now.saturating_add(self.open_for));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(60),
    };

    #[test]
    fn waits_double_up_to_the_longest_and_stay_within_half_and_whole() {
        for (attempt, ceiling) in [(0, 1), (1, 2), (5, 32), (6, 60), (40, 60), (u32::MAX, 60)] {
            let ceiling = Duration::from_secs(ceiling);
            for random in [0, 1, 499, 12_345_678, u64::MAX] {
                let delay = BACKOFF.delay(attempt, random, None);
                assert!(
                    delay >= ceiling / 2 && delay <= ceiling,
                    "{attempt} {random} {delay:?}"
                );
            }
        }
    }

    #[test]
    fn different_chance_gives_different_waits() {
        assert_ne!(BACKOFF.delay(3, 10, None), BACKOFF.delay(3, 3_000, None));
    }

    #[test]
    fn retry_after_is_a_minimum() {
        let asked = Duration::from_secs(600);
        assert!(BACKOFF.delay(0, 0, Some(asked)) >= asked);
        assert!(BACKOFF.delay(9, u64::MAX, Some(asked)) >= asked);
    }

    #[test]
    fn a_circuit_opens_lets_one_probe_through_and_closes_on_success() {
        let mut breaker = CircuitBreaker::new(2, Duration::from_secs(10));
        let at = Duration::from_secs;
        breaker.failure("a", at(0));
        assert!(breaker.check("a", at(0)).is_ok());
        breaker.failure("a", at(1));
        assert_eq!(breaker.check("a", at(4)), Err(at(7)));
        assert!(breaker.check("b", at(4)).is_ok(), "hosts are apart");
        assert!(breaker.check("a", at(11)).is_ok());
        breaker.failure("a", at(11));
        assert!(breaker.check("a", at(12)).is_err(), "a failed probe opens again");
        breaker.success("a");
        assert!(breaker.check("a", at(12)).is_ok());
    }
}

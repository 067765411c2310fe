//! Time as a value: an instant and how it became known.

use jiff::Timestamp as Instant;

/// Where an instant came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeSource {
    /// The clock of the operating system: what servers and tools use.
    SystemClock,
    /// An instant written at provisioning.
    Provisioned,
    /// A signed attestation by an outside time source.
    Attested,
}

/// The instant of one update cycle, fixed once at its start (TUF 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrustedTime {
    instant: Instant,
    source: TimeSource,
}

impl TrustedTime {
    /// An instant with its source.
    #[must_use]
    pub const fn new(instant: Instant, source: TimeSource) -> Self {
        Self { instant, source }
    }

    /// The best of `candidates` that is not before `floor`: an attested instant before a system clock before a provisioned
    /// one, the later of two alike. `None` if every candidate lies before the floor: no update then, only a report.
    #[must_use]
    pub fn select(candidates: impl IntoIterator<Item = Self>, floor: Instant) -> Option<Self> {
        let rank = |source| match source {
            TimeSource::Attested => 2,
            TimeSource::SystemClock => 1,
            TimeSource::Provisioned => 0,
        };
        candidates
            .into_iter()
            .filter(|candidate| candidate.instant >= floor)
            .max_by_key(|candidate| (rank(candidate.source), candidate.instant))
    }

    /// The instant.
    #[must_use]
    pub const fn instant(&self) -> Instant {
        self.instant
    }

    /// Where it came from.
    #[must_use]
    pub const fn source(&self) -> TimeSource {
        self.source
    }

    /// Whether something that ends at `expires` has ended: it has at exactly that instant.
    #[must_use]
    pub fn is_past(&self, expires: Instant) -> bool {
        self.instant >= expires
    }
}

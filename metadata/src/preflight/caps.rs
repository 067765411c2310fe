//! How long documents may get for a client, and how long that will last.

use crate::root::RoleName;

/// The lengths, in bytes, and counts beyond which a client stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Longest Root.
    pub root: u64,
    /// Longest Timestamp.
    pub timestamp: u64,
    /// Longest Snapshot.
    pub snapshot: u64,
    /// Longest Targets.
    pub targets: u64,
    /// Whether a length that is listed for a Snapshot or Targets document holds in place of the cap.
    pub listed_length_holds: bool,
    /// Most Roots that it follows at once; one that starts with the first then finds no way to the newest.
    pub root_updates: Option<u64>,
}

impl Caps {
    /// No cap.
    pub const NONE: u64 = u64::MAX;

    /// The cap of a document of this role; `length_listed` where the document that names it lists its length.
    #[must_use]
    pub const fn of(&self, role: RoleName, length_listed: bool) -> Option<u64> {
        let cap = match role {
            RoleName::Root => self.root,
            RoleName::Timestamp => self.timestamp,
            RoleName::Snapshot | RoleName::Targets if self.listed_length_holds && length_listed => Self::NONE,
            RoleName::Snapshot => self.snapshot,
            RoleName::Targets => self.targets,
        };
        match cap {
            Self::NONE => None,
            cap => Some(cap),
        }
    }
}

/// By how many bytes a document grew over how many versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Growth {
    /// Bytes, negative where it shrank.
    pub bytes: i64,
    /// Versions from the first to the last that were looked at.
    pub versions: u64,
}

/// What is left below a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Nothing: the cap is passed.
    Passed,
    /// So many more versions fit, if the document goes on to grow as it did.
    Versions(u64),
    /// The document does not grow.
    Endless,
}

impl Room {
    /// What is left for a document of `size` below `cap`.
    #[must_use]
    pub fn below(cap: u64, size: u64, growth: Growth) -> Self {
        let Some(left) = cap.checked_sub(size) else {
            return Self::Passed;
        };
        match u128::try_from(growth.bytes) {
            Ok(bytes) if bytes > 0 && growth.versions > 0 => {
                let versions = u128::from(left).saturating_mul(growth.versions.into()) / bytes;
                Self::Versions(u64::try_from(versions).unwrap_or(u64::MAX))
            }
            _ => Self::Endless,
        }
    }

    /// Whether fewer than so many versions fit.
    #[must_use]
    pub const fn is_below(self, versions: u64) -> bool {
        match self {
            Self::Passed => true,
            Self::Versions(left) => left < versions,
            Self::Endless => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_counted_in_whole_versions() {
        let growth = |bytes, versions| Growth { bytes, versions };
        assert_eq!(Room::below(1000, 400, growth(100, 2)), Room::Versions(12));
        assert_eq!(Room::below(1000, 401, growth(100, 2)), Room::Versions(11));
        assert_eq!(Room::below(1000, 1000, growth(100, 2)), Room::Versions(0));
        assert_eq!(Room::below(1000, 1001, growth(100, 2)), Room::Passed);
        assert_eq!(Room::below(1000, 1001, growth(-1, 2)), Room::Passed);
        for still in [growth(0, 5), growth(-3, 5), growth(7, 0)] {
            assert_eq!(Room::below(1000, 400, still), Room::Endless);
        }
        assert_eq!(
            Room::below(u64::MAX, 0, growth(1, u64::MAX)),
            Room::Versions(u64::MAX)
        );
        assert!(Room::Versions(9).is_below(10) && Room::Passed.is_below(0));
        assert!(!Room::Versions(10).is_below(10) && !Room::Endless.is_below(u64::MAX));
    }
}

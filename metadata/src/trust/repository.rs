//! A repository whose four top-level documents have passed every check.

use crate::document::Verified;
use crate::ids::TargetPath;
use crate::root::Root;
use crate::snapshot::Snapshot;
use crate::targets::{TargetFile, Targets};
use crate::timestamp::Timestamp;

/// The result of a refresh. Only [`Refresh`](super::Refresh) makes one.
#[derive(Debug, Clone)]
pub struct TrustedRepository {
    pub(super) root: Verified<Root>,
    pub(super) timestamp: Verified<Timestamp>,
    pub(super) snapshot: Verified<Snapshot>,
    pub(super) targets: Verified<Targets>,
    pub(super) changed: bool,
}

impl TrustedRepository {
    /// The newest Root.
    #[must_use]
    pub const fn root(&self) -> &Verified<Root> {
        &self.root
    }

    /// The current Timestamp.
    #[must_use]
    pub const fn timestamp(&self) -> &Verified<Timestamp> {
        &self.timestamp
    }

    /// The current Snapshot.
    #[must_use]
    pub const fn snapshot(&self) -> &Verified<Snapshot> {
        &self.snapshot
    }

    /// The current top-level Targets.
    #[must_use]
    pub const fn targets(&self) -> &Verified<Targets> {
        &self.targets
    }

    /// Whether the refresh adopted a Targets or Snapshot document that was not in the store.
    #[must_use]
    pub const fn changed(&self) -> bool {
        self.changed
    }

    /// One target of the top-level Targets.
    #[must_use]
    pub fn target(&self, path: &TargetPath) -> Option<&TargetFile> {
        self.targets.role().target(path)
    }
}

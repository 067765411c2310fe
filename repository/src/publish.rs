//! Publishing as a transaction on the object store.
//!
//! Versioned files are written first, each only where nothing was; `timestamp.json` is written last, only over the state
//! that was verified, and is the one moment in which a change happens. Before it, what clients see is the old repository;
//! after it, the new one. Files that a killed publisher left behind are named by no timestamp and are passed over
//! (docs/adr/0009-leftover-versions.md).
//!
//! ```text
//! walk (pinned root, full workflow) ─► apply the change ─► objects there? ─► N.targets ─► N.snapshot ─► walk over the
//!   ▲                                                                                                   signed set
//!   └──────────────── another publisher was first: read again, apply again ◄── timestamp.json ◄───────────┘
//! ```

mod change;
mod commit;
mod error;
mod init;
mod refresh;
mod root;
mod signed;
mod signers;

use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;
use sealift_metadata::signer::Signer;
use sealift_metadata::time::TrustedTime;
use sealift_metadata::trust::{Limits, TrustStore, TrustedRepository};

pub use change::{Change, ChangeError, Operation, Resign, TargetMap};
pub use error::PublishError;
pub use init::InitError;
pub use refresh::Due;

use crate::store::Store;
use crate::walk::{Overlay, Walk, walk_as_author};

/// How often a publisher that others keep overtaking reads again and applies its change again.
const MAX_ATTEMPTS: u32 = 64;

/// The keys that a publisher can use. Signatures beyond a role's own keys do no harm, which is how keys rotate: while old
/// and new keys are both listed here, documents verify under the old root and the new one.
#[derive(Clone, Default)]
pub struct Signers {
    /// For Targets. Empty where the publisher only refreshes.
    pub targets: Vec<Arc<dyn Signer>>,
    /// For Snapshot.
    pub snapshot: Vec<Arc<dyn Signer>>,
    /// For Timestamp.
    pub timestamp: Vec<Arc<dyn Signer>>,
}

impl fmt::Debug for Signers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signers")
            .field("targets", &self.targets.len())
            .field("snapshot", &self.snapshot.len())
            .field("timestamp", &self.timestamp.len())
            .finish()
    }
}

/// How long a document is good for from the moment of signing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Targets: signed by people, so months.
    pub targets: SignedDuration,
    /// Snapshot.
    pub snapshot: SignedDuration,
    /// Timestamp: the longest time for which a client can be held back unnoticed.
    pub timestamp: SignedDuration,
}

impl Default for Lifetimes {
    /// A year, a week, a day.
    fn default() -> Self {
        Self {
            targets: SignedDuration::from_hours(365 * 24),
            snapshot: SignedDuration::from_hours(7 * 24),
            timestamp: SignedDuration::from_hours(24),
        }
    }
}

/// One who changes a repository.
///
/// Keeps the raw metadata that it last verified: below these it accepts nothing, so a store that was set back or exchanged
/// is noticed before anything is signed over it. Persist [`Publisher::trust`] outside the store.
#[derive(Debug)]
pub struct Publisher {
    store: Store,
    signers: Signers,
    lifetimes: Lifetimes,
    limits: Limits,
    trust: TrustStore,
}

/// What came of an operation.
#[derive(Clone, Debug)]
pub struct Published {
    /// The repository as every client sees it now.
    pub repository: TrustedRepository,
    /// Whether anything was written.
    pub changed: bool,
    /// How many times another publisher was first.
    pub overtaken: u32,
}

impl Publisher {
    /// A publisher for the repository in `store`, with what it trusts: at least a pinned Root, any version of it.
    #[must_use]
    pub fn new(store: Store, trust: TrustStore, signers: Signers, lifetimes: Lifetimes) -> Self {
        Self {
            store,
            signers,
            lifetimes,
            limits: Limits::IMAGE,
            trust,
        }
    }

    /// The raw metadata verified last, to be persisted outside the store.
    #[must_use]
    pub const fn trust(&self) -> &TrustStore {
        &self.trust
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Applies `change` to the newest state and makes the result current, all of it or nothing.
    ///
    /// When another publisher is first, the change is applied again to what that one made. A change that changes nothing
    /// writes nothing, unless it is [`Resign`].
    ///
    /// # Errors
    /// [`PublishError`]. The repository is then as it was before, or as another publisher made it; after
    /// [`PublishError::Store`] with an unknown outcome the change may have taken effect, and publishing again tells.
    pub async fn publish(
        &mut self,
        change: &dyn Change,
        now: TrustedTime,
    ) -> Result<Published, PublishError> {
        for overtaken in 0..MAX_ATTEMPTS {
            let base = self.current(now).await?;
            self.check_root(&base, now)?;
            let before = base.repository.targets().role().targets();
            let mut after = before.clone();
            change.apply(&mut after)?;
            if after == *before && !(change.signs_unchanged() && overtaken == 0) {
                return Ok(self.unchanged(base, overtaken));
            }
            self.check_objects(before, &after).await?;
            let set = self.sign_targets(&base, &after, now).await?;
            if let Some(published) = self.commit(base, set, now, overtaken).await? {
                return Ok(published);
            }
        }
        Err(PublishError::Contended {
            attempts: MAX_ATTEMPTS,
        })
    }

    /// The newest state, fully walked. Remembers it. Expired documents are accepted: signing is what repairs them.
    pub(crate) async fn current(&mut self, now: TrustedTime) -> Result<Walk, PublishError> {
        let walked = walk_as_author(&self.store, &Overlay::default(), &self.trust, now, self.limits).await?;
        let trusted = walked.repository.timestamp().bytes();
        if walked
            .timestamp
            .as_ref()
            .is_none_or(|(_, bytes)| bytes != trusted)
        {
            let version = walked.repository.timestamp().version();
            return Err(PublishError::Equivocation { version });
        }
        self.trust = walked.trust.clone();
        Ok(walked)
    }

    /// Under an expired root no client accepts anything, whatever is signed.
    fn check_root(&self, base: &Walk, now: TrustedTime) -> Result<(), PublishError> {
        let root = base.repository.root();
        if now.is_past(root.expires()) {
            return Err(PublishError::RootExpired {
                version: root.version(),
                expires: root.expires(),
            });
        }
        Ok(())
    }

    fn unchanged(&self, base: Walk, overtaken: u32) -> Published {
        Published {
            repository: base.repository,
            changed: false,
            overtaken,
        }
    }
}

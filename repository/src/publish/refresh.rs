//! Keeping Snapshot and Timestamp alive.

use jiff::SignedDuration;
use sealift_metadata::time::TrustedTime;

use super::commit::SignedSet;
use super::{MAX_ATTEMPTS, PublishError, Published, Publisher};
use crate::walk::Overlay;

/// When a refresh signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Always, both documents.
    Now,
    /// A document with less than this share of its lifetime left, in percent; and Timestamp with every Snapshot.
    WhenLeft {
        /// The share, in percent of the lifetime.
        percent: u8,
    },
}

impl Due {
    fn is_due(self, expires: jiff::Timestamp, lifetime: SignedDuration, now: TrustedTime) -> bool {
        match self {
            Self::Now => true,
            Self::WhenLeft { percent } => {
                let left = expires.duration_since(now.instant()).as_secs();
                i128::from(left) * 100 < i128::from(lifetime.as_secs()) * i128::from(percent)
            }
        }
    }
}

impl Publisher {
    /// Signs Snapshot and Timestamp again where they are due, over the Targets that are current.
    ///
    /// Needs their two keys only. Nothing is written where nothing is due, or another publisher has just done it.
    ///
    /// # Errors
    /// [`PublishError`]; [`PublishError::Unacceptable`] also when Targets have expired, which only their holders can mend.
    pub async fn refresh(&mut self, due: Due, now: TrustedTime) -> Result<Published, PublishError> {
        for overtaken in 0..MAX_ATTEMPTS {
            let base = self.current(now).await?;
            self.check_root(&base, now)?;
            let current = &base.repository;
            let snapshot_due = due.is_due(current.snapshot().expires(), self.lifetimes.snapshot, now);
            let timestamp_due = due.is_due(current.timestamp().expires(), self.lifetimes.timestamp, now);
            let set = if snapshot_due && (due != Due::Now || overtaken == 0) {
                self.sign_snapshot(current, current.targets(), now).await?
            } else if timestamp_due && (due != Due::Now || overtaken == 0) {
                SignedSet {
                    files: Overlay::new(),
                    given: Overlay::new(),
                    snapshot: (**current.snapshot()).clone(),
                }
            } else {
                return Ok(self.unchanged(base, overtaken));
            };
            if let Some(published) = self.commit(base, set, now, overtaken).await? {
                return Ok(published);
            }
        }
        Err(PublishError::Contended {
            attempts: MAX_ATTEMPTS,
        })
    }
}

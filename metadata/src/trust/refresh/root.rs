//! The root walk (TUF 5.3, Uptane 5.4.4.3).

use super::{Refresh, State, Step};
use crate::root::{RoleName, Root};
use crate::trust::load::{check_length, parse};
use crate::trust::{Attack, Fault, TrustError};

impl Refresh {
    pub(super) fn ask_root(&mut self) -> Result<(), TrustError> {
        if self.root_updates == self.limits.max_root_updates {
            return self.end_roots();
        }
        self.state = State::Root { asked: true };
        self.fetch(format!("{}.root.json", self.root.version() + 1), self.limits.root);
        Ok(())
    }

    pub(super) fn accept_root(&mut self, bytes: &[u8]) -> Result<(), TrustError> {
        let wanted = self.root.version() + 1;
        let name = format!("{wanted}.root.json");
        check_length(&name, bytes, self.limits.root)?;
        let document = parse::<Root>(&name, bytes)?;
        document
            .check(self.root.role().keys(RoleName::Root))
            .map_err(|e| TrustError::threshold(&name, e))?;
        let own = document.role().keys(RoleName::Root).clone();
        let next = document
            .verify(&own)
            .map_err(|e| TrustError::threshold(&name, e))?;
        if next.version() < wanted {
            let fault = Fault::Older {
                found: next.version(),
                trusted: self.root.version(),
            };
            return Err(TrustError::new(name, Attack::Rollback, fault));
        }
        if next.version() > wanted {
            let fault = Fault::OtherVersion {
                found: next.version(),
                wanted,
            };
            return Err(TrustError::new(name, Attack::MixAndMatch, fault));
        }
        self.recover(next.role());
        self.store("root.json", next.bytes());
        self.root = next;
        self.root_updates += 1;
        self.state = State::Root { asked: false };
        Ok(())
    }

    /// Forgets versions that a holder of replaced keys may have driven up (TUF 5.3.11; Uptane 5.4.4.3).
    ///
    /// The files go before the new root is stored: a crash in between repeats the rotation instead of missing it. Replaced
    /// Targets keys take the Snapshot along, whose listing is the other floor of the Targets version; the floor of the
    /// Snapshot's own version stays in the Timestamp.
    fn recover(&mut self, next: &Root) {
        let replaced = |role| !next.keys(role).same_keys(self.root.role().keys(role));
        let timestamp = replaced(RoleName::Timestamp);
        let snapshot = replaced(RoleName::Snapshot);
        let targets = replaced(RoleName::Targets);
        if timestamp || snapshot {
            self.stored.timestamp = None;
            self.queue.push_back(Step::Remove {
                name: "timestamp.json",
            });
        }
        if timestamp || snapshot || targets {
            self.stored.snapshot = None;
            self.queue.push_back(Step::Remove {
                name: "snapshot.json",
            });
        }
        if snapshot || targets {
            self.stored.targets = None;
            self.queue.push_back(Step::Remove { name: "targets.json" });
        }
    }

    pub(super) fn end_roots(&mut self) -> Result<(), TrustError> {
        self.check_expiry("root.json", &self.root)?;
        self.state = State::Timestamp { asked: false };
        Ok(())
    }
}

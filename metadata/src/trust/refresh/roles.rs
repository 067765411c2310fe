//! Timestamp, Snapshot and Targets (TUF 5.4 to 5.6, Uptane 5.4.4.4 to 5.4.4.6).

use super::{Refresh, State};
use crate::document::Verified;
use crate::root::RoleName;
use crate::snapshot::Snapshot;
use crate::targets::Targets;
use crate::timestamp::Timestamp;
use crate::trust::load::{announced_limit, check_bytes, check_version, load_targets, older};
use crate::trust::{Attack, Fault, TrustError, TrustedRepository};

impl Refresh {
    // --- timestamp (TUF 5.4, Uptane 5.4.4.4) ---

    pub(super) fn accept_timestamp(&mut self, bytes: &[u8]) -> Result<Verified<Timestamp>, TrustError> {
        let name = "timestamp.json";
        let next = self.verify::<Timestamp>(name, bytes, RoleName::Timestamp)?;
        self.check_vehicle(name, &next)?;
        let stored = self.stored::<Timestamp>(self.stored.timestamp.as_deref(), RoleName::Timestamp);
        if let Some(stored) = stored {
            if next.version() < stored.version() {
                return Err(older(name, next.version(), stored.version()));
            }
            if next.version() == stored.version() {
                // Discarded whatever it holds: one version has one content.
                self.check_hashes(name, stored.role())?;
                self.check_expiry(name, &stored)?;
                return Ok(stored);
            }
            let (found, trusted) = (next.role().snapshot().version, stored.role().snapshot().version);
            if found < trusted {
                return Err(older("snapshot.json", found, trusted));
            }
        }
        self.check_hashes(name, next.role())?;
        self.check_expiry(name, &next)?;
        self.store(name, next.bytes());
        Ok(next)
    }

    // --- snapshot (TUF 5.5, Uptane 5.4.4.5) ---

    pub(super) fn snapshot(&mut self, asked: bool, timestamp: Verified<Timestamp>) -> Result<(), TrustError> {
        let meta = timestamp.role().snapshot().clone();
        let name = self.file_name(RoleName::Snapshot, meta.version);
        let limit = announced_limit(&name, &meta, self.limits.snapshot)?;
        let stored = self.stored::<Snapshot>(self.stored.snapshot.as_deref(), RoleName::Snapshot);
        if !asked {
            if let Some(stored) = stored.filter(|stored| self.is_current(stored, &meta)) {
                self.state = State::Targets {
                    asked: false,
                    timestamp,
                    snapshot: stored,
                };
            } else {
                self.state = State::Snapshot {
                    asked: true,
                    timestamp,
                };
                self.fetch(name, limit);
            }
            return Ok(());
        }
        let bytes = self.take_file(&name, limit)?;
        check_bytes(&name, &bytes, &meta)?;
        let next = self.verify::<Snapshot>(&name, &bytes, RoleName::Snapshot)?;
        self.check_vehicle(&name, &next)?;
        check_version(&name, next.version(), meta.version)?;
        if let Some(stored) = stored {
            if next.version() < stored.version() {
                return Err(older(&name, next.version(), stored.version()));
            }
            for (file, before) in stored.role().meta() {
                match next.role().meta().get(file) {
                    None => {
                        let fault = Fault::Disappeared { name: file.clone() };
                        return Err(TrustError::new(name, Attack::Rollback, fault));
                    }
                    Some(now) if now.version < before.version => {
                        return Err(older(file, now.version, before.version));
                    }
                    Some(_) => {}
                }
            }
        }
        self.check_expiry(&name, &next)?;
        self.store("snapshot.json", next.bytes());
        self.changed = true;
        self.state = State::Targets {
            asked: false,
            timestamp,
            snapshot: next,
        };
        Ok(())
    }

    // --- targets (TUF 5.6, Uptane 5.4.4.6) ---

    pub(super) fn targets(
        &mut self,
        asked: bool,
        timestamp: Verified<Timestamp>,
        snapshot: Verified<Snapshot>,
    ) -> Result<(), TrustError> {
        let meta = snapshot.role().targets().clone();
        let name = self.file_name(RoleName::Targets, meta.version);
        let limit = announced_limit(&name, &meta, self.limits.targets)?;
        let stored = self.stored::<Targets>(self.stored.targets.as_deref(), RoleName::Targets);
        if !asked {
            let current = stored
                .filter(|stored| self.is_current(stored, &meta) && self.check_kind(&name, stored).is_ok());
            if let Some(targets) = current {
                self.finish(timestamp, snapshot, targets);
            } else {
                self.state = State::Targets {
                    asked: true,
                    timestamp,
                    snapshot,
                };
                self.fetch(name, limit);
            }
            return Ok(());
        }
        let bytes = self.take_file(&name, limit)?;
        let keys = self.root.role().keys(RoleName::Targets);
        let next = load_targets(
            &name,
            &bytes,
            keys,
            &meta,
            stored.as_ref(),
            (&self.kind, self.now),
        )?;
        self.check_kind(&name, &next)?;
        self.store("targets.json", next.bytes());
        self.changed = true;
        self.finish(timestamp, snapshot, next);
        Ok(())
    }

    fn finish(
        &mut self,
        timestamp: Verified<Timestamp>,
        snapshot: Verified<Snapshot>,
        targets: Verified<Targets>,
    ) {
        let root = self.root.clone();
        self.state = State::Done(Box::new(TrustedRepository {
            root,
            timestamp,
            snapshot,
            targets,
            changed: self.changed,
        }));
    }
}

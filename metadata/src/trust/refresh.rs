//! The refresh of one repository as a state machine: it asks for files and says what to store, and does neither itself.

use std::collections::VecDeque;

use super::repository::TrustedRepository;
use super::{Attack, Fault, Limits, RepositoryKind, TrustError, TrustStore};
use crate::document::{Document, Role, Verified};
use crate::root::{RoleName, Root};
use crate::snapshot::Snapshot;
use crate::targets::Targets;
use crate::time::TrustedTime;
use crate::timestamp::{MetaFile, Timestamp};
use crate::uptane;

/// A file that is wanted from the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Name below the metadata URL, such as `2.root.json`.
    pub name: String,
    /// Stop reading after this many bytes; one byte more may be supplied to show that there are more.
    pub max_bytes: u64,
}

/// What the repository answered. Anything else, such as a time-out or a status 500, is no answer: drop the refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// The file.
    Found(Vec<u8>),
    /// The repository says that there is no such file.
    NotFound,
}

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Fetch a file and [`supply`](Refresh::supply) the answer.
    Fetch(Request),
    /// Write a verified file to the trust store, atomically and durably, before the next step.
    Store {
        /// `root.json`, `timestamp.json`, `snapshot.json` or `targets.json`.
        name: &'static str,
        /// The bytes as received.
        bytes: Vec<u8>,
    },
    /// Remove a file from the trust store, if it is there, before the next step.
    Remove {
        /// As for `Store`.
        name: &'static str,
    },
    /// Everything is verified.
    Done(Box<TrustedRepository>),
}

/// The refresh of one repository (TUF 5.2 to 5.6 with the rules of Uptane 5.4.4).
#[derive(Debug)]
pub struct Refresh {
    kind: RepositoryKind,
    limits: Limits,
    now: TrustedTime,
    root: Verified<Root>,
    stored: TrustStore,
    root_updates: u32,
    changed: bool,
    queue: VecDeque<Step>,
    answer: Option<Response>,
    state: State,
}

/// What the next answer will be, or that none is due.
#[derive(Debug)]
enum State {
    Root {
        asked: bool,
    },
    Timestamp {
        asked: bool,
    },
    Snapshot {
        asked: bool,
        timestamp: Verified<Timestamp>,
    },
    Targets {
        asked: bool,
        timestamp: Verified<Timestamp>,
        snapshot: Verified<Snapshot>,
    },
    Done(Box<TrustedRepository>),
    Ended,
}

impl Refresh {
    /// Starts from what the client holds. The expiry of the stored root does not matter here (TUF 5.2).
    ///
    /// # Errors
    /// [`TrustError`] if the stored root cannot be read or does not satisfy its own threshold.
    pub fn start(
        stored: TrustStore,
        kind: RepositoryKind,
        limits: Limits,
        now: TrustedTime,
    ) -> Result<Self, TrustError> {
        let unusable = |error: TrustError| {
            let (document, attack, fault) = error.into_parts();
            TrustError::new(document, attack, Fault::StoredRoot(Box::new(fault)))
        };
        let document = parse::<Root>("root.json", &stored.root).map_err(unusable)?;
        let keys = document.role().keys(RoleName::Root).clone();
        let root = document
            .verify(&keys)
            .map_err(|e| unusable(TrustError::threshold("root.json", e)))?;
        Ok(Self {
            kind,
            limits,
            now,
            root,
            stored,
            root_updates: 0,
            changed: false,
            queue: VecDeque::new(),
            answer: None,
            state: State::Root { asked: false },
        })
    }

    /// The next thing to do.
    ///
    /// # Errors
    /// [`TrustError`] if a check failed: the refresh is over, and the next one starts from the store again.
    pub fn step(&mut self) -> Result<Step, TrustError> {
        loop {
            if let Some(step) = self.queue.pop_front() {
                return Ok(step);
            }
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Root { asked: false } => self.ask_root()?,
                State::Root { asked: true } => match self.take_answer()? {
                    Response::Found(bytes) => self.accept_root(&bytes)?,
                    Response::NotFound => self.end_roots()?,
                },
                State::Timestamp { asked: false } => {
                    self.state = State::Timestamp { asked: true };
                    self.fetch("timestamp.json".to_owned(), self.limits.timestamp);
                }
                State::Timestamp { asked: true } => {
                    let bytes = self.take_file("timestamp.json", self.limits.timestamp)?;
                    let timestamp = self.accept_timestamp(&bytes)?;
                    self.state = State::Snapshot {
                        asked: false,
                        timestamp,
                    };
                }
                State::Snapshot { asked, timestamp } => self.snapshot(asked, timestamp)?,
                State::Targets {
                    asked,
                    timestamp,
                    snapshot,
                } => self.targets(asked, timestamp, snapshot)?,
                State::Done(trusted) => return Ok(Step::Done(trusted)),
                State::Ended => return Err(TrustError::new("refresh", Attack::Malformed, Fault::OutOfOrder)),
            }
        }
    }

    /// Hands in the answer to the last [`Step::Fetch`]. It is looked at in the next step.
    pub fn supply(&mut self, response: Response) {
        self.answer = Some(response);
    }

    fn fetch(&mut self, name: String, max_bytes: u64) {
        self.answer = None;
        self.queue.push_back(Step::Fetch(Request { name, max_bytes }));
    }

    fn take_answer(&mut self) -> Result<Response, TrustError> {
        self.answer
            .take()
            .ok_or_else(|| TrustError::new("refresh", Attack::Malformed, Fault::OutOfOrder))
    }

    fn take_file(&mut self, name: &str, limit: u64) -> Result<Vec<u8>, TrustError> {
        match self.take_answer()? {
            Response::Found(bytes) => {
                check_length(name, &bytes, limit)?;
                Ok(bytes)
            }
            Response::NotFound => Err(TrustError::new(name, Attack::Unreachable, Fault::Missing)),
        }
    }

    fn store(&mut self, name: &'static str, bytes: &[u8]) {
        self.queue.push_back(Step::Store {
            name,
            bytes: bytes.to_vec(),
        });
    }

    // --- root (TUF 5.3, Uptane 5.4.4.3) ---

    fn ask_root(&mut self) -> Result<(), TrustError> {
        if self.root_updates == self.limits.max_root_updates {
            return self.end_roots();
        }
        self.state = State::Root { asked: true };
        self.fetch(format!("{}.root.json", self.root.version() + 1), self.limits.root);
        Ok(())
    }

    fn accept_root(&mut self, bytes: &[u8]) -> Result<(), TrustError> {
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

    fn end_roots(&mut self) -> Result<(), TrustError> {
        self.check_expiry("root.json", &self.root)?;
        self.state = State::Timestamp { asked: false };
        Ok(())
    }

    // --- timestamp (TUF 5.4, Uptane 5.4.4.4) ---

    fn accept_timestamp(&mut self, bytes: &[u8]) -> Result<Verified<Timestamp>, TrustError> {
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
                self.check_expiry(name, &stored)?;
                return Ok(stored);
            }
            let (found, trusted) = (next.role().snapshot().version, stored.role().snapshot().version);
            if found < trusted {
                return Err(older("snapshot.json", found, trusted));
            }
        }
        self.check_expiry(name, &next)?;
        self.store(name, next.bytes());
        Ok(next)
    }

    // --- snapshot (TUF 5.5, Uptane 5.4.4.5) ---

    fn snapshot(&mut self, asked: bool, timestamp: Verified<Timestamp>) -> Result<(), TrustError> {
        let meta = timestamp.role().snapshot().clone();
        let name = self.file_name("snapshot", meta.version);
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

    fn targets(
        &mut self,
        asked: bool,
        timestamp: Verified<Timestamp>,
        snapshot: Verified<Snapshot>,
    ) -> Result<(), TrustError> {
        let meta = snapshot.role().targets().clone();
        let name = self.file_name("targets", meta.version);
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
        check_bytes(&name, &bytes, &meta)?;
        let next = self.verify::<Targets>(&name, &bytes, RoleName::Targets)?;
        self.check_vehicle(&name, &next)?;
        check_version(&name, next.version(), meta.version)?;
        if let Some(stored) = stored
            && next.version() < stored.version()
        {
            return Err(older(&name, next.version(), stored.version()));
        }
        self.check_expiry(&name, &next)?;
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

    // --- what all roles share ---

    fn file_name(&self, role: &str, version: u64) -> String {
        if self.root.role().consistent_snapshot() {
            format!("{version}.{role}.json")
        } else {
            format!("{role}.json")
        }
    }

    fn verify<R: Role>(&self, name: &str, bytes: &[u8], role: RoleName) -> Result<Verified<R>, TrustError> {
        load(name, bytes, self.root.role().keys(role))
    }

    /// A stored document, if it is still good under the current root. Its expiry is not looked at: it is a floor.
    fn stored<R: Role>(&self, bytes: Option<&[u8]>, role: RoleName) -> Option<Verified<R>> {
        let document = self.verify::<R>("stored", bytes?, role).ok()?;
        self.check_vehicle("stored", &document).ok()?;
        Some(document)
    }

    /// Whether a stored document is the announced one and can be used as it is.
    fn is_current<R: Role>(&self, stored: &Verified<R>, meta: &MetaFile) -> bool {
        stored.version() == meta.version
            && meta.describes(stored.bytes())
            && !self.now.is_past(stored.expires())
    }

    fn check_expiry<R: Role>(&self, name: &str, document: &Verified<R>) -> Result<(), TrustError> {
        let expires = document.expires();
        if self.now.is_past(expires) {
            return Err(TrustError::new(
                name,
                Attack::Freeze,
                Fault::Expired {
                    expires,
                    now: self.now.instant(),
                },
            ));
        }
        Ok(())
    }

    fn check_vehicle<R: Role>(&self, name: &str, document: &Document<R>) -> Result<(), TrustError> {
        match &self.kind {
            RepositoryKind::Image => Ok(()),
            RepositoryKind::Director { vehicle_id, .. } => {
                uptane::check_vehicle(name, document.signed(), vehicle_id)
            }
        }
    }

    fn check_kind(&self, name: &str, targets: &Verified<Targets>) -> Result<(), TrustError> {
        match &self.kind {
            RepositoryKind::Image => Ok(()),
            RepositoryKind::Director { ecus, .. } => uptane::check_director(name, targets.role(), ecus),
        }
    }
}

/// The one path by which a role document is loaded: parse, then count signatures.
fn load<R: Role>(
    name: &str,
    bytes: &[u8],
    keys: &crate::threshold::RoleKeys,
) -> Result<Verified<R>, TrustError> {
    parse::<R>(name, bytes)?
        .verify(keys)
        .map_err(|e| TrustError::threshold(name, e))
}

fn parse<R: Role>(name: &str, bytes: &[u8]) -> Result<Document<R>, TrustError> {
    Document::parse(bytes).map_err(|e| TrustError::format(name, e))
}

fn older(name: &str, found: u64, trusted: u64) -> TrustError {
    TrustError::new(name, Attack::Rollback, Fault::Older { found, trusted })
}

fn check_version(name: &str, found: u64, wanted: u64) -> Result<(), TrustError> {
    if found == wanted {
        return Ok(());
    }
    Err(TrustError::new(
        name,
        Attack::MixAndMatch,
        Fault::OtherVersion { found, wanted },
    ))
}

fn check_length(name: &str, bytes: &[u8], limit: u64) -> Result<(), TrustError> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        return Ok(());
    }
    Err(TrustError::new(
        name,
        Attack::EndlessData,
        Fault::TooLong { limit },
    ))
}

fn check_bytes(name: &str, bytes: &[u8], meta: &MetaFile) -> Result<(), TrustError> {
    if meta.describes(bytes) {
        return Ok(());
    }
    Err(TrustError::new(name, Attack::MixAndMatch, Fault::OtherBytes))
}

/// How many bytes to ask for: the announced length if there is one, never more than the cap.
fn announced_limit(name: &str, meta: &MetaFile, cap: u64) -> Result<u64, TrustError> {
    match meta.length {
        Some(length) if length > cap => Err(TrustError::new(
            name,
            Attack::EndlessData,
            Fault::TooLong { limit: cap },
        )),
        Some(length) => Ok(length),
        None => Ok(cap),
    }
}

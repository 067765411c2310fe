//! The refresh of one repository as a state machine: it asks for files and says what to store, and does neither itself.

mod checks;
mod roles;
mod root;

use std::collections::VecDeque;

use super::load::{check_length, parse};
use super::repository::TrustedRepository;
use super::{Attack, Fault, Limits, RepositoryKind, TrustError, TrustStore};
use crate::document::Verified;
use crate::root::{RoleName, Root};
use crate::snapshot::Snapshot;
use crate::time::TrustedTime;
use crate::timestamp::Timestamp;

/// A file that is wanted from the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Name below the metadata URL, such as `2.root.json`: one segment, percent-encoded already.
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
}

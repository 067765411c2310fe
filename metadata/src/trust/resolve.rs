//! The search for a target through the delegations of a repository, as a state machine: it asks for files and says what to
//! store, and does neither itself (TUF 5.6.7, Uptane 5.4.4.7).

mod search;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::search::{Search, Visit};
use super::load::{announced_limit, check_length, load_targets};
use super::{Attack, Fault, Limits, RepositoryKind, Request, Response, TrustError, TrustedRepository};
use crate::delegation::DelegatedRole;
use crate::document::Verified;
use crate::ids::{DelegatedName, HardwareId, TargetPath};
use crate::role_file::RoleFile;
use crate::targets::{TargetFile, Targets};
use crate::threshold::RoleKeys;
use crate::time::TrustedTime;
use crate::timestamp::MetaFile;

/// What to do next.
#[derive(Debug)]
pub enum SearchStep {
    /// Look whether this file was stored before, and [`supply`](Resolver::supply) it or [`Response::NotFound`].
    ///
    /// Stored files are a cache. One that is not what the Snapshot lists, or not signed by the keys that its delegator names
    /// today, is as if it were not there, so nothing is lost by forgetting one and nothing gained by keeping an old one.
    Recall(RoleFile),
    /// Fetch a file and [`supply`](Resolver::supply) the answer.
    Fetch(Request),
    /// Keep a verified file for a later [`Recall`](Self::Recall). A client that keeps none goes on here.
    Store {
        /// Whose it is.
        file: RoleFile,
        /// The bytes as received.
        bytes: Vec<u8>,
    },
    /// The target.
    Found(Box<Found>),
    /// Nobody who may sign such a target lists it.
    NotFound,
}

/// A target that was found. Only a search makes one.
#[derive(Debug, Clone)]
pub struct Found {
    path: TargetPath,
    file: TargetFile,
    chain: Vec<DelegatedName>,
}

impl Found {
    /// Its name.
    #[must_use]
    pub const fn path(&self) -> &TargetPath {
        &self.path
    }

    /// Its entry.
    #[must_use]
    pub const fn file(&self) -> &TargetFile {
        &self.file
    }

    /// The roles from the top-level Targets, which is not among them, to the one that lists it.
    #[must_use]
    pub fn chain(&self) -> &[DelegatedName] {
        &self.chain
    }

    pub(crate) fn into_entry(self) -> (TargetPath, TargetFile) {
        (self.path, self.file)
    }
}

/// Finds targets of a verified repository, one after the other. What is read for one target is kept for the next, and a
/// search that fails says nothing about other targets.
#[derive(Debug)]
pub struct Resolver {
    repository: Arc<TrustedRepository>,
    limits: Limits,
    now: TrustedTime,
    read: BTreeMap<DelegatedName, (RoleKeys, Arc<Verified<Targets>>)>,
    read_bytes: u64,
    answer: Option<Response>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Going through delegations.
    Searching(Search),
    /// Reading a role.
    Reading(Search, Visit, Asked),
    /// Having read all roles of a delegation.
    Leaving(Search, Visit),
    Found(Box<Found>),
    NotFound,
    Ended,
}

/// Who was asked for the file of a role.
#[derive(Debug, Clone, Copy)]
enum Asked {
    Nobody,
    Store,
    Repository,
}

impl Resolver {
    /// A resolver for what a refresh ended with; `now` is the instant of that refresh.
    #[must_use]
    pub fn new(repository: impl Into<Arc<TrustedRepository>>, limits: Limits, now: TrustedTime) -> Self {
        Self {
            repository: repository.into(),
            limits,
            now,
            read: BTreeMap::new(),
            read_bytes: 0,
            answer: None,
            state: State::Ended,
        }
    }

    /// The repository in which is searched.
    #[must_use]
    pub const fn repository(&self) -> &Arc<TrustedRepository> {
        &self.repository
    }

    /// Begins the search for a target that is to be installed on all of this hardware; on none, for those who only look. A
    /// search that was under way is over.
    pub fn search(&mut self, path: &str, hardware: &BTreeSet<HardwareId>) {
        // What was read is kept for speed alone, so that much of it is enough.
        if self.read_bytes > self.limits.search_bytes {
            self.read.clear();
            self.read_bytes = 0;
        }
        let search = Search::new(path, hardware);
        self.state = search.enter(self.repository.targets().role(), Vec::new());
    }

    /// Hands in the answer to the last [`SearchStep::Recall`] or [`SearchStep::Fetch`]. It is looked at in the next step.
    pub fn supply(&mut self, response: Response) {
        self.answer = Some(response);
    }

    /// The next thing to do.
    ///
    /// # Errors
    /// [`TrustError`] if a role on the way is missing, is refused or is one too many: who may sign the target is then unknown,
    /// and the search is over.
    pub fn step(&mut self) -> Result<SearchStep, TrustError> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Searching(search) => self.state = search.next(),
                State::Reading(search, visit, asked) => {
                    if let Some(step) = self.read(search, visit, asked)? {
                        return Ok(step);
                    }
                }
                State::Leaving(search, visit) => self.state = search.leave(visit)?,
                State::Found(found) => return Ok(SearchStep::Found(found)),
                State::NotFound => return Ok(SearchStep::NotFound),
                State::Ended => return Err(out_of_order()),
            }
        }
    }

    /// Reads the next role of a visit: from memory, from the store, or from the repository.
    fn read(
        &mut self,
        mut search: Search,
        mut visit: Visit,
        asked: Asked,
    ) -> Result<Option<SearchStep>, TrustError> {
        let delegations = visit.delegations();
        let role = &delegations.roles[visit.next_role()];
        let file = RoleFile::Delegated(role.name.clone());
        let (wanted, meta) = self.wanted(&file, &search)?;
        let mut stored = None;
        let known = match asked {
            Asked::Nobody => self.remembered(role, &wanted)?,
            Asked::Store => match self.take_answer()? {
                Response::Found(bytes) => self.accept(role, &wanted, &meta, &bytes).ok(),
                Response::NotFound => None,
            },
            Asked::Repository => match self.take_answer()? {
                Response::Found(bytes) => {
                    let document = self.accept(role, &wanted, &meta, &bytes)?;
                    let file = file.clone();
                    stored = Some(SearchStep::Store { file, bytes });
                    Some(document)
                }
                Response::NotFound => {
                    return Err(TrustError::new(wanted.name, Attack::Unreachable, Fault::Missing));
                }
            },
        };
        let Some(document) = known else {
            self.answer = None;
            let (asked, step) = match asked {
                Asked::Nobody => (Asked::Store, SearchStep::Recall(file)),
                _ => (Asked::Repository, SearchStep::Fetch(wanted)),
            };
            self.state = State::Reading(search, visit, asked);
            return Ok(Some(step));
        };
        search.count(&document);
        visit.hear(document);
        self.state = if visit.is_complete() {
            State::Leaving(search, visit)
        } else {
            State::Reading(search, visit, Asked::Nobody)
        };
        Ok(stored)
    }

    /// The request for a role, if it may be read at all, and its line in the Snapshot.
    fn wanted(&self, file: &RoleFile, search: &Search) -> Result<(Request, MetaFile), TrustError> {
        let listed = file.listed();
        if search.roles() >= self.limits.max_roles {
            let limit = self.limits.max_roles;
            return Err(TrustError::new(
                listed,
                Attack::Limit,
                Fault::TooManyRoles { limit },
            ));
        }
        let Some(meta) = self.repository.snapshot().role().meta().get(&listed) else {
            return Err(TrustError::new(
                listed,
                Attack::MixAndMatch,
                Fault::NotListedInSnapshot,
            ));
        };
        let versioned = self.repository.root().role().consistent_snapshot();
        let name = file.requested(versioned.then_some(meta.version));
        let limit = announced_limit(&name, meta, self.limits.delegated)?;
        let room = self.limits.search_bytes.saturating_sub(search.bytes());
        if meta.length.is_some() && limit > room {
            let limit = self.limits.search_bytes;
            return Err(TrustError::new(
                name,
                Attack::EndlessData,
                Fault::SearchTooLong { limit },
            ));
        }
        let max_bytes = limit.min(room);
        Ok((Request { name, max_bytes }, meta.clone()))
    }

    /// A role that was read for another target, if the keys that count today are those that it was verified with.
    fn remembered(
        &self,
        role: &DelegatedRole,
        wanted: &Request,
    ) -> Result<Option<Arc<Verified<Targets>>>, TrustError> {
        match self.read.get(&role.name) {
            Some((keys, document)) if keys.is_same(&role.keys) => {
                check_length(&wanted.name, document.bytes(), wanted.max_bytes)?;
                Ok(Some(Arc::clone(document)))
            }
            _ => Ok(None),
        }
    }

    fn accept(
        &mut self,
        role: &DelegatedRole,
        wanted: &Request,
        meta: &MetaFile,
        bytes: &[u8],
    ) -> Result<Arc<Verified<Targets>>, TrustError> {
        let name = wanted.name.as_str();
        check_length(name, bytes, wanted.max_bytes)?;
        // There is no older one to compare with: the Snapshot says which version it is, and that does not go back.
        let kind = &RepositoryKind::Image;
        let document = load_targets(name, bytes, &role.keys, meta, None, kind, self.now)?;
        let document = Arc::new(document);
        self.read_bytes = self.read_bytes.saturating_add(length(bytes));
        let kept = (role.keys.clone(), Arc::clone(&document));
        self.read.insert(role.name.clone(), kept);
        Ok(document)
    }

    fn take_answer(&mut self) -> Result<Response, TrustError> {
        self.answer.take().ok_or_else(out_of_order)
    }
}

fn out_of_order() -> TrustError {
    TrustError::new("search", Attack::Malformed, Fault::OutOfOrder)
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

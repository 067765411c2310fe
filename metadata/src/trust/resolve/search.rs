//! The order of a search, and what it makes of the roles that were read.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Asked, Found, State, length};
use crate::delegation::{Agreement, Delegations};
use crate::document::Verified;
use crate::ids::{DelegatedName, HardwareId, TargetPath};
use crate::role_file::RoleFile;
use crate::targets::{TargetFile, Targets};
use crate::trust::{Attack, Fault, TrustError};
use crate::uptane::ImageProfile;

/// The search for one target: depth first, delegators before those they delegate to, in the order of precedence.
#[derive(Debug)]
pub(super) struct Search {
    path: String,
    hardware: BTreeSet<HardwareId>,
    visited: BTreeSet<DelegatedName>,
    roles: usize,
    bytes: u64,
    /// Delegations that are still to be followed, the next one last.
    open: Vec<Edge>,
}

/// A delegation that covers the target.
#[derive(Debug)]
struct Edge {
    delegations: Arc<Delegations>,
    step: Agreement,
    chain: Arc<[DelegatedName]>,
}

/// The roles of one delegation, as they are read.
#[derive(Debug)]
pub(super) struct Visit {
    edge: Edge,
    heard: Vec<Arc<Verified<Targets>>>,
}

impl Search {
    pub(super) fn new(path: &str, hardware: &BTreeSet<HardwareId>) -> Self {
        Self {
            path: path.to_owned(),
            hardware: hardware.clone(),
            visited: BTreeSet::new(),
            roles: 0,
            bytes: 0,
            open: Vec::new(),
        }
    }

    /// How many roles were read.
    pub(super) const fn roles(&self) -> usize {
        self.roles
    }

    /// How many bytes they have.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn count(&mut self, document: &Verified<Targets>) {
        self.roles += 1;
        self.bytes = self.bytes.saturating_add(length(document.bytes()));
    }

    /// Looks for the target in a role, and if it is not there opens the role's delegations. A terminating one that covers the
    /// target is the last: its descendants are searched, and nothing that would have come after it.
    pub(super) fn enter(mut self, role: &Targets, chain: Vec<DelegatedName>) -> State {
        if let Some((path, file)) = role.targets().get_key_value(self.path.as_str()) {
            return found(path.clone(), file.clone(), chain);
        }
        let Some(delegations) = role.shared_delegations() else {
            return State::Searching(self);
        };
        let chain: Arc<[DelegatedName]> = chain.into();
        let mut edges = Vec::new();
        for step in delegations.steps() {
            let first = &delegations.roles[step.roles.start];
            if !first.applies(&self.path, &self.hardware) {
                continue;
            }
            edges.push(Edge {
                delegations: Arc::clone(delegations),
                step,
                chain: Arc::clone(&chain),
            });
            if first.terminating {
                self.open.clear();
                break;
            }
        }
        self.open.extend(edges.into_iter().rev());
        State::Searching(self)
    }

    /// The next delegation. A role that was visited is not visited again, whoever delegates to it.
    pub(super) fn next(mut self) -> State {
        while let Some(edge) = self.open.pop() {
            if edge.role_alone().is_none_or(|role| !self.visited.contains(role)) {
                let heard = Vec::new();
                return State::Reading(self, Visit { edge, heard }, Asked::Nobody);
            }
        }
        State::NotFound
    }

    /// What the roles of a delegation say.
    pub(super) fn leave(mut self, visit: Visit) -> Result<State, TrustError> {
        if let (Some(role), [document]) = (visit.edge.role_alone(), visit.heard.as_slice()) {
            self.visited.insert(role.clone());
            let chain = visit.edge.chain_to(role);
            return Ok(self.enter(document.role(), chain));
        }
        self.agree(&visit)
    }

    /// The earliest entry that enough roles agree about (Uptane 5.4.4.8). The roles of an agreement speak for themselves: whom
    /// they delegate to is not asked.
    fn agree(self, visit: &Visit) -> Result<State, TrustError> {
        let entries: Vec<_> = visit
            .heard
            .iter()
            .map(|document| document.role().targets().get_key_value(self.path.as_str()))
            .collect();
        let threshold = visit.edge.step.threshold;
        let names = visit.edge.names();
        for (name, entry) in names.zip(&entries) {
            let Some((path, file)) = entry else { continue };
            let said = entries.iter().flatten().filter(|(_, other)| same(file, other));
            if said.count() >= threshold {
                let chain = visit.edge.chain_to(name);
                return Ok(found((*path).clone(), (*file).clone(), chain));
            }
        }
        if entries.iter().all(Option::is_none) {
            return Ok(State::Searching(self));
        }
        let name = visit.edge.names().next().cloned();
        let document = name.map_or_else(String::new, |name| RoleFile::Delegated(name).listed());
        let path = self.path;
        let fault = Fault::NoAgreement { path, threshold };
        Err(TrustError::new(document, Attack::ArbitrarySoftware, fault))
    }
}

impl Edge {
    fn names(&self) -> impl Iterator<Item = &DelegatedName> {
        self.delegations.roles[self.step.roles.clone()]
            .iter()
            .map(|role| &role.name)
    }

    /// The role, unless there are several.
    fn role_alone(&self) -> Option<&DelegatedName> {
        let mut names = self.names();
        names.next().filter(|_| names.next().is_none())
    }

    fn chain_to(&self, role: &DelegatedName) -> Vec<DelegatedName> {
        self.chain.iter().chain([role]).cloned().collect()
    }
}

impl Visit {
    pub(super) fn delegations(&self) -> Arc<Delegations> {
        Arc::clone(&self.edge.delegations)
    }

    /// The place of the role to be read next.
    pub(super) fn next_role(&self) -> usize {
        self.edge.step.roles.start + self.heard.len()
    }

    pub(super) fn hear(&mut self, document: Arc<Verified<Targets>>) {
        self.heard.push(document);
    }

    pub(super) fn is_complete(&self) -> bool {
        self.heard.len() == self.edge.step.roles.len()
    }
}

fn found(path: TargetPath, file: TargetFile, chain: Vec<DelegatedName>) -> State {
    State::Found(Box::new(Found { path, file, chain }))
}

/// Whether two entries are about the same image in the same words; the rest of `custom` may differ.
fn same(one: &TargetFile, other: &TargetFile) -> bool {
    let profile = |file: &TargetFile| {
        let custom = file.custom.as_ref()?;
        custom.get(ImageProfile::FIELD).cloned()
    };
    one.length == other.length && one.hashes == other.hashes && profile(one) == profile(other)
}

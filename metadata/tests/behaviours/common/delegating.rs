//! A repository whose Targets delegate, and a client that searches it.

use std::collections::{BTreeMap, BTreeSet};

use sealift_metadata::root::RoleName;
use sealift_metadata::trust::{Found, Limits, Resolver, Response, SearchStep, TrustError};
use sealift_metadata::{HardwareId, RoleFile, Signer as _, TargetPath};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{EXPIRES, Files, NOW, Repo, at, key, meta, sign};

/// An Image repository with delegated roles. The role `targets` is the top-level one.
pub(crate) struct Tree {
    pub(crate) repo: Repo,
    pub(crate) roles: BTreeMap<String, Value>,
    /// The numbers of the keys that sign a role; its delegators name them unless told otherwise.
    pub(crate) signers: BTreeMap<String, Vec<u64>>,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self {
            repo: Repo::new(),
            roles: BTreeMap::new(),
            signers: BTreeMap::new(),
        }
    }

    /// Delegations as `FROM TO`, with `!` behind terminating ones and `py` behind those that cover `*.py` alone.
    pub(crate) fn of(delegations: &[&str]) -> Self {
        let mut tree = Self::new();
        for line in delegations {
            let words: Vec<_> = line.split(' ').collect();
            let mut terms = json!({"terminating": words.contains(&"!")});
            if words.contains(&"py") {
                terms["paths"] = json!(["*.py"]);
            }
            tree.delegate(words[0], words[1], terms);
        }
        tree
    }

    /// The document of a role.
    pub(crate) fn doc(&mut self, role: &str) -> &mut Value {
        match role {
            "targets" => self.repo.doc(RoleName::Targets),
            _ => self.roles.get_mut(role).unwrap(),
        }
    }

    /// Adds a delegation, to a new role with a key of its own or to one that there is. `terms` stand in its entry.
    pub(crate) fn delegate(&mut self, from: &str, to: &str, terms: Value) {
        if !self.roles.contains_key(to) {
            let number = 100 + u64::try_from(self.roles.len()).unwrap();
            self.roles.insert(to.to_owned(), empty_targets());
            self.signers.insert(to.to_owned(), vec![number]);
        }
        let mut entry =
            json!({"name": to, "keyids": [], "threshold": 1, "terminating": false, "paths": ["*"]});
        let numbers = self.signers[to].clone();
        let delegations = delegations_of(self.doc(from));
        for number in numbers {
            let public = key(number).public().clone();
            entry["keyids"]
                .as_array_mut()
                .unwrap()
                .push(public.keyid().as_str().into());
            delegations["keys"][public.keyid().as_str()] = public.to_value();
        }
        let terms = terms.as_object().unwrap().clone();
        if terms.contains_key("path_hash_prefixes") {
            entry.as_object_mut().unwrap().remove("paths");
        }
        entry.as_object_mut().unwrap().extend(terms);
        delegations["roles"].as_array_mut().unwrap().push(entry);
    }

    /// The entry of one delegation.
    pub(crate) fn edge(&mut self, from: &str, to: &str) -> &mut Value {
        let roles = delegations_of(self.doc(from))["roles"].as_array_mut().unwrap();
        roles.iter_mut().find(|entry| entry["name"] == to).unwrap()
    }

    /// Lists a target; its bytes are `content`.
    pub(crate) fn put(&mut self, role: &str, path: &str, content: &str) {
        self.doc(role)["targets"][path] = entry(content);
    }

    /// The document of a role as it stands, signed.
    pub(crate) fn signed(&self, role: &str) -> Vec<u8> {
        let signers: Vec<_> = self.signers[role].iter().map(|number| key(*number)).collect();
        sign(&self.roles[role], &signers.iter().collect::<Vec<_>>())
    }

    /// Serves everything.
    pub(crate) fn publish(&mut self) {
        let names: Vec<_> = self.roles.keys().cloned().collect();
        for name in names {
            let bytes = self.signed(&name);
            let version = self.roles[&name]["version"].as_u64().unwrap();
            let file = file_of(&name);
            self.repo.doc(RoleName::Snapshot)["meta"][file.listed()] = meta(version, &bytes);
            self.repo.files.insert(file.requested(Some(version)), bytes);
        }
        self.repo.publish();
    }

    /// Serves everything under new versions of the top-level documents.
    pub(crate) fn publish_next(&mut self) {
        for role in [RoleName::Targets, RoleName::Snapshot, RoleName::Timestamp] {
            let version = self.repo.version(role) + 1;
            self.repo.set_version(role, version);
        }
        self.publish();
    }

    /// A resolver over what is served.
    pub(crate) fn resolver(&self) -> Resolver {
        self.resolver_within(Limits::IMAGE)
    }

    pub(crate) fn resolver_within(&self, limits: Limits) -> Resolver {
        let trusted = self.repo.client().refresh(&self.repo.files).unwrap();
        Resolver::new(trusted, limits, at(NOW))
    }

    /// One search by a new client: the content of what it found, and which roles it asked for.
    pub(crate) fn find(&self, path: &str) -> (Result<Option<String>, TrustError>, Vec<String>) {
        let mut searcher = Searcher::default();
        let found = searcher.find(&mut self.resolver(), &self.repo.files, path);
        (found, searcher.roles_asked())
    }

    /// The code with which a search by a new client ends.
    pub(crate) fn refused(&self, path: &str) -> &'static str {
        self.find(path).0.unwrap_err().code()
    }
}

pub(crate) fn empty_targets() -> Value {
    json!({"_type": "targets", "spec_version": "1.0.34", "version": 1, "expires": EXPIRES, "targets": {}})
}

/// An entry for `content`, which stands in `custom` so that tests can read it back.
pub(crate) fn entry(content: &str) -> Value {
    json!({
        "length": content.len(),
        "hashes": {"sha256": hex::encode(Sha256::digest(content))},
        "custom": {"content": content},
    })
}

fn delegations_of(doc: &mut Value) -> &mut Value {
    let object = doc.as_object_mut().unwrap();
    object
        .entry("delegations")
        .or_insert_with(|| json!({"keys": {}, "roles": []}))
}

pub(crate) fn file_of(role: &str) -> RoleFile {
    RoleFile::Delegated(role.parse().unwrap())
}

pub(crate) fn hardware(ids: &[&str]) -> BTreeSet<HardwareId> {
    ids.iter().map(|id| HardwareId::new(*id).unwrap()).collect()
}

/// A client that obeys a search, with what it stored and a log of what it did.
#[derive(Default)]
pub(crate) struct Searcher {
    pub(crate) stored: BTreeMap<RoleFile, Vec<u8>>,
    pub(crate) log: Vec<String>,
    pub(crate) hardware: BTreeSet<HardwareId>,
}

impl Searcher {
    pub(crate) fn found(
        &mut self,
        resolver: &mut Resolver,
        files: impl Fn(&str) -> Option<Vec<u8>>,
        path: &str,
    ) -> Result<Option<Found>, TrustError> {
        self.log.clear();
        resolver.search(path, &self.hardware);
        loop {
            match resolver.step()? {
                SearchStep::Recall(file) => {
                    let answer = self.stored.get(&file).cloned();
                    resolver.supply(answer.map_or(Response::NotFound, Response::Found));
                }
                SearchStep::Fetch(request) => {
                    self.log.push(format!("get {}", request.name));
                    resolver.supply(files(&request.name).map_or(Response::NotFound, Response::Found));
                }
                SearchStep::Store { file, bytes } => {
                    self.log.push(format!("store {}", file.stored()));
                    self.stored.insert(file, bytes);
                }
                SearchStep::Found(found) => return Ok(Some(*found)),
                SearchStep::NotFound => return Ok(None),
            }
        }
    }

    /// The content of what was found.
    pub(crate) fn find(
        &mut self,
        resolver: &mut Resolver,
        files: &Files,
        path: &str,
    ) -> Result<Option<String>, TrustError> {
        let found = self.found(resolver, |name| files.get(name).cloned(), path)?;
        Ok(found.map(|found| {
            assert_eq!(found.path(), &TargetPath::new(path).unwrap());
            let content = found.file().custom.as_ref().unwrap()["content"].clone();
            content.as_str().unwrap().to_owned()
        }))
    }

    /// The roles that were asked for, in order.
    pub(crate) fn roles_asked(&self) -> Vec<String> {
        let asked = self.log.iter().filter_map(|line| line.strip_prefix("get "));
        asked
            .map(|name| name.trim_start_matches(|c: char| c.is_ascii_digit()))
            .map(|name| name.trim_start_matches('.').trim_end_matches(".json").to_owned())
            .collect()
    }
}

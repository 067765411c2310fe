//! What a draft changes, computed from it and the last signed version.
//!
//! Every change has a typed place or is listed as it stands: [`Difference::unnamed`] holds whatever differs and is not named
//! by any of the others, so that nothing is signed unseen.

mod unnamed;

pub use unnamed::Unnamed;

use std::collections::BTreeSet;

use jiff::Timestamp as Instant;
use serde_json::{Value, json};

use self::unnamed::{Named, by_name, pointer};
use crate::authoring::SPEC_VERSION;
use crate::delegation::{DelegatedRole, PathSet};
use crate::document::{Document, Role};
use crate::ids::TargetPath;
use crate::keys::KeyId;
use crate::root::{RoleName, Root};
use crate::targets::{TargetFile, Targets};
use crate::threshold::RoleKeys;
use crate::uptane::ImageProfile;

/// What signing a draft would change. In each pair, the first is the last signed version, where there is one.
#[derive(Debug, Clone)]
pub struct Difference {
    /// Versions.
    pub version: (Option<u64>, u64),
    /// Expiries.
    pub expires: (Option<Instant>, Instant),
    /// Top-level roles whose keys or threshold change.
    pub roles: Vec<RoleChange>,
    /// Delegations that come, go or change.
    pub delegations: Vec<DelegationChange>,
    /// Whether delegations that stay change places: the first that matches a path decides.
    pub reordered: bool,
    /// Targets that come, go or change.
    pub targets: Vec<TargetChange>,
    /// Everything else.
    pub unnamed: Vec<Unnamed>,
}

/// A role whose keys or threshold change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleChange {
    /// Its name.
    pub role: String,
    /// Keys that may sign from now on.
    pub added: Vec<KeyId>,
    /// Keys that no longer may.
    pub removed: Vec<KeyId>,
    /// How many must sign.
    pub threshold: (Option<u32>, u32),
}

/// A delegation that comes, goes or changes. One of the two is there.
#[derive(Debug, Clone)]
pub struct DelegationChange {
    /// Name of the role.
    pub role: String,
    /// As it was.
    pub before: Option<DelegatedRole>,
    /// As it will be.
    pub after: Option<DelegatedRole>,
    /// Its place in the order of precedence from now on, from 0.
    pub place: Option<usize>,
}

/// A target that comes, goes or changes. One of the two is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetChange {
    /// Its path.
    pub path: TargetPath,
    /// As it was.
    pub before: Option<TargetFile>,
    /// As it will be.
    pub after: Option<TargetFile>,
}

/// What a first version of a role is compared with: what every document of ours has.
pub(super) fn empty(kind: &str) -> Value {
    match kind {
        Root::TYPE => json!({
            "_type": kind, "spec_version": SPEC_VERSION, "consistent_snapshot": true, "keys": {}, "roles": {}
        }),
        _ => json!({"_type": kind, "spec_version": SPEC_VERSION, "targets": {}}),
    }
}

pub(super) fn of_roots(base: Option<&Document<Root>>, draft: &Document<Root>) -> Difference {
    let mut difference = Difference::of_common(base, draft);
    let mut named = Named::common();
    for role in RoleName::ALL {
        let before = base.map(|base| base.role().keys(role));
        let change = RoleChange::between(role.as_str(), before, draft.role().keys(role));
        named.keys(&["keys"], &change);
        named.role(&["roles", role.as_str()], &change);
        if change.is_one() {
            difference.roles.push(change);
        }
    }
    difference.unnamed = named.others(base.map(Document::signed), draft.signed(), Root::TYPE);
    difference
}

pub(super) fn of_targets(base: Option<&Document<Targets>>, draft: &Document<Targets>) -> Difference {
    let mut difference = Difference::of_common(base, draft);
    let mut named = Named::common();
    let after = draft.role().targets();
    let before = base.map(|base| base.role().targets());
    let paths: BTreeSet<&TargetPath> = before
        .into_iter()
        .flatten()
        .chain(after)
        .map(|(path, _)| path)
        .collect();
    for path in paths {
        let change = TargetChange {
            path: path.clone(),
            before: before.and_then(|before| before.get(path)).cloned(),
            after: after.get(path).cloned(),
        };
        if change.before != change.after {
            named.target(&change);
            difference.targets.push(change);
        }
    }
    difference.delegations(base, draft, &mut named);
    let before = base.map(|base| by_name(base.signed()));
    difference.unnamed = named.others(before.as_ref(), &by_name(draft.signed()), Targets::TYPE);
    difference
}

impl Difference {
    fn of_common<R: Role>(base: Option<&Document<R>>, draft: &Document<R>) -> Self {
        Self {
            version: (base.map(Document::version), draft.version()),
            expires: (base.map(Document::expires), draft.expires()),
            roles: Vec::new(),
            delegations: Vec::new(),
            reordered: false,
            targets: Vec::new(),
            unnamed: Vec::new(),
        }
    }

    fn delegations(
        &mut self,
        base: Option<&Document<Targets>>,
        draft: &Document<Targets>,
        named: &mut Named,
    ) {
        let before = base.map_or(&[] as &[_], |base| delegated(base.role()));
        let after = delegated(draft.role());
        for old in before {
            let place = after.iter().position(|new| new.keys.name() == old.keys.name());
            self.delegation(Some(old), find(after, old.keys.name()), place, named);
        }
        for (place, new) in after.iter().enumerate() {
            if find(before, new.keys.name()).is_none() {
                self.delegation(None, Some(new), Some(place), named);
            }
        }
        let staying = |list: &[DelegatedRole], other: &[DelegatedRole]| -> Vec<String> {
            let names = list.iter().map(|role| role.keys.name().to_owned());
            names.filter(|name| find(other, name).is_some()).collect()
        };
        self.reordered = staying(before, after) != staying(after, before);
    }

    fn delegation(
        &mut self,
        old: Option<&DelegatedRole>,
        new: Option<&DelegatedRole>,
        place: Option<usize>,
        named: &mut Named,
    ) {
        let Some(role) = old.or(new).map(|role| role.keys.name().to_owned()) else {
            return;
        };
        let at = ["delegations", "roles", role.as_str()];
        let mut changed = old.is_some() != new.is_some();
        match new {
            None => {
                named.all(pointer(&at));
                for keyid in old.into_iter().flat_map(|old| old.keys.keyids()) {
                    named.all(pointer(&["delegations", "keys", keyid.as_str()]));
                }
            }
            Some(new) => {
                let keys = RoleChange::between(&role, old.map(|old| &old.keys), &new.keys);
                named.keys(&["delegations", "keys"], &keys);
                named.role(&at, &keys);
                changed |= keys.is_one();
                if old.is_none() {
                    named.all(pointer(&[&at[..], &["name"]].concat()));
                }
                if old.is_none_or(|old| old.paths != new.paths) {
                    changed = true;
                    for old_or_new in old.into_iter().chain([new]) {
                        let field = match old_or_new.paths {
                            PathSet::Patterns(_) => "paths",
                            PathSet::HashPrefixes(_) => "path_hash_prefixes",
                        };
                        named.all(pointer(&[&at[..], &[field]].concat()));
                    }
                }
                if old.is_none_or(|old| old.terminating != new.terminating) {
                    changed = true;
                    named.all(pointer(&[&at[..], &["terminating"]].concat()));
                }
            }
        }
        if changed {
            self.delegations.push(DelegationChange {
                role,
                before: old.cloned(),
                after: new.cloned(),
                place,
            });
        }
    }
}

impl RoleChange {
    fn between(role: &str, before: Option<&RoleKeys>, after: &RoleKeys) -> Self {
        let old: BTreeSet<&KeyId> = before.into_iter().flat_map(RoleKeys::keyids).collect();
        let new: BTreeSet<&KeyId> = after.keyids().collect();
        Self {
            role: role.to_owned(),
            added: new.difference(&old).copied().cloned().collect(),
            removed: old.difference(&new).copied().cloned().collect(),
            threshold: (
                before.map(|before| before.threshold().get()),
                after.threshold().get(),
            ),
        }
    }

    fn is_one(&self) -> bool {
        self.changes_keys() || self.changes_threshold()
    }

    fn changes_keys(&self) -> bool {
        !self.added.is_empty() || !self.removed.is_empty()
    }

    fn changes_threshold(&self) -> bool {
        self.threshold.0 != Some(self.threshold.1)
    }
}

impl TargetChange {
    /// What an entry says about its image, if it says it in Sealift's own words.
    #[must_use]
    pub fn profile(file: &TargetFile) -> Option<ImageProfile> {
        let profile = file.custom.as_ref()?.get(ImageProfile::FIELD)?;
        ImageProfile::parse(profile).ok()
    }
}

fn delegated(targets: &Targets) -> &[DelegatedRole] {
    targets.delegations().map_or(&[], |list| &list.roles)
}

fn find<'a>(list: &'a [DelegatedRole], name: &str) -> Option<&'a DelegatedRole> {
    list.iter().find(|role| role.keys.name() == name)
}

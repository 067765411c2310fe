//! Delegations: which other roles a Targets document trusts, and with what (TUF 4.5, Uptane 5.2.3.2).

mod pattern;
mod terms;

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

pub use self::pattern::PathPattern;
use crate::document::FormatError;
use crate::fields::{Fields, wrong};
use crate::ids::{DelegatedName, HardwareId};
use crate::root::{KeyTable, parse_keys, parse_role_keys};
use crate::threshold::RoleKeys;

/// Most roles that one document may delegate to.
pub const MAX_DELEGATIONS: usize = 1024;

/// What a delegated role may sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathSet {
    /// Shell patterns over target paths.
    Patterns(Vec<PathPattern>),
    /// Prefixes of the hexadecimal SHA-256 of the target path.
    HashPrefixes(Vec<String>),
}

impl PathSet {
    /// Whether a target of this name is among them.
    #[must_use]
    pub fn contains(&self, path: &str) -> bool {
        match self {
            Self::Patterns(patterns) => patterns.iter().any(|pattern| pattern.matches(path)),
            Self::HashPrefixes(prefixes) => {
                let digest = hex::encode(Sha256::digest(path));
                prefixes.iter().any(|prefix| digest.starts_with(prefix))
            }
        }
    }
}

/// One delegated role: all that the loader of a Targets document needs.
#[derive(Debug, Clone)]
pub struct DelegatedRole {
    /// Its name.
    pub name: DelegatedName,
    /// Its keys and threshold.
    pub keys: RoleKeys,
    /// What it may sign.
    pub paths: PathSet,
    /// The hardware that it may sign for; any, where nothing is said.
    pub hardware_ids: Option<BTreeSet<HardwareId>>,
    /// Whether the search ends here.
    pub terminating: bool,
}

impl DelegatedRole {
    /// Whether it may sign this target for all of this hardware.
    #[must_use]
    pub fn applies(&self, path: &str, hardware: &BTreeSet<HardwareId>) -> bool {
        let fits = |ids: &BTreeSet<_>| hardware.is_subset(ids);
        self.hardware_ids.as_ref().is_none_or(fits) && self.paths.contains(path)
    }
}

/// Neighbouring roles of which some must say the same of a target before it counts (Uptane 5.4.4.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Their places among the roles.
    pub roles: Range<usize>,
    /// How many have to say the same.
    pub threshold: usize,
}

/// The delegations of one Targets document, in order of precedence.
#[derive(Debug, Clone)]
pub struct Delegations {
    /// The delegated roles.
    pub roles: Vec<DelegatedRole>,
    /// Those that have to agree; all others speak for themselves.
    pub agreements: Vec<Agreement>,
}

impl Delegations {
    /// Reads `delegations`, and what `custom` of the same document adds to them.
    pub(crate) fn parse(fields: &Fields<'_>, custom: Option<&Value>) -> Result<Self, FormatError> {
        let table = parse_keys(fields)?;
        let mut roles: Vec<DelegatedRole> = Vec::new();
        for entry in fields.array("roles", MAX_DELEGATIONS)? {
            let entry = Fields::of(entry, "signed.delegations.roles[]")?;
            let role = parse_role(&entry, &table)?;
            if roles.iter().any(|known| known.name == role.name) {
                return Err(wrong(entry.at("name"), "two delegations have the same role name"));
            }
            roles.push(role);
        }
        let agreements = match terms_of(custom) {
            None => Vec::new(),
            Some(terms) => terms::apply(&Fields::of(terms, TERMS)?, &mut roles)?,
        };
        Ok(Self { roles, agreements })
    }

    /// The roles in the order of a search, as agreements; a role that speaks for itself is an agreement of one.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Agreement> {
        let mut next = 0;
        std::iter::from_fn(move || {
            let alone = (next < self.roles.len()).then(|| Agreement {
                roles: next..next + 1,
                threshold: 1,
            })?;
            let step = self.agreements.iter().find(|step| step.roles.start == next);
            let step = step.cloned().unwrap_or(alone);
            next = step.roles.end;
            Some(step)
        })
    }
}

const TERMS: &str = "signed.custom.sealift_delegations";

fn terms_of(custom: Option<&Value>) -> Option<&Value> {
    custom.and_then(|custom| custom.get(terms::FIELD))
}

/// Refuses terms of delegations in a document that delegates to nobody.
pub(crate) fn check_none(custom: Option<&Value>) -> Result<(), FormatError> {
    match terms_of(custom) {
        None => Ok(()),
        Some(_) => Err(wrong(
            TERMS,
            "the document has no delegations that it could be about",
        )),
    }
}

fn parse_role(entry: &Fields<'_>, table: &KeyTable) -> Result<DelegatedRole, FormatError> {
    let name: DelegatedName = entry.name("name")?;
    let paths = match (entry.optional("paths"), entry.optional("path_hash_prefixes")) {
        (Some(_), None) => PathSet::Patterns(texts(entry, "paths", PathPattern::new)?),
        (None, Some(_)) => PathSet::HashPrefixes(texts(entry, "path_hash_prefixes", |prefix| {
            (prefix.len() <= 64).then(|| prefix.to_owned())
        })?),
        _ => {
            return Err(wrong(
                entry.at("paths"),
                "exactly one of paths and path_hash_prefixes is expected",
            ));
        }
    };
    Ok(DelegatedRole {
        keys: parse_role_keys(entry, name.as_str(), table)?,
        name,
        paths,
        hardware_ids: None,
        terminating: entry.boolean("terminating")?,
    })
}

fn texts<T>(
    entry: &Fields<'_>,
    field: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, FormatError> {
    entry
        .array(field, MAX_DELEGATIONS)?
        .iter()
        .map(|item| {
            item.as_str().and_then(&read).ok_or_else(|| {
                wrong(
                    entry.at(field),
                    "patterns of at most 1024 bytes or prefixes of at most 64 are expected",
                )
            })
        })
        .collect()
}

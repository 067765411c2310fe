//! Delegations: which other roles a Targets document trusts, and with what (TUF 4.5, Uptane 5.2.3.2).

mod pattern;

use sha2::{Digest as _, Sha256};

pub use self::pattern::PathPattern;
use crate::document::FormatError;
use crate::fields::{Fields, wrong};
use crate::ids::DelegatedName;
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
    /// Whether the search ends here.
    pub terminating: bool,
}

/// The delegations of one Targets document, in order of precedence.
#[derive(Debug, Clone)]
pub struct Delegations {
    /// The delegated roles.
    pub roles: Vec<DelegatedRole>,
}

impl Delegations {
    pub(crate) fn parse(fields: &Fields<'_>) -> Result<Self, FormatError> {
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
        Ok(Self { roles })
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

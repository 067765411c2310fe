//! Root: the keys and thresholds of the four top-level roles (TUF 4.3).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;

use serde_json::Value;

use crate::document::{Common, FormatError, Role};
use crate::fields::{Fields, wrong};
use crate::keys::{KeyError, KeyId, PublicKey};
use crate::threshold::RoleKeys;

/// Most keys that one document may list.
pub(crate) const MAX_KEYS: usize = 256;

/// A top-level role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleName {
    /// Keys of all roles.
    Root,
    /// Version of the current snapshot.
    Timestamp,
    /// Versions of all targets documents.
    Snapshot,
    /// Targets and delegations.
    Targets,
}

impl RoleName {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Root, Self::Timestamp, Self::Snapshot, Self::Targets];

    /// The name in documents and file names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Timestamp => "timestamp",
            Self::Snapshot => "snapshot",
            Self::Targets => "targets",
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The signed part of a Root document.
#[derive(Debug, Clone)]
pub struct Root {
    common: Common,
    consistent_snapshot: bool,
    roles: BTreeMap<RoleName, RoleKeys>,
}

impl Root {
    /// The keys and the threshold of a role.
    #[must_use]
    pub fn keys(&self, role: RoleName) -> &RoleKeys {
        // Parsing refuses a root that lacks one of the four.
        &self.roles[&role]
    }

    /// Whether files carry their version or hash in their name (TUF 6.2).
    #[must_use]
    pub const fn consistent_snapshot(&self) -> bool {
        self.consistent_snapshot
    }
}

impl Role for Root {
    const TYPE: &'static str = "root";

    fn parse(signed: &Value, common: Common) -> Result<Self, FormatError> {
        let fields = Fields::of(signed, "signed")?;
        let keys = parse_keys(&fields)?;
        let entries = fields.object("roles")?;
        let mut roles = BTreeMap::new();
        for name in RoleName::ALL {
            let entry = entries.object(name.as_str())?;
            roles.insert(name, parse_role_keys(&entry, name.as_str(), &keys)?);
        }
        Ok(Self {
            common,
            consistent_snapshot: fields.boolean("consistent_snapshot")?,
            roles,
        })
    }

    fn common(&self) -> &Common {
        &self.common
    }
}

/// Keys by id; a key with an unknown scheme has no material.
pub(crate) type KeyTable = BTreeMap<KeyId, Option<PublicKey>>;

/// Reads `keys`: every id is recomputed, and no key stands under two ids (Uptane 5.2.2).
pub(crate) fn parse_keys(fields: &Fields<'_>) -> Result<KeyTable, FormatError> {
    let object = fields.object("keys")?;
    if object.len() > MAX_KEYS {
        return Err(wrong(fields.at("keys"), "more keys than are read"));
    }
    let mut table = KeyTable::new();
    let mut identities = BTreeSet::new();
    for (listed, value) in object.iter() {
        let at = object.at(&listed.chars().take(70).collect::<String>());
        let refused = |source| FormatError::Key {
            at: at.clone(),
            source,
        };
        let computed = KeyId::of(value);
        if computed.as_str() != listed {
            return Err(refused(KeyError::WrongId {
                listed: listed.chars().take(70).collect(),
                computed,
            }));
        }
        let key = match PublicKey::from_value(value) {
            Ok(key) => Some(key),
            Err(KeyError::UnknownScheme(_)) => None,
            Err(source) => return Err(refused(source)),
        };
        if let Some(key) = &key
            && !identities.insert(key.identity())
        {
            return Err(wrong(at, "the same public key is listed under two ids"));
        }
        table.insert(computed, key);
    }
    Ok(table)
}

/// Reads `keyids` and `threshold` of one role against the key table of the same document.
pub(crate) fn parse_role_keys(
    entry: &Fields<'_>,
    name: &str,
    table: &KeyTable,
) -> Result<RoleKeys, FormatError> {
    let mut keys = KeyTable::new();
    for keyid in entry.array("keyids", MAX_KEYS)? {
        let keyid = keyid
            .as_str()
            .ok_or_else(|| wrong(entry.at("keyids"), "a list of key ids is expected"))?;
        let keyid = KeyId::new(keyid).map_err(|source| FormatError::Name {
            at: entry.at("keyids"),
            source,
        })?;
        let key = table.get(&keyid).ok_or_else(|| {
            wrong(
                entry.at("keyids"),
                "a key id is named that is not among the keys of the document",
            )
        })?;
        if keys.insert(keyid, key.clone()).is_some() {
            return Err(wrong(entry.at("keyids"), "a key id is named twice"));
        }
    }
    let threshold = entry
        .unsigned("threshold")
        .ok()
        .and_then(|n| u32::try_from(n).ok())
        .and_then(NonZeroU32::new)
        .ok_or_else(|| wrong(entry.at("threshold"), "an integer of at least 1 is expected"))?;
    Ok(RoleKeys::new(name, keys, threshold))
}

//! Targets: images by name, and delegations (TUF 4.5).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::document::{Common, FormatError, Role};
use crate::fields::{Fields, wrong};
use crate::hashes::Hashes;
pub use crate::ids::{DelegatedName, TargetPath};
use crate::root::{KeyTable, parse_keys, parse_role_keys};
use crate::threshold::RoleKeys;

/// Most targets in one document.
pub const MAX_TARGETS: usize = 131_072;
/// Most roles that one document may delegate to.
pub const MAX_DELEGATIONS: usize = 1024;

/// One image: length and hashes of its stored bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFile {
    /// Length, bytes.
    pub length: u64,
    /// Hashes.
    pub hashes: Hashes,
    /// The `custom` object, where there is one.
    pub custom: Option<Value>,
}

impl TargetFile {
    /// The SHA-256 that the stored object is named by. TUF does without, Sealift's repositories do not.
    ///
    /// # Errors
    /// [`FormatError`] if only SHA-512 is listed.
    pub fn object_digest(&self) -> Result<&[u8; 32], FormatError> {
        self.hashes
            .sha256()
            .ok_or_else(|| wrong("hashes.sha256", "the field is missing; objects are named by it"))
    }

    /// Writes the entry as TUF does.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut entry = json!({"length": self.length, "hashes": self.hashes.to_value()});
        if let Some(custom) = &self.custom {
            entry["custom"] = custom.clone();
        }
        entry
    }

    fn parse(fields: &Fields<'_>) -> Result<Self, FormatError> {
        let custom = match fields.optional("custom") {
            None => None,
            Some(custom @ Value::Object(_)) => Some(custom.clone()),
            Some(_) => return Err(wrong(fields.at("custom"), "an object is expected")),
        };
        Ok(Self {
            length: fields.unsigned("length")?,
            hashes: Hashes::parse(&fields.object("hashes")?)?,
            custom,
        })
    }
}

/// What a delegated role may sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathSet {
    /// Shell patterns over target paths; `*` and `?` stay within one segment.
    Patterns(Vec<String>),
    /// Prefixes of the hexadecimal SHA-256 of the target path.
    HashPrefixes(Vec<String>),
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

/// The signed part of a Targets document, top-level or delegated.
#[derive(Debug, Clone)]
pub struct Targets {
    common: Common,
    targets: BTreeMap<TargetPath, TargetFile>,
    delegations: Option<Delegations>,
    custom: Option<Value>,
}

impl Targets {
    /// All targets by path.
    #[must_use]
    pub const fn targets(&self) -> &BTreeMap<TargetPath, TargetFile> {
        &self.targets
    }

    /// One target.
    #[must_use]
    pub fn target(&self, path: &TargetPath) -> Option<&TargetFile> {
        self.targets.get(path)
    }

    /// The delegations, where the field is present.
    #[must_use]
    pub const fn delegations(&self) -> Option<&Delegations> {
        self.delegations.as_ref()
    }

    /// `signed.custom`.
    #[must_use]
    pub const fn custom(&self) -> Option<&Value> {
        self.custom.as_ref()
    }
}

impl Role for Targets {
    const TYPE: &'static str = "targets";

    fn parse(signed: &Value, common: Common) -> Result<Self, FormatError> {
        let fields = Fields::of(signed, "signed")?;
        let object = fields.object("targets")?;
        if object.len() > MAX_TARGETS {
            return Err(wrong("signed.targets", "more targets are listed than are read"));
        }
        let mut targets = BTreeMap::new();
        for (path, value) in object.iter() {
            let at = object.at(&path.chars().take(80).collect::<String>());
            let path = TargetPath::new(path.as_str()).map_err(|source| FormatError::Name {
                at: at.clone(),
                source,
            })?;
            targets.insert(path, TargetFile::parse(&Fields::of(value, at)?)?);
        }
        let delegations = match fields.optional("delegations") {
            None => None,
            Some(value) => Some(parse_delegations(&Fields::of(value, "signed.delegations")?)?),
        };
        let custom = match fields.optional("custom") {
            None => None,
            Some(custom @ Value::Object(_)) => Some(custom.clone()),
            Some(_) => return Err(wrong("signed.custom", "an object is expected")),
        };
        Ok(Self {
            common,
            targets,
            delegations,
            custom,
        })
    }

    fn common(&self) -> &Common {
        &self.common
    }
}

fn parse_delegations(fields: &Fields<'_>) -> Result<Delegations, FormatError> {
    let table = parse_keys(fields)?;
    let mut roles: Vec<DelegatedRole> = Vec::new();
    for entry in fields.array("roles", MAX_DELEGATIONS)? {
        let entry = Fields::of(entry, "signed.delegations.roles[]")?;
        let role = parse_delegated(&entry, &table)?;
        if roles.iter().any(|known| known.name == role.name) {
            return Err(wrong(entry.at("name"), "two delegations have the same role name"));
        }
        roles.push(role);
    }
    Ok(Delegations { roles })
}

fn parse_delegated(entry: &Fields<'_>, table: &KeyTable) -> Result<DelegatedRole, FormatError> {
    let name: DelegatedName = entry.name("name")?;
    let list = |field: &str| -> Result<Vec<String>, FormatError> {
        entry
            .array(field, MAX_DELEGATIONS)?
            .iter()
            .map(|item| match item.as_str() {
                Some(text) if text.len() <= 1024 => Ok(text.to_owned()),
                _ => Err(wrong(
                    entry.at(field),
                    "strings of at most 1024 bytes are expected",
                )),
            })
            .collect()
    };
    let paths = match (entry.optional("paths"), entry.optional("path_hash_prefixes")) {
        (Some(_), None) => PathSet::Patterns(list("paths")?),
        (None, Some(_)) => PathSet::HashPrefixes(list("path_hash_prefixes")?),
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

//! The documents of a repository as a lenient reader sees them, so that one client's refusal hides nothing from another's rules.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::role_file::percent_encoded;

/// The metadata files that clients meet, by the names under which they are served: every Root, the current others.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    files: BTreeMap<String, File>,
}

/// One file.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) bytes: Vec<u8>,
    /// `null` where it is no JSON at all.
    pub(super) value: Value,
}

/// An entry of a list or map of a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) file: &'a str,
    pub(super) name: &'a str,
    pub(super) value: &'a Value,
}

impl FromIterator<(String, Vec<u8>)> for Documents {
    fn from_iter<I: IntoIterator<Item = (String, Vec<u8>)>>(files: I) -> Self {
        let files = files.into_iter().map(|(name, bytes)| {
            let value = serde_json::from_slice(&bytes).unwrap_or_default();
            (name, File { bytes, value })
        });
        Self {
            files: files.collect(),
        }
    }
}

impl Documents {
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().map(|(name, file)| (name.as_str(), file))
    }

    /// The signed parts.
    pub(super) fn signed(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.files().map(|(name, file)| (name, &file.value["signed"]))
    }

    /// The signed parts of the documents of one top-level role.
    pub(super) fn of_role(&self, role: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.signed().filter(move |(name, _)| role_of(name) == role)
    }

    /// The signed parts of the Targets documents, top-level and delegated.
    pub(super) fn targets_documents(&self) -> impl Iterator<Item = (&str, &Value)> {
        let others = ["root", "timestamp", "snapshot"];
        self.signed()
            .filter(move |(name, _)| !others.contains(&role_of(name)))
    }

    /// Every key by its id, of Roots and of delegations.
    pub(super) fn keys(&self) -> impl Iterator<Item = Item<'_>> {
        self.signed().flat_map(|(file, signed)| {
            let keys = entries(&signed["keys"]).chain(entries(&signed["delegations"]["keys"]));
            keys.map(move |(name, value)| Item { file, name, value })
        })
    }

    /// Every target by its path.
    pub(super) fn targets(&self) -> impl Iterator<Item = Item<'_>> {
        self.targets_documents().flat_map(|(file, signed)| {
            entries(&signed["targets"]).map(move |(name, value)| Item { file, name, value })
        })
    }

    /// Every delegated role by its name.
    pub(super) fn delegated(&self) -> impl Iterator<Item = Item<'_>> {
        self.targets_documents().flat_map(|(file, signed)| {
            let roles = signed["delegations"]["roles"].as_array();
            roles.into_iter().flatten().map(move |value| Item {
                file,
                name: value["name"].as_str().unwrap_or_default(),
                value,
            })
        })
    }

    /// Whether the file of a delegated role is there, under any version.
    pub(super) fn has_role(&self, name: &str) -> bool {
        let encoded = percent_encoded(name);
        self.files.keys().any(|file| role_of(file) == encoded)
    }

    pub(super) fn has_file(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }
}

/// `targets` of `5.targets.json`.
pub(super) fn role_of(file: &str) -> &str {
    let name = file.strip_suffix(".json").unwrap_or(file);
    match name.split_once('.') {
        Some((version, role)) if version.bytes().all(|byte| byte.is_ascii_digit()) => role,
        _ => name,
    }
}

pub(super) fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let map = value.as_object().into_iter().flat_map(Map::iter);
    map.map(|(name, value)| (name.as_str(), value))
}

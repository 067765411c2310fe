//! Targets: names, hashes, lengths, `custom`.

use serde_json::{Map, Value};

use crate::preflight::documents::{Item, entries};
use crate::preflight::{Documents, Rule};

pub(in crate::preflight) static SHA256: Rule = Rule {
    id: "sha256",
    source: "tough 0.24.0, run: the field is required there",
    remedy: "list sha256 for every target; sha512 may stand beside it",
    find: |documents| targets_where(documents, |target| !target.value["hashes"]["sha256"].is_string()),
};

pub(in crate::preflight) static HASH_NAMES: Rule = Rule {
    id: "hash-names",
    source: "tuf-js 5 and go-tuf 2, run",
    remedy: "list sha256 and sha512 only",
    find: |documents| {
        targets_where(documents, |target| {
            entries(&target.value["hashes"]).any(|(name, _)| !["sha256", "sha512"].contains(&name))
        })
    },
};

pub(in crate::preflight) static CUSTOM: Rule = Rule {
    id: "custom",
    source: "tough 0.24.0, run: an empty custom is dropped before the signature is verified, another than an object not read",
    remedy: "give custom at least one field, or leave it out",
    find: |documents| {
        targets_where(documents, |target| match target.value.get("custom") {
            None => false,
            Some(custom) => custom.as_object().is_none_or(Map::is_empty),
        })
    },
};

pub(in crate::preflight) static NAME_IN_URL: Rule = Rule {
    id: "name-in-url",
    source: "six clients, run: the name becomes a part of the address as it is",
    remedy: "use target names of [A-Za-z0-9._/-] that do not begin with a slash",
    find: |documents| {
        targets_where(documents, |target| {
            target.name.starts_with('/') || target.name.contains(['%', '?', '#'])
        })
    },
};

pub(in crate::preflight) static NAME_IN_FOLDER: Rule = Rule {
    id: "name-in-folder",
    source: "tough 0.24.0, run: it asks for HASH.folder/file, all others for folder/HASH.file",
    remedy: "use target names without a slash, or serve the object under both names",
    find: |documents| targets_where(documents, |target| target.name.contains('/')),
};

pub(in crate::preflight) static LENGTH_50_MB: Rule = Rule {
    id: "length-50-mb",
    source: "sigstore-tuf 0.15.1: UpdaterConfig::target_max_length, by default",
    remedy: "raise target_max_length in the application that uses sigstore-tuf",
    find: |documents| {
        targets_where(documents, |target| {
            target.value["length"]
                .as_u64()
                .is_some_and(|length| length > 50_000_000)
        })
    },
};

pub(super) fn targets_where(documents: &Documents, broken: impl Fn(&Item<'_>) -> bool) -> Vec<String> {
    let found = documents.targets().filter(broken);
    found.map(|target| target.name.to_owned()).collect()
}

/// A field of `custom`.
pub(super) fn custom<'a>(target: &Item<'a>, field: &str) -> &'a Value {
    &target.value["custom"][field]
}

//! What aktualizr asks for and no TUF client does.

use serde_json::Value;

use super::documents_where;
use super::targets::{custom, targets_where};
use crate::preflight::Rule;
use crate::preflight::documents::{entries, role_of};

/// Said once: it is about the whole repository, and not to be had from one that TUF clients read.
pub(in crate::preflight) static DIALECT: Rule = Rule {
    id: "dialect",
    source: "aktualizr e5118a7, run: _type is Targets, Snapshot, Timestamp; every signature has a method and is base64",
    remedy: "serve aktualizr from a repository of its own dialect; Sealift does not write it",
    find: |documents| {
        let spelled = |name: &str, signed: &Value| {
            let found = signed["_type"].as_str().unwrap_or_default();
            match role_of(name) {
                "root" => found.eq_ignore_ascii_case("root"),
                "timestamp" => found == "Timestamp",
                "snapshot" => found == "Snapshot",
                _ => found == "Targets",
            }
        };
        let signed = |value: &Value| {
            let signatures = value["signatures"].as_array();
            signatures.is_some_and(|list| list.iter().all(|entry| entry["method"].is_string()))
        };
        let all = documents
            .files()
            .all(|(name, file)| spelled(name, &file.value["signed"]) && signed(&file.value));
        if all {
            Vec::new()
        } else {
            vec!["every document".to_owned()]
        }
    },
};

pub(in crate::preflight) static UNVERSIONED: Rule = Rule {
    id: "unversioned-names",
    source: "aktualizr e5118a7, run: it asks for snapshot.json and targets.json",
    remedy: "serve the current documents under their unversioned names too",
    find: |documents| {
        let names = ["snapshot.json", "targets.json"].into_iter();
        let absent = names.filter(|name| !documents.has_file(name));
        absent.map(str::to_owned).collect()
    },
};

pub(in crate::preflight) static KEY_TYPES: Rule = Rule {
    id: "key-types",
    source: "aktualizr e5118a7, run: a key of any other type refuses the whole root, even if no role has it",
    remedy: "use Ed25519 and RSA keys only",
    find: |documents| {
        let other = documents.keys().filter(|key| {
            let found = key.value["keytype"].as_str().unwrap_or_default();
            !["ed25519", "rsa"]
                .iter()
                .any(|known| found.eq_ignore_ascii_case(known))
        });
        other.map(|key| format!("{}: {}", key.file, key.name)).collect()
    },
};

pub(in crate::preflight) static VERSIONS: Rule = Rule {
    id: "version-31-bit",
    source: "aktualizr e5118a7, run",
    remedy: "keep versions below 2^31",
    find: |documents| {
        documents_where(documents, |signed| {
            signed["version"]
                .as_u64()
                .is_none_or(|version| version > 0x7fff_ffff)
        })
    },
};

pub(in crate::preflight) static ASCII: Rule = Rule {
    id: "ascii-form",
    source: "aktualizr e5118a7, run: it signs another canonical form, with \\u escapes and \\n",
    remedy: "use ASCII without control characters, and Ed25519 keys, which have no line breaks",
    find: |documents| {
        let plain = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let other = |value: &Value| match value {
            Value::String(text) => !plain(text),
            Value::Object(map) => map.keys().any(|name| !plain(name)),
            _ => false,
        };
        documents_where(documents, |signed| super::anywhere(signed, &other))
    },
};

pub(in crate::preflight) static TIMESTAMP_META: Rule = Rule {
    id: "timestamp-meta",
    source: "aktualizr e5118a7, run",
    remedy: "list version, length and hashes of the Snapshot in the Timestamp",
    find: |documents| {
        let found = documents.of_role("timestamp").filter(|(_, signed)| {
            let snapshot = &signed["meta"]["snapshot.json"];
            !snapshot["length"].is_u64() || entries(&snapshot["hashes"]).next().is_none()
        });
        found.map(|(name, _)| name.to_owned()).collect()
    },
};

pub(in crate::preflight) static HARDWARE_IDS: Rule = Rule {
    id: "hardware-ids",
    source: "aktualizr e5118a7, run",
    remedy: "list the hardware in custom.hardwareIds of the target",
    find: |documents| targets_where(documents, |target| !custom(target, "hardwareIds").is_array()),
};

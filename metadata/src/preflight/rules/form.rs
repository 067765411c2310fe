//! The form of whole documents.

use serde_json::Value;
use unicode_normalization::is_nfc;

use super::{anywhere, documents_where};
use crate::fields::parse_instant;
use crate::preflight::Rule;
use crate::preflight::documents::role_of;

pub(in crate::preflight) static TYPE: Rule = Rule {
    id: "type",
    source: "TUF 1.0.34, 4.3 to 4.6",
    remedy: "write _type as root, timestamp, snapshot or targets, in lower case",
    find: |documents| {
        let expected = |name: &str| match role_of(name) {
            role @ ("root" | "timestamp" | "snapshot") => role.to_owned(),
            _ => "targets".to_owned(),
        };
        let wrong = documents
            .signed()
            .filter(|(name, signed)| signed["_type"] != expected(name).as_str());
        wrong.map(|(name, _)| name.to_owned()).collect()
    },
};

pub(in crate::preflight) static SPEC_VERSION: Rule = Rule {
    id: "spec-version",
    source: "TUF 1.0.34, 4.3: SPEC_VERSION",
    remedy: "write spec_version 1.0.0, or another of major version 1",
    find: |documents| {
        documents_where(documents, |signed| {
            signed["spec_version"]
                .as_str()
                .is_none_or(|text| text.split('.').next() != Some("1"))
        })
    },
};

pub(in crate::preflight) static EXPIRES: Rule = Rule {
    id: "expires",
    source: "TUF 1.0.34, 4.2.2; python-tuf 7 and aktualizr read no other form, run",
    remedy: "write expires as YYYY-MM-DDTHH:MM:SSZ",
    find: |documents| {
        documents_where(documents, |signed| {
            instant(signed).and_then(parse_instant).is_none()
        })
    },
};

pub(in crate::preflight) static EXPIRES_REWRITTEN: Rule = Rule {
    id: "expires-rewritten",
    source: "tough 0.24.0, run: it writes the time again to verify, with Z and 0, 3, 6 or 9 digits of a second",
    remedy: "write expires as YYYY-MM-DDTHH:MM:SSZ",
    find: |documents| {
        documents_where(documents, |signed| {
            instant(signed).is_none_or(|text| {
                let plain = match text.split_once('.') {
                    None => text.to_owned(),
                    Some((seconds, rest)) => {
                        let digits = rest.strip_suffix('Z').unwrap_or_default();
                        let written = matches!(digits.len(), 3 | 6 | 9)
                            && digits.bytes().all(|byte| byte.is_ascii_digit());
                        if written {
                            format!("{seconds}Z")
                        } else {
                            String::new()
                        }
                    }
                };
                parse_instant(&plain).is_none()
            })
        })
    },
};

pub(in crate::preflight) static CONSISTENT_SNAPSHOT: Rule = Rule {
    id: "consistent-snapshot",
    source: "TUF 1.0.34, 6.2: without it clients ask for snapshot.json and targets.json, which are not written here",
    remedy: "publish a root with consistent_snapshot true",
    find: |documents| {
        let roots = documents.of_role("root");
        roots
            .filter(|(_, signed)| signed["consistent_snapshot"] != true)
            .map(|(name, _)| name.to_owned())
            .collect()
    },
};

pub(in crate::preflight) static ROOT_ROLES: Rule = Rule {
    id: "root-roles",
    source: "python-tuf 7 and tough 0.24.0, run",
    remedy: "list root, timestamp, snapshot and targets in the root, and no other role",
    find: |documents| {
        let four = |signed: &Value| {
            let names = signed["roles"].as_object().map(|roles| roles.keys());
            names.is_some_and(|names| names.eq(["root", "snapshot", "targets", "timestamp"]))
        };
        let roots = documents.of_role("root").filter(|(_, signed)| !four(signed));
        roots.map(|(name, _)| name.to_owned()).collect()
    },
};

pub(in crate::preflight) static FLOATS: Rule = Rule {
    id: "floats",
    source: "TUF 1.0.34, 4.2.1: canonical JSON has integers only; six clients, run",
    remedy: "write the number as a string, or as an integer of a smaller unit",
    find: |documents| documents_where(documents, |signed| anywhere(signed, &Value::is_f64)),
};

pub(in crate::preflight) static BIG_INTEGERS: Rule = Rule {
    id: "big-integers",
    source: "tuf-js 5, run: numbers are doubles there",
    remedy: "keep integers within 2^53-1, or write them as strings",
    find: |documents| {
        const EXACT: u64 = (1 << 53) - 1;
        let big = |value: &Value| match (value.as_u64(), value.as_i64()) {
            (Some(number), _) => number > EXACT,
            (None, Some(number)) => number.unsigned_abs() > EXACT,
            (None, None) => false,
        };
        documents_where(documents, |signed| anywhere(signed, &big))
    },
};

pub(in crate::preflight) static DUPLICATE_SIGNATURES: Rule = Rule {
    id: "duplicate-signatures",
    source: "TUF 1.0.34, 4.2.1",
    remedy: "keep one signature of each key",
    find: |documents| {
        let twice = |value: &Value| {
            let signatures = value["signatures"].as_array();
            let mut ids: Vec<_> = signatures
                .into_iter()
                .flatten()
                .filter_map(|entry| entry["keyid"].as_str())
                .collect();
            ids.sort_unstable();
            ids.windows(2).any(|pair| pair[0] == pair[1])
        };
        let found = documents.files().filter(|(_, file)| twice(&file.value));
        found.map(|(name, _)| name.to_owned()).collect()
    },
};

pub(in crate::preflight) static OLPC_FORM: Rule = Rule {
    id: "olpc-form",
    source: "tough 0.24.0, run: olpc-cjson 0.1.4 sorts names with their quotes and turns every string into NFC",
    remedy: "use names of [A-Za-z0-9._/-] only, and strings in NFC",
    find: |documents| {
        documents_where(documents, |signed| {
            let quoted = |name: &str| name.replace('\\', "\\\\").replace('"', "\\\"") + "\"";
            anywhere(signed, &|value| sorts_otherwise(value, &quoted) || not_nfc(value))
        })
    },
};

pub(in crate::preflight) static UTF16_ORDER: Rule = Rule {
    id: "utf16-order",
    source: "tuf-js 5, run: it sorts names by UTF-16 code units",
    remedy: "use names of [A-Za-z0-9._/-] only",
    find: |documents| {
        documents_where(documents, |signed| {
            let utf16 = |name: &str| name.encode_utf16().collect::<Vec<_>>();
            anywhere(signed, &|value| sorts_otherwise(value, &utf16))
        })
    },
};

fn instant(signed: &Value) -> Option<&str> {
    signed["expires"].as_str()
}

/// Whether the names of an object come in another order under `key` than by code point.
fn sorts_otherwise<K: Ord>(value: &Value, key: &impl Fn(&str) -> K) -> bool {
    let Some(map) = value.as_object() else {
        return false;
    };
    let mut names: Vec<&str> = map.keys().map(String::as_str).collect();
    names.sort_unstable();
    !names.is_sorted_by_key(|name| key(name))
}

fn not_nfc(value: &Value) -> bool {
    match value {
        Value::String(text) => !is_nfc(text),
        Value::Object(map) => map.keys().any(|name| !is_nfc(name)),
        _ => false,
    }
}

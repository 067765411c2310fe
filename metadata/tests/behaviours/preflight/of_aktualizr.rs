//! The rules of aktualizr alone, over a repository in its dialect.

use serde_json::json;

use super::broken::Case;

/// Each rule and what breaks it.
pub(crate) const CASES: &[Case] = &[
    Case {
        rule: "dialect",
        also: &[],
        change: |parts| parts.role("targets")["_type"] = "targets".into(),
    },
    Case {
        rule: "expires",
        also: &[],
        change: |parts| parts.role("targets")["expires"] = "2037-01-01T00:00:00.125Z".into(),
    },
    Case {
        rule: "duplicate-signatures",
        also: &[],
        change: |parts| parts.signed_twice = Some("targets".to_owned()),
    },
    Case {
        rule: "key-types",
        also: &[],
        change: |parts| parts.spare_key("ECDSA", "ecdsa-sha2-nistp256", "04"),
    },
    Case {
        rule: "key-pkcs1",
        also: &[],
        change: |parts| parts.spare_key("RSA", "rsassa-pss-sha256", "-----BEGIN RSA PUBLIC KEY-----"),
    },
    Case {
        rule: "version-31-bit",
        also: &[],
        change: |parts| parts.role("targets")["version"] = (1_u64 << 31).into(),
    },
    Case {
        rule: "ascii-form",
        also: &[],
        change: |parts| parts.target("app.img")["custom"]["name"] = "caf\u{e9}".into(),
    },
    Case {
        rule: "timestamp-meta",
        also: &[],
        change: |parts| {
            parts.role("timestamp")["meta"] = json!({"snapshot.json": {"version": 1, "length": 5}})
        },
    },
    Case {
        rule: "hardware-ids",
        also: &[],
        change: |parts| parts.target("app.img")["custom"] = json!({"other": 1}),
    },
    Case {
        rule: "hash-prefixes",
        also: &[],
        change: |parts| {
            let role = parts.delegate("targets", "supplier").as_object_mut().unwrap();
            role.remove("paths");
            role.insert("path_hash_prefixes".to_owned(), json!(["00"]));
        },
    },
    Case {
        rule: "role-name-plain",
        also: &[],
        change: |parts| parts.promise("targets", "team a"),
    },
    Case {
        rule: "star",
        also: &[],
        change: |parts| parts.delegate("targets", "supplier")["paths"] = json!(["*.bin"]),
    },
];

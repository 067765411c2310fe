//! Delegated roles.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::preflight::documents::{Item, entries};
use crate::preflight::{Documents, Rule};

pub(in crate::preflight) static TERMINATING: Rule = Rule {
    id: "terminating",
    source: "TUF 1.0.34, 4.5; python-tuf 7, tuf-js 5 and tough 0.24.0: the field is required there",
    remedy: "write terminating for every delegated role, true or false",
    find: |documents| roles_where(documents, |role| !role.value["terminating"].is_boolean()),
};

pub(in crate::preflight) static FIELDS: Rule = Rule {
    id: "delegation-fields",
    source: "tough 0.24.0, run: what it does not know there is lost before the signature is verified",
    remedy: "put what the specification does not name under signed.custom, never into delegations",
    find: |documents| {
        const OF_DELEGATIONS: [&str; 3] = ["keys", "roles", "succinct_roles"];
        const OF_A_ROLE: [&str; 6] = [
            "name",
            "keyids",
            "threshold",
            "paths",
            "path_hash_prefixes",
            "terminating",
        ];
        let other = |value: &Value, known: &[&str]| entries(value).any(|(name, _)| !known.contains(&name));
        let mut found = roles_where(documents, |role| other(role.value, &OF_A_ROLE));
        let lists = documents.targets_documents();
        let lists = lists.filter(|(_, signed)| other(&signed["delegations"], &OF_DELEGATIONS));
        found.extend(lists.map(|(name, _)| name.to_owned()));
        found
    },
};

pub(in crate::preflight) static SUCCINCT: Rule = Rule {
    id: "succinct-roles",
    source: "tough 0.24.0, run; sigstore-tuf 0.15.1 passes over the field",
    remedy: "delegate to named roles with path_hash_prefixes instead (TAP 15 is not everywhere)",
    find: |documents| {
        let found = documents.targets_documents();
        let found = found.filter(|(_, signed)| signed["delegations"]["succinct_roles"].is_object());
        found.map(|(name, _)| name.to_owned()).collect()
    },
};

pub(in crate::preflight) static STAR: Rule = Rule {
    id: "star",
    source: "tough 0.24.0 and aktualizr e5118a7, run: * matches a slash there",
    remedy: "remember that such a client believes the role about sub-folders too; write names out where that matters",
    find: |documents| {
        roles_where(documents, |role| {
            patterns(role).any(|pattern| pattern.contains('*'))
        })
    },
};

pub(in crate::preflight) static BRACES: Rule = Rule {
    id: "braces",
    source: "tough 0.24.0, run: {a,b} is a choice there, a literal elsewhere",
    remedy: "write one pattern for each choice, of literals, * and ? only",
    find: |documents| {
        roles_where(documents, |role| {
            patterns(role).any(|pattern| pattern.contains(['{', '}']))
        })
    },
};

pub(in crate::preflight) static HASH_PREFIXES: Rule = Rule {
    id: "hash-prefixes",
    source: "go-tuf 2, run: it compares the prefix with base64; aktualizr has no path_hash_prefixes, run",
    remedy: "delegate by paths to roles that such clients are to find targets in",
    find: |documents| roles_where(documents, |role| role.value["path_hash_prefixes"].is_array()),
};

pub(in crate::preflight) static NAME_WITH_SLASH: Rule = Rule {
    id: "role-name-slash",
    source: "six clients, run: it is %2F in the address, which file servers decode",
    remedy: "use role names of [A-Za-z0-9._-]",
    find: |documents| roles_where(documents, |role| role.name.contains('/')),
};

pub(in crate::preflight) static NAME_PLAIN: Rule = Rule {
    id: "role-name-plain",
    source: "aktualizr e5118a7, run: the name becomes a part of the address as it is",
    remedy: "use role names of [A-Za-z0-9._-]",
    find: |documents| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        roles_where(documents, |role| !role.name.bytes().all(plain))
    },
};

pub(in crate::preflight) static ABSENT: Rule = Rule {
    id: "delegated-absent",
    source: "tough 0.24.0, run: it loads every delegated role before any target is asked for",
    remedy: "publish the role's document, or withdraw the delegation",
    find: |documents| {
        roles_where(documents, |role| {
            is_listed(documents, role.name) && !documents.has_role(role.name)
        })
    },
};

pub(in crate::preflight) static UNLISTED: Rule = Rule {
    id: "delegated-unlisted",
    source: "tough 0.24.0, run: the siblings of a role that the Snapshot does not list vanish",
    remedy: "publish the role's document, or withdraw the delegation",
    find: |documents| roles_where(documents, |role| !is_listed(documents, role.name)),
};

pub(in crate::preflight) static DIAMOND: Rule = Rule {
    id: "diamond",
    source: "tough 0.24.0, run: a role that is delegated different paths from two places is held to either's alone",
    remedy: "delegate to each role from one place only",
    find: |documents| {
        let mut paths = BTreeMap::<&str, BTreeSet<String>>::new();
        for role in documents.delegated() {
            let of = |field: &str| role.value[field].to_string();
            let edge = of("paths") + &of("path_hash_prefixes");
            paths.entry(role.name).or_default().insert(edge);
        }
        let twice = paths.into_iter().filter(|(_, edges)| edges.len() > 1);
        twice.map(|(name, _)| name.to_owned()).collect()
    },
};

pub(in crate::preflight) static MANY: Rule = Rule {
    id: "many-roles",
    source: "tough 0.24.0, run: every delegated role is fetched for every target, one request each",
    remedy: "none in the repository; such a client makes that many requests",
    find: |documents| match documents.delegated().count() {
        0..=32 => Vec::new(),
        count => vec![format!("{count} delegated roles")],
    },
};

fn is_listed(documents: &Documents, role: &str) -> bool {
    let line = format!("{role}.json");
    documents
        .of_role("snapshot")
        .any(|(_, signed)| signed["meta"][&line].is_object())
}

fn patterns<'a>(role: &Item<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    let patterns = role.value["paths"].as_array().into_iter().flatten();
    patterns.filter_map(Value::as_str)
}

fn roles_where(documents: &Documents, broken: impl Fn(&Item<'_>) -> bool) -> Vec<String> {
    let found = documents.delegated().filter(broken);
    found
        .map(|role| format!("{}: {}", role.file, role.name))
        .collect()
}

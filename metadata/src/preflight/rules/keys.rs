//! Keys, of the root and of delegations.

use serde_json::Value;

use crate::keys::KeyId;
use crate::preflight::documents::Item;
use crate::preflight::{Documents, Rule};

pub(in crate::preflight) static KEY_ID: Rule = Rule {
    id: "key-id",
    source: "TUF 1.0.34, 4.3: KEYID is the SHA-256 of the canonical key; tough 0.24.0 computes it over every field, run",
    remedy: "list the key under the SHA-256 of its canonical form with all its fields, and add no fields to keys",
    find: |documents| keys_where(documents, |key| KeyId::of(key.value).as_str() != key.name),
};

pub(in crate::preflight) static SCHEME: Rule = Rule {
    id: "key-scheme",
    source: "tough 0.24.0, run: its list of schemes is closed; sealift and sigstore-tuf count such a key for nothing",
    remedy: "use ed25519, ecdsa-sha2-nistp256 or rsassa-pss-sha256",
    find: |documents| keys_where(documents, |key| !COMMON.contains(&kind(key.value))),
};

pub(in crate::preflight) static SCHEME_UNKNOWN: Rule = Rule {
    id: "key-scheme-unknown",
    source: "python-tuf 7 with securesystemslib 1.4, and go-tuf 2: a pair of keytype and scheme that they do not know",
    remedy: "use ed25519, ecdsa-sha2-nistp256 or rsassa-pss-sha256",
    find: |documents| {
        keys_where(documents, |key| {
            let kind = kind(key.value);
            !COMMON.contains(&kind) && !KNOWN_TO_SECURESYSTEMSLIB.contains(&kind)
        })
    },
};

pub(in crate::preflight) static HEX_POINT: Rule = Rule {
    id: "key-hex-point",
    source: "python-tuf 7, go-tuf 2 and sigstore-tuf 0.15, run: an ECDSA key is PEM there",
    remedy: "write the ECDSA key as PEM (BEGIN PUBLIC KEY); its key id changes with it",
    find: |documents| {
        keys_where(documents, |key| {
            kind(key.value).1 == "ecdsa-sha2-nistp256" && !public(key.value).starts_with("-----BEGIN")
        })
    },
};

pub(in crate::preflight) static PKCS1: Rule = Rule {
    id: "key-pkcs1",
    source: "aktualizr e5118a7, run",
    remedy: "write the RSA key as SubjectPublicKeyInfo (BEGIN PUBLIC KEY); its key id changes with it",
    find: |documents| {
        keys_where(documents, |key| {
            public(key.value).contains("BEGIN RSA PUBLIC KEY")
        })
    },
};

/// Every client of the list has these.
const COMMON: [(&str, &str); 4] = [
    ("ed25519", "ed25519"),
    ("ecdsa", "ecdsa-sha2-nistp256"),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
    ("rsa", "rsassa-pss-sha256"),
];

const KNOWN_TO_SECURESYSTEMSLIB: [(&str, &str); 5] = [
    ("ecdsa", "ecdsa-sha2-nistp384"),
    ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
    ("rsa", "rsassa-pss-sha384"),
    ("rsa", "rsassa-pss-sha512"),
    ("rsa", "rsa-pkcs1v15-sha256"),
];

fn keys_where(documents: &Documents, broken: impl Fn(&Item<'_>) -> bool) -> Vec<String> {
    let found = documents.keys().filter(broken);
    found.map(|key| format!("{}: {}", key.file, key.name)).collect()
}

fn kind(key: &Value) -> (&str, &str) {
    let text = |field: &str| key[field].as_str().unwrap_or_default();
    (text("keytype"), text("scheme"))
}

fn public(key: &Value) -> &str {
    key["keyval"]["public"].as_str().unwrap_or_default()
}

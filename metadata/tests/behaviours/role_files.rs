//! What the files of delegated roles are called.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use proptest::prelude::*;
use sealift_metadata::{DelegatedName, Document, RoleFile, Signer as _, Targets};
use serde_json::json;

use crate::common::*;

fn file(name: &str) -> RoleFile {
    RoleFile::Delegated(DelegatedName::new(name).unwrap())
}

/// U-5.2.7-4: role names are taken as they come, and encoded in URLs and file names.
#[test]
fn odd_role_names_are_encoded() {
    for (name, requested) in [
        ("supplier-a", "3.supplier-a.json"),
        ("?", "3.%3F.json"),
        ("#", "3.%23.json"),
        ("/delegatedrole", "3.%2Fdelegatedrole.json"),
        ("../delegatedrole", "3...%2Fdelegatedrole.json"),
        ("a b%", "3.a%20b%25.json"),
        ("r\u{f6}le~", "3.r%C3%B6le~.json"),
        ("..", "3....json"),
    ] {
        assert_eq!(file(name).requested(Some(3)), requested);
        assert_eq!(file(name).requested(None), requested[2..]);
        assert_eq!(file(name).stored(), requested[2..]);
        assert_eq!(file(name).listed(), format!("{name}.json"));
    }
}

/// T-4.5-2: a document may delegate to such a role; only a reserved name, or one that makes no file name, is refused.
#[test]
fn odd_role_names_are_read() {
    let public = key(81).public().clone();
    let read = |name: &str| {
        let role = json!({
            "name": name, "keyids": [public.keyid().as_str()], "threshold": 1, "terminating": false, "paths": ["*"],
        });
        let signed = json!({
            "_type": "targets", "spec_version": "1.0.0", "version": 1, "expires": EXPIRES, "targets": {},
            "delegations": {"keys": {public.keyid().as_str(): public.to_value()}, "roles": [role]},
        });
        Document::<Targets>::parse(json!({"signed": signed, "signatures": []}).to_string().as_bytes())
            .map(|document| document.role().delegations().unwrap().roles[0].name.to_string())
    };
    let wide = "\u{20ac}".repeat(24);
    for good in [
        "?",
        "#",
        "/delegatedrole",
        "../delegatedrole",
        "\\",
        ".hidden",
        &wide,
        &"a".repeat(128),
    ] {
        assert_eq!(read(good).unwrap(), *good);
    }
    let too_wide = "\u{20ac}".repeat(25);
    for bad in [
        "",
        "root",
        "timestamp",
        "snapshot",
        "targets",
        "a\0",
        "a\nb",
        &too_wide,
        &"a".repeat(129),
    ] {
        assert!(read(bad).is_err(), "{bad:?}");
    }
}

proptest! {
    /// U-5.2.7-4: whatever the name, its file is one segment below the directory, and fits.
    #[test]
    fn no_role_leaves_the_directory(name in "[ -~]{1,128}") {
        prop_assume!(DelegatedName::new(name.as_str()).is_ok());
        let stored = file(&name).stored();
        let parts: Vec<_> = Path::new(&stored).components().collect();
        prop_assert_eq!(parts, [Component::Normal(stored.as_ref())]);
        prop_assert!(!stored.contains('\\'));
        prop_assert!(file(&name).requested(Some((1 << 53) - 1)).len() <= 255);
    }

    /// U-5.2.7-4: no two roles share a file.
    #[test]
    fn every_role_has_its_own_file(names in prop::collection::btree_set("[%./2Fa]{1,4}", 2..40)) {
        let files: BTreeSet<_> = names.iter().map(|name| file(name).stored()).collect();
        prop_assert_eq!(files.len(), names.len());
    }
}

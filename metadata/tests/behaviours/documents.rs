//! The common structure of role documents, one bent field at a time.

use sealift_metadata::delegation::PathSet;
use sealift_metadata::root::RoleName;
use sealift_metadata::{Document, FormatError, Root, Signer as _, Targets};
use serde_json::{Value, json};

use crate::common::{EXPIRES, Repo, image_entry, key, path, sealed_profile};

fn timestamp_with(change: impl FnOnce(&mut Value)) -> Repo {
    let mut repo = Repo::new();
    change(repo.doc(RoleName::Timestamp));
    repo.publish_timestamp();
    repo
}

fn targets_with(change: impl FnOnce(&mut Value)) -> Repo {
    let mut repo = Repo::new();
    change(repo.doc(RoleName::Targets));
    repo.publish();
    repo
}

/// U-5.2.1-3: type, expiry, version and body are each required.
#[test]
fn every_common_field_is_required() {
    for field in ["_type", "expires", "version", "meta", "spec_version"] {
        let repo = timestamp_with(|doc| {
            doc.as_object_mut().unwrap().remove(field);
        });
        assert_eq!(repo.client().refused(&repo.files), "malformed", "{field}");
    }
}

/// U-5.2.1-2: a payload and a list of signatures that name their keys.
#[test]
fn payload_and_signatures_are_required() {
    let repo = Repo::new();
    let good: Value = serde_json::from_slice(&repo.files["timestamp.json"]).unwrap();
    let mut bent = Vec::new();
    for field in ["signed", "signatures"] {
        let mut value = good.clone();
        value.as_object_mut().unwrap().remove(field);
        bent.push(value);
    }
    for field in ["keyid", "sig"] {
        let mut value = good.clone();
        value["signatures"][0].as_object_mut().unwrap().remove(field);
        bent.push(value);
    }
    bent.extend([json!([]), json!("x"), json!({"signed": [], "signatures": []})]);
    for value in bent {
        let mut repo = Repo::new();
        repo.files
            .insert("timestamp.json".into(), value.to_string().into_bytes());
        assert_eq!(repo.client().refused(&repo.files), "malformed", "{value}");
    }
}

/// U-5.2.1-5: a file of another role under this name, even when one key signs both.
#[test]
fn roles_are_not_confused() {
    let mut repo = Repo::new();
    repo.rotate(|repo| repo.signers.values_mut().for_each(|keys| keys[0] = 1));
    repo.publish();
    let timestamp = repo.files["timestamp.json"].clone();
    repo.files.insert("3.root.json".into(), timestamp.clone());
    assert_eq!(
        repo.client().refusal(&repo.files),
        ("3.root.json".into(), "signature")
    );
    repo.files.remove("3.root.json");
    let snapshot = repo.files["1.snapshot.json"].clone();
    repo.files.insert("timestamp.json".into(), snapshot);
    assert_eq!(
        repo.client().refusal(&repo.files),
        ("timestamp.json".into(), "signature")
    );
}

/// T-4.3-1: major version 1 of the specification, whatever the rest.
#[test]
fn other_major_versions_are_refused() {
    for good in ["1.0", "1.0.0", "1.0.34", "1.99.0"] {
        let repo = timestamp_with(|doc| doc["spec_version"] = good.into());
        repo.client().refresh(&repo.files).unwrap();
    }
    for bad in ["2.0.0", "0.9.0", "1", "10.0.0", "1.x", "", "1.0.0.0", "01.0"] {
        let repo = timestamp_with(|doc| doc["spec_version"] = bad.into());
        assert_eq!(repo.client().refused(&repo.files), "malformed", "{bad}");
    }
}

/// T-4.3-3: versions from 1 to 2^53-1.
#[test]
fn versions_are_positive_integers() {
    for bad in [
        json!(0),
        json!(-1),
        json!(1u64 << 53),
        json!("1"),
        json!(null),
        json!([1]),
    ] {
        let repo = timestamp_with(|doc| doc["version"] = bad.clone());
        assert_eq!(repo.client().refused(&repo.files), "malformed", "{bad}");
    }
    let repo = timestamp_with(|doc| doc["version"] = json!((1u64 << 53) - 1));
    repo.client().refresh(&repo.files).unwrap();
}

/// T-4.2.3-1: one spelling of instants.
#[test]
fn instants_have_one_spelling() {
    for bad in [
        "2027-01-01T00:00:00",
        "2027-01-01T00:00:00+00:00",
        "2027-01-01T00:00:00.5Z",
        "2027-01-01 00:00:00Z",
        "2027-01-01t00:00:00z",
        "10000-01-01T00:00:00Z",
        "2027-13-01T00:00:00Z",
        "2027-02-30T00:00:00Z",
        "2027-01-01T24:00:00Z",
        "2027-01-01T00:00:60Z",
        "+027-01-01T00:00:00Z",
        "",
    ] {
        let repo = timestamp_with(|doc| doc["expires"] = bad.into());
        assert_eq!(repo.client().refused(&repo.files), "malformed", "{bad}");
    }
}

/// T-4-1: fields that nobody knows are covered by the signature and survive.
#[test]
fn unknown_fields_survive() {
    let mut repo = Repo::new();
    for role in RoleName::ALL {
        repo.doc(role)["x-future"] = json!({"nested": [1, "two"]});
    }
    repo.serve_root(&[]);
    repo.put("a.img", {
        let mut entry = image_entry(&sealed_profile());
        entry["x-note"] = "kept".into();
        entry
    });
    repo.publish();
    let trusted = repo.client().refresh(&repo.files).unwrap();
    assert_eq!(trusted.root().signed()["x-future"], json!({"nested": [1, "two"]}));
    assert_eq!(trusted.targets().signed()["targets"]["a.img"]["x-note"], "kept");
    let text = String::from_utf8(repo.files["timestamp.json"].clone()).unwrap();
    repo.files
        .insert("timestamp.json".into(), text.replace("two", "2wo").into_bytes());
    assert_eq!(repo.client().refused(&repo.files), "signature", "and are covered");
}

/// T-4.3-5, U-5.2.2-1: a root names all four roles.
#[test]
fn a_root_names_all_roles() {
    for role in RoleName::ALL {
        let mut repo = Repo::new();
        repo.set_version(RoleName::Root, 2);
        repo.doc(RoleName::Root)["roles"]
            .as_object_mut()
            .unwrap()
            .remove(role.as_str());
        repo.serve_root(&[]);
        assert_eq!(repo.client().refused(&repo.files), "malformed", "{role}");
    }
}

/// U-5.2.7-4: names that could leave a directory, validly signed.
#[test]
fn escaping_names_are_refused() {
    let long = "a/".repeat(600) + "a";
    for bad in [
        "../x", "a/../x", "/etc/x", "a//b", "a/", "./x", "..%2fx", "C:\\x", "a b", "a\u{0}b", "é", "", &long,
        "a/...",
    ] {
        let repo = targets_with(|doc| doc["targets"] = json!({bad: image_entry(&sealed_profile())}));
        assert_eq!(repo.client().refused(&repo.files), "invalid_name", "{bad:?}");
    }
}

/// U-5.2.7-3: the stored name carries the hash before the last segment.
#[test]
fn store_names_carry_the_hash() {
    let hash = "ab".repeat(32);
    assert_eq!(
        path("a/b/fw.img").store_name(&[0xab; 32]),
        format!("a/b/{hash}.fw.img")
    );
    assert_eq!(path("fw.img").store_name(&[0xab; 32]), format!("{hash}.fw.img"));
}

/// Targets entries: what must be there and of which form.
#[test]
fn target_entries_are_checked() {
    type Bend = fn(&mut Value);
    let bends: [Bend; 8] = [
        |entry| entry["length"] = json!(-1),
        |entry| entry["length"] = json!(null),
        |entry| entry["hashes"] = json!({}),
        |entry| entry["hashes"] = json!({"sha512": "00".repeat(32)}),
        |entry| entry["hashes"]["sha256"] = "AB".repeat(32).into(),
        |entry| entry["hashes"]["sha256"] = "ab".into(),
        |entry| entry["custom"] = json!(null),
        |entry| entry["custom"] = json!([1]),
    ];
    for bend in bends {
        let mut entry = image_entry(&sealed_profile());
        bend(&mut entry);
        let repo = targets_with(|doc| doc["targets"] = json!({"a.img": entry}));
        assert_eq!(repo.client().refused(&repo.files), "malformed", "{entry}");
    }
}

/// Delegations are read and kept.
#[test]
fn delegations_are_read() {
    let public = key(81).public().clone();
    let role = |name: &str, extra: Value| {
        let mut role =
            json!({"name": name, "keyids": [public.keyid().as_str()], "threshold": 1, "terminating": true});
        role.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        role
    };
    let document = |roles: Value| {
        let signed = json!({
            "_type": "targets", "spec_version": "1.0.0", "version": 1, "expires": EXPIRES, "targets": {},
            "delegations": {"keys": {public.keyid().as_str(): public.to_value()}, "roles": roles},
        });
        Document::<Targets>::parse(json!({"signed": signed, "signatures": []}).to_string().as_bytes())
    };
    let parsed = document(json!([
        role("a", json!({"paths": ["a/*"]})),
        role("b", json!({"path_hash_prefixes": ["00"]})),
    ]))
    .unwrap();
    let delegations = parsed.role().delegations().unwrap();
    assert_eq!(delegations.roles[0].name.as_str(), "a");
    assert_eq!(
        delegations.roles[1].paths,
        PathSet::HashPrefixes(vec!["00".into()])
    );
    for bad in [
        json!([role("a", json!({"paths": []})), role("a", json!({"paths": []}))]),
        json!([role("root", json!({"paths": []}))]),
        json!([role("", json!({"paths": []}))]),
        json!([role("a", json!({}))]),
        json!([role("a", json!({"paths": [], "path_hash_prefixes": []}))]),
        json!([role("a", json!({"paths": [], "threshold": 0}))]),
        json!([role("a", json!({"paths": [], "keyids": ["00"]}))]),
    ] {
        assert!(document(bad.clone()).is_err(), "{bad}");
    }
}

/// An unverified document of another type is refused by its type.
#[test]
fn the_type_decides() {
    let repo = Repo::new();
    let error = Document::<Root>::parse(&repo.files["timestamp.json"]).unwrap_err();
    assert!(matches!(error, FormatError::WrongRole { expected: "root", .. }));
}

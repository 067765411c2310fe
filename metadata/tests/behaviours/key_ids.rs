//! Keys in documents: their ids, their kinds, and what is too weak.

use sealift_metadata::root::RoleName;
use sealift_metadata::signer::{FileSigner, Signer as _};
use sealift_metadata::{KeyId, KeyType, PublicKey};
use serde_json::{Value, json};

use crate::common::{Repo, SeededRng, key};

fn root_with_key(keyid: &str, value: Value) -> Repo {
    let mut repo = Repo::new();
    repo.set_version(RoleName::Root, 2);
    repo.doc(RoleName::Root)["keys"][keyid] = value;
    repo.serve_root(&[]);
    repo
}

/// T-4.3-6: every id is recomputed from the key object.
#[test]
fn a_key_under_a_wrong_id_is_refused() {
    let repo = root_with_key(&"aa".repeat(32), key(71).public().to_value());
    assert_eq!(
        repo.client().refusal(&repo.files),
        ("2.root.json".into(), "signature")
    );
}

/// U-5.2.1-1: the id covers value, type and scheme, and every further field as written.
#[test]
fn the_id_covers_the_whole_key_object() {
    let value = key(71).public().to_value();
    for (field, other) in [
        ("scheme", json!("other")),
        ("keytype", json!("other")),
        ("x-note", json!(1)),
    ] {
        let mut changed = value.clone();
        changed[field] = other;
        assert_ne!(KeyId::of(&changed), KeyId::of(&value));
    }
}

/// T-4.2.2-2: a key type with the scheme of another.
#[test]
fn a_key_type_with_another_scheme_is_refused() {
    let mut value = key(71).public().to_value();
    value["scheme"] = "rsassa-pss-sha256".into();
    let repo = root_with_key(KeyId::of(&value).as_str(), value);
    assert_eq!(repo.client().refused(&repo.files), "signature");
}

/// a key of an unknown scheme does not count, and does not spoil the root.
#[test]
fn a_key_of_an_unknown_scheme_is_passed_over() {
    let value = json!({"keytype": "ml-dsa", "scheme": "ml-dsa-65", "keyval": {"public": "00"}});
    let keyid = KeyId::of(&value);
    let mut repo = Repo::new();
    repo.set_version(RoleName::Root, 2);
    repo.doc(RoleName::Root)["keys"][keyid.as_str()] = value;
    let keyids = &mut repo.doc(RoleName::Root)["roles"]["timestamp"]["keyids"];
    keyids.as_array_mut().unwrap().push(keyid.as_str().into());
    repo.serve_root(&[]);
    repo.client().refresh(&repo.files).unwrap();
}

/// A role that names a key which the document does not hold, or one key twice.
#[test]
fn key_ids_of_a_role_are_known_and_distinct() {
    for bad in ["ab".repeat(32), key(2).public().keyid().to_string()] {
        let mut repo = Repo::new();
        repo.set_version(RoleName::Root, 2);
        repo.doc(RoleName::Root)["roles"]["timestamp"]["keyids"]
            .as_array_mut()
            .unwrap()
            .push(bad.into());
        repo.serve_root(&[]);
        assert_eq!(repo.client().refused(&repo.files), "malformed");
    }
}

/// T-4.2.2-1: RSA keys of 1024 bits, and exponents that are too small.
#[test]
fn weak_rsa_keys_are_refused() {
    let pem = include_str!("../data/rsa1024.pub.pem");
    assert!(PublicKey::from_pem(pem).is_err());
    let value = json!({"keytype": "rsa", "scheme": "rsassa-pss-sha256", "keyval": {"public": pem}});
    let repo = root_with_key(KeyId::of(&value).as_str(), value);
    assert_eq!(repo.client().refused(&repo.files), "signature");
    assert!(PublicKey::from_pem(include_str!("../data/rsa2048-e3.pub.pem")).is_err());
    assert!(FileSigner::generate_rsa(1024, &mut SeededRng::new(1)).is_err());
}

/// T-4.2.2-2: the three kinds in the dialect that other clients read.
#[test]
fn key_objects_are_written_in_the_common_dialect() {
    let p256 = FileSigner::generate(KeyType::P256, &mut SeededRng::new(3)).unwrap();
    let value = p256.public().to_value();
    assert_eq!(
        (&value["keytype"], &value["scheme"]),
        (&json!("ecdsa"), &json!("ecdsa-sha2-nistp256"))
    );
    assert!(
        value["keyval"]["public"]
            .as_str()
            .unwrap()
            .starts_with("-----BEGIN PUBLIC KEY-----\n")
    );
    let value = key(1).public().to_value();
    assert_eq!(
        (&value["keytype"], &value["scheme"]),
        (&json!("ed25519"), &json!("ed25519"))
    );
    assert_eq!(value["keyval"]["public"].as_str().unwrap().len(), 64);
    assert_eq!(value.as_object().unwrap().len(), 3);
    let rsa = PublicKey::from_pem(include_str!("../data/rsa2048.pub.pem")).unwrap();
    assert_eq!(rsa.to_value()["scheme"], "rsassa-pss-sha256");
}

/// The older name of the ECDSA key type is read as well.
#[test]
fn the_older_ecdsa_key_type_is_read() {
    let p256 = FileSigner::generate(KeyType::P256, &mut SeededRng::new(3)).unwrap();
    let mut value = p256.public().to_value();
    value["keytype"] = "ecdsa-sha2-nistp256".into();
    assert_eq!(PublicKey::from_value(&value).unwrap(), *p256.public());
}

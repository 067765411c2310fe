//! The one counter: what counts, what does not, and what refuses the file.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use sealift_metadata::document::Signature;
use sealift_metadata::root::RoleName;
use sealift_metadata::threshold::{RoleKeys, ThresholdError, verify};
use sealift_metadata::{FileSigner, KeyId, PublicKey, Signer as _};
use serde_json::{Value, json};

use crate::common::{Repo, key, now, sign, signature};

fn two_of_three() -> Repo {
    let mut repo = Repo::new();
    repo.rotate(|repo| {
        repo.signers.insert(RoleName::Timestamp, vec![51, 52, 53]);
        repo.thresholds.insert(RoleName::Timestamp, 2);
    });
    repo.publish();
    repo
}

fn serve(repo: &mut Repo, signatures: &[Value]) {
    let signed = &repo.docs[&RoleName::Timestamp];
    let bytes = json!({"signed": signed, "signatures": signatures})
        .to_string()
        .into_bytes();
    repo.files.insert("timestamp.json".into(), bytes);
}

/// T-5.3-thr, U-5.4.4.4-2: any two of three are enough, one is not, all three are fine.
#[test]
fn a_threshold_of_distinct_keys_is_enough() {
    let mut repo = two_of_three();
    let signed = repo.docs[&RoleName::Timestamp].clone();
    for (keys, enough) in [
        (vec![51, 53], true),
        (vec![52], false),
        (vec![51, 52, 53], true),
        (vec![], false),
    ] {
        let entries: Vec<_> = keys.iter().map(|n| signature(&signed, &key(*n))).collect();
        serve(&mut repo, &entries);
        match repo.client().refresh(&repo.files) {
            Ok(_) => assert!(enough, "{keys:?}"),
            Err(error) => assert_eq!((enough, error.code()), (false, "signature"), "{keys:?}"),
        }
    }
}

/// T-4.2.1-1, X-9: one signature twice refuses the file, even where the rest would do.
#[test]
fn a_repeated_key_id_refuses_the_file() {
    let mut repo = two_of_three();
    let signed = repo.docs[&RoleName::Timestamp].clone();
    let (a, b) = (signature(&signed, &key(51)), signature(&signed, &key(52)));
    serve(&mut repo, &[a.clone(), b.clone(), a.clone()]);
    assert_eq!(repo.client().refused(&repo.files), "signature");
    let mut bad = a.clone();
    bad["sig"] = "00".into();
    serve(&mut repo, &[a, b, bad]);
    assert_eq!(repo.client().refused(&repo.files), "signature");
}

/// unknown and invalid signatures beside enough good ones are passed over.
#[test]
fn surplus_signatures_pass() {
    let mut repo = two_of_three();
    let signed = repo.docs[&RoleName::Timestamp].clone();
    let mut entries: Vec<_> = [51, 52, 99]
        .iter()
        .map(|n| signature(&signed, &key(*n)))
        .collect();
    let mut broken = signature(&signed, &key(53));
    broken["sig"] = "".into();
    entries.push(broken);
    entries.push(json!({"keyid": "another-scheme", "sig": "not hex", "x-extra": 1}));
    serve(&mut repo, &entries);
    repo.client().refresh(&repo.files).unwrap();
}

/// T-5.3-thr: a key of another role does not count.
#[test]
fn keys_of_other_roles_do_not_count() {
    let mut repo = two_of_three();
    let signed = repo.docs[&RoleName::Timestamp].clone();
    let entries: Vec<_> = [51, 1, 3, 4]
        .iter()
        .map(|n| signature(&signed, &key(*n)))
        .collect();
    serve(&mut repo, &entries);
    assert_eq!(repo.client().refused(&repo.files), "signature");
}

/// U-5.4.4.5-3: a snapshot signed by the timestamp key alone.
#[test]
fn a_snapshot_signed_by_the_timestamp_key_is_refused() {
    let mut repo = Repo::new();
    let forged = sign(&repo.docs[&RoleName::Snapshot], &[&key(2)]);
    repo.doc(RoleName::Timestamp)["meta"]["snapshot.json"] = crate::common::meta(1, &forged);
    repo.files.insert("1.snapshot.json".into(), forged);
    repo.publish_timestamp();
    assert_eq!(
        repo.client().refusal(&repo.files),
        ("1.snapshot.json".into(), "signature")
    );
}

/// T-4.3-8: thresholds below 1, fractional, or absent.
#[test]
fn thresholds_are_at_least_one() {
    for bad in [json!(0), json!(-1), json!(1.5), json!("1"), Value::Null] {
        let mut repo = Repo::new();
        repo.set_version(RoleName::Root, 2);
        repo.doc(RoleName::Root)["roles"]["timestamp"]["threshold"] = bad;
        repo.serve_root(&[]);
        assert_eq!(repo.client().refused(&repo.files), "malformed");
    }
}

fn with_extra_field(signer: &FileSigner) -> PublicKey {
    let mut value = signer.public().to_value();
    value["x-twin"] = true.into();
    PublicKey::from_value(&value).unwrap()
}

/// T-5.3-thr: one key under two ids counts once in the counter itself. (python-tuf, sigstore-tuf and tough count it twice.)
#[test]
fn one_key_under_two_ids_counts_once() {
    let signer = key(61);
    let (one, twin) = (signer.public().clone(), with_extra_field(&signer));
    assert_ne!(one.keyid(), twin.keyid());
    let sig = now(signer.sign(b"message")).unwrap();
    let entry = |keyid: &KeyId| Signature {
        keyid: keyid.to_string(),
        sig: Some(sig.clone()),
    };
    let keys = BTreeMap::from([
        (one.keyid().clone(), Some(one.clone())),
        (twin.keyid().clone(), Some(twin.clone())),
    ]);
    let role = RoleKeys::new("test", keys, NonZeroU32::new(2).unwrap());
    let error = verify(b"message", &[entry(one.keyid()), entry(twin.keyid())], &role).unwrap_err();
    assert_eq!(
        error,
        ThresholdError::NotMet {
            role: "test".into(),
            found: 1,
            needed: 2
        }
    );
}

/// U-5.2.2-2: and a root that lists it so is refused.
#[test]
fn a_root_with_one_key_under_two_ids_is_refused() {
    let mut repo = Repo::new();
    repo.set_version(RoleName::Root, 2);
    let twin = with_extra_field(&key(2));
    repo.doc(RoleName::Root)["keys"][twin.keyid().as_str()] = twin.to_value();
    repo.serve_root(&[]);
    assert_eq!(repo.client().refused(&repo.files), "malformed");
}

/// The counter refuses a repeated key id by itself, whoever calls it.
#[test]
fn the_counter_refuses_repeated_ids_itself() {
    let signer = key(62);
    let public = signer.public().clone();
    let sig = now(signer.sign(b"message")).unwrap();
    let entry = Signature {
        keyid: public.keyid().to_string(),
        sig: Some(sig),
    };
    let keys = BTreeMap::from([(public.keyid().clone(), Some(public))]);
    let role = RoleKeys::new("test", keys, NonZeroU32::MIN);
    verify(b"message", std::slice::from_ref(&entry), &role).unwrap();
    assert!(matches!(
        verify(b"message", &[entry.clone(), entry], &role),
        Err(ThresholdError::DuplicateKeyId { .. })
    ));
}

//! What the client finds in its own store: good, garbled, half-written, or from before a rotation.

use sealift_metadata::root::RoleName;
use serde_json::json;

use crate::common::{Repo, key, sign};

/// U-5.4.4.2-4, U-5.4.4.2-10: an unchanged repository costs a root probe and a timestamp, and nothing more.
#[test]
fn nothing_new_costs_two_requests() {
    let repo = Repo::new();
    let mut client = repo.client();
    assert!(client.refresh(&repo.files).unwrap().changed());
    let trusted = client.refresh(&repo.files).unwrap();
    assert_eq!(client.log, ["get 2.root.json", "get timestamp.json"]);
    assert!(!trusted.changed());
    assert_eq!(trusted.targets().bytes(), repo.files["1.targets.json"]);
}

/// A newer timestamp over the same snapshot stores the timestamp alone.
#[test]
fn a_newer_timestamp_over_the_same_snapshot() {
    let mut repo = Repo::new();
    let mut client = repo.client();
    client.refresh(&repo.files).unwrap();
    repo.set_version(RoleName::Timestamp, 2);
    repo.publish_timestamp();
    assert!(!client.refresh(&repo.files).unwrap().changed());
    assert_eq!(
        client.log,
        ["get 2.root.json", "get timestamp.json", "store timestamp.json"]
    );
}

/// a run that crashed after storing the snapshot goes on with the targets.
#[test]
fn missing_stored_targets_are_fetched() {
    let repo = Repo::new();
    let mut client = repo.client();
    client.refresh(&repo.files).unwrap();
    client.store.targets = None;
    client.refresh(&repo.files).unwrap();
    assert_eq!(
        client.log,
        [
            "get 2.root.json",
            "get timestamp.json",
            "get 1.targets.json",
            "store targets.json"
        ]
    );
}

/// Bad local files are as if they were not there, whatever is wrong with them, and are never trusted unverified.
#[test]
fn garbled_files_are_replaced() {
    let repo = Repo::new();
    let stranger = |role| sign(&repo.docs[&role], &[&key(99)]);
    for role in [RoleName::Timestamp, RoleName::Snapshot, RoleName::Targets] {
        let mut higher = repo.docs[&role].clone();
        higher["version"] = json!(1_000_000);
        let bad = [
            b"".to_vec(),
            b"{\"signed\":".to_vec(),
            vec![0xff; 100],
            stranger(role),
            sign(&higher, &[&key(99)]),
        ];
        for bytes in bad {
            let mut client = repo.client();
            client.refresh(&repo.files).unwrap();
            let slot = match role {
                RoleName::Timestamp => &mut client.store.timestamp,
                RoleName::Snapshot => &mut client.store.snapshot,
                _ => &mut client.store.targets,
            };
            let good = slot.replace(bytes);
            client.refresh(&repo.files).unwrap();
            assert!(client.log.contains(&format!("store {role}.json")));
            let stored = match role {
                RoleName::Timestamp => &client.store.timestamp,
                RoleName::Snapshot => &client.store.snapshot,
                _ => &client.store.targets,
            };
            assert_eq!(*stored, good);
        }
    }
}

/// A stored document of another role, in the wrong place, is no document (U-5.2.1-5).
#[test]
fn files_in_each_others_place_are_not_read() {
    let repo = Repo::new();
    let mut client = repo.client();
    client.refresh(&repo.files).unwrap();
    std::mem::swap(&mut client.store.snapshot, &mut client.store.targets);
    client.refresh(&repo.files).unwrap();
    assert_eq!(
        client.store.targets.as_deref(),
        Some(&repo.files["1.targets.json"][..])
    );
    assert_eq!(
        client.store.snapshot.as_deref(),
        Some(&repo.files["1.snapshot.json"][..])
    );
}

/// stored documents are verified against the current root. (python-tuf: a cached role kept its old keys.)
#[test]
fn stored_documents_need_the_current_keys() {
    let mut repo = Repo::new();
    let mut client = repo.client();
    client.refresh(&repo.files).unwrap();
    let revoked = client.store.targets.clone();
    repo.rotate(|repo| repo.signers.get_mut(&RoleName::Targets).unwrap()[0] = 41);
    let unchanged = repo.files.clone();
    client.store.targets = revoked;
    assert_eq!(client.refused(&unchanged), "signature");
}

/// What is stored is what was received, byte for byte.
#[test]
fn stored_bytes_are_the_received_bytes() {
    let mut repo = Repo::new();
    for name in [
        "1.root.json",
        "timestamp.json",
        "1.snapshot.json",
        "1.targets.json",
    ] {
        let value: serde_json::Value = serde_json::from_slice(&repo.files[name]).unwrap();
        if name == "timestamp.json" || name == "1.root.json" {
            repo.files
                .insert(name.into(), serde_json::to_vec_pretty(&value).unwrap());
        }
    }
    let mut client = repo.client();
    client.refresh(&repo.files).unwrap();
    assert_eq!(
        client.store.timestamp.as_deref(),
        Some(&repo.files["timestamp.json"][..])
    );
    assert_eq!(
        client.store.snapshot.as_deref(),
        Some(&repo.files["1.snapshot.json"][..])
    );
}

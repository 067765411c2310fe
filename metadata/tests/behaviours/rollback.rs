//! Older metadata than before.

use sealift_metadata::root::RoleName;
use serde_json::json;

use crate::common::{Repo, meta};

/// U-5.4.4.4-3: an older timestamp.
#[test]
fn an_older_timestamp_is_refused() {
    let mut repo = Repo::new();
    let old = repo.files["timestamp.json"].clone();
    let mut client = repo.client();
    repo.next();
    client.refresh(&repo.files).unwrap();
    repo.files.insert("timestamp.json".into(), old);
    assert_eq!(client.refusal(&repo.files), ("timestamp.json".into(), "rollback"));
    assert!(!client.log.contains(&"store timestamp.json".to_owned()));
}

/// T-5.4-1, X-4: equal version, other content (tough): discarded without an error, never stored.
#[test]
fn an_equal_timestamp_version_is_discarded_whatever_it_says() {
    let mut repo = Repo::new();
    let mut client = repo.client();
    client.refresh(&repo.files).unwrap();
    let before = client.store.clone();
    repo.doc(RoleName::Timestamp)["x-new"] = json!("content");
    repo.set_version(RoleName::Snapshot, 2);
    repo.publish_snapshot();
    let trusted = client.refresh(&repo.files).unwrap();
    assert_eq!(client.log, ["get 2.root.json", "get timestamp.json"]);
    assert_eq!(client.store, before);
    assert_eq!(trusted.snapshot().version(), 1);
    assert!(!trusted.changed());
}

/// T-5.4-2: a newer timestamp that names an older snapshot.
#[test]
fn a_newer_timestamp_with_an_older_snapshot_is_refused() {
    let mut repo = Repo::new();
    repo.next();
    let mut client = repo.client();
    client.refresh(&repo.files).unwrap();
    let old = repo.files["1.snapshot.json"].clone();
    repo.set_version(RoleName::Timestamp, 3);
    repo.doc(RoleName::Timestamp)["meta"]["snapshot.json"] = meta(1, &old);
    repo.publish_timestamp();
    assert_eq!(client.refused(&repo.files), "rollback");
    assert!(!client.log.contains(&"store timestamp.json".to_owned()));
}

/// U-5.4.4.5-4: the floor of the snapshot holds even where the stored timestamp was lost.
#[test]
fn an_older_snapshot_is_refused_without_a_stored_timestamp() {
    let mut repo = Repo::new();
    let first = repo.files.clone();
    let mut client = repo.client();
    repo.next();
    client.refresh(&repo.files).unwrap();
    client.store.timestamp = None;
    assert_eq!(client.refusal(&first), ("1.snapshot.json".into(), "rollback"));
}

/// U-5.4.4.5-5: the version of a listed document goes down.
#[test]
fn a_snapshot_that_lowers_a_role_is_refused() {
    let mut repo = Repo::new();
    repo.doc(RoleName::Snapshot)["meta"]["supplier.json"] = json!({"version": 5});
    repo.next();
    let mut client = repo.client();
    client.refresh(&repo.files).unwrap();
    repo.doc(RoleName::Snapshot)["meta"]["supplier.json"] = json!({"version": 4});
    repo.next();
    assert_eq!(client.refusal(&repo.files), ("supplier.json".into(), "rollback"));
    assert!(!client.log.contains(&"store snapshot.json".to_owned()));
}

/// U-5.4.4.5-6: a listed document disappears; after a rotation of the snapshot key it may.
#[test]
fn a_role_may_disappear_only_with_new_snapshot_keys() {
    let mut repo = Repo::new();
    repo.doc(RoleName::Snapshot)["meta"]["supplier.json"] = json!({"version": 5});
    repo.next();
    let mut client = repo.client();
    client.refresh(&repo.files).unwrap();
    repo.doc(RoleName::Snapshot)["meta"]
        .as_object_mut()
        .unwrap()
        .remove("supplier.json");
    repo.next();
    assert_eq!(client.refused(&repo.files), "rollback");
    repo.rotate(|repo| repo.signers.get_mut(&RoleName::Snapshot).unwrap()[0] = 31);
    repo.publish();
    client.refresh(&repo.files).unwrap();
}

/// U-5.4.4.6-4, T-4.3-3: the version of targets goes down.
#[test]
fn older_targets_are_refused() {
    let mut repo = Repo::new();
    repo.next();
    let mut client = repo.client();
    client.refresh(&repo.files).unwrap();
    repo.set_version(RoleName::Targets, 1);
    repo.set_version(RoleName::Snapshot, 3);
    repo.set_version(RoleName::Timestamp, 3);
    repo.publish();
    assert_eq!(client.refused(&repo.files), "rollback");
    client.store.snapshot = None;
    client.store.timestamp = None;
    assert_eq!(client.refusal(&repo.files), ("1.targets.json".into(), "rollback"));
}

/// U-5.4.4-1: a refused cycle does not stand in the way of the next.
#[test]
fn a_good_server_is_accepted_after_a_bad_one() {
    let mut repo = Repo::new();
    let mut client = repo.client();
    let old = repo.files.clone();
    repo.next();
    client.refresh(&repo.files).unwrap();
    assert_eq!(client.refused(&old), "rollback");
    repo.next();
    assert!(client.refresh(&repo.files).unwrap().changed());
}

//! Recovery after someone with stolen keys drove versions up.

use sealift_metadata::root::RoleName;

use crate::common::{Client, Repo};

const HUGE: u64 = 2_147_483_647;

/// A client that has seen `roles` at a huge version, and the repository back at small ones.
fn driven_up(roles: &[RoleName]) -> (Repo, Client) {
    let mut repo = Repo::new();
    for role in roles {
        repo.set_version(*role, HUGE);
    }
    repo.publish();
    let mut client = repo.client();
    client.refresh(&repo.files).unwrap();
    for role in roles {
        repo.set_version(*role, 2);
    }
    (repo, client)
}

fn replace(repo: &mut Repo, role: RoleName) {
    repo.rotate(|repo| repo.signers.get_mut(&role).unwrap()[0] += 100);
}

/// U-5.4.4.3-7: new timestamp or snapshot keys forget the versions; without them the client refuses.
#[test]
fn new_timestamp_or_snapshot_keys_recover() {
    for role in [RoleName::Timestamp, RoleName::Snapshot] {
        let (mut repo, mut client) = driven_up(&[RoleName::Timestamp, RoleName::Snapshot]);
        repo.set_version(RoleName::Targets, 2);
        repo.publish();
        assert_eq!(client.refused(&repo.files), "rollback");
        replace(&mut repo, role);
        repo.publish();
        let trusted = client.refresh(&repo.files).unwrap();
        assert_eq!(
            (trusted.timestamp().version(), trusted.snapshot().version()),
            (2, 2)
        );
    }
}

/// U-5.4.4.3-7: a root that leaves those keys alone deletes nothing.
#[test]
fn other_root_changes_keep_the_floors() {
    let (mut repo, mut client) = driven_up(&[RoleName::Timestamp, RoleName::Snapshot]);
    replace(&mut repo, RoleName::Root);
    repo.publish();
    assert_eq!(client.refused(&repo.files), "rollback");
    assert!(client.log.iter().all(|line| !line.starts_with("remove")));
    assert!(client.store.timestamp.is_some() && client.store.snapshot.is_some());
}

/// new targets or snapshot keys drop the floor of the targets version, in the file and in the stored snapshot.
#[test]
fn new_targets_or_snapshot_keys_recover_the_targets_version() {
    for role in [RoleName::Targets, RoleName::Snapshot] {
        let (mut repo, mut client) = driven_up(&[RoleName::Targets]);
        repo.set_version(RoleName::Snapshot, 2);
        repo.set_version(RoleName::Timestamp, 2);
        repo.publish();
        assert_eq!(client.refused(&repo.files), "rollback");
        replace(&mut repo, role);
        repo.set_version(RoleName::Timestamp, 3);
        repo.publish();
        assert_eq!(client.refresh(&repo.files).unwrap().targets().version(), 2);
    }
}

/// new targets keys leave the floors of timestamp and snapshot where they were.
#[test]
fn new_targets_keys_keep_the_other_floors() {
    let (mut repo, mut client) = driven_up(&[RoleName::Timestamp, RoleName::Snapshot]);
    replace(&mut repo, RoleName::Targets);
    repo.publish();
    assert_eq!(client.refused(&repo.files), "rollback");
    repo.set_version(RoleName::Timestamp, HUGE + 1);
    repo.publish();
    assert_eq!(
        client.refused(&repo.files),
        "rollback",
        "the timestamp still names the snapshot's floor"
    );
}

/// The files go before the new root is stored, so that a crash in between repeats the recovery.
#[test]
fn removal_comes_before_the_new_root() {
    let (mut repo, mut client) = driven_up(&[RoleName::Timestamp]);
    replace(&mut repo, RoleName::Timestamp);
    repo.publish();
    client.refresh(&repo.files).unwrap();
    assert_eq!(
        client.log[..4],
        [
            "get 2.root.json",
            "remove timestamp.json",
            "remove snapshot.json",
            "store root.json"
        ]
    );
}

/// U-5.4.4.3-7 and tough's "shipped root" fault: a rotation that the client has already followed deletes nothing again.
#[test]
fn a_rotation_counts_once() {
    let mut repo = Repo::new();
    let mut client = repo.client();
    replace(&mut repo, RoleName::Timestamp);
    repo.publish();
    let old = repo.files["timestamp.json"].clone();
    repo.next();
    client.refresh(&repo.files).unwrap();
    repo.files.insert("timestamp.json".into(), old);
    assert_eq!(client.refused(&repo.files), "rollback");
    assert!(client.log.iter().all(|line| !line.starts_with("remove")));
}

/// U-5.4.4.4-2, U-5.2.2-4: a replaced key stops verifying at once.
#[test]
fn a_replaced_key_no_longer_signs() {
    for (role, document) in [
        (RoleName::Timestamp, "timestamp.json"),
        (RoleName::Snapshot, "1.snapshot.json"),
        (RoleName::Targets, "1.targets.json"),
    ] {
        let mut repo = Repo::new();
        replace(&mut repo, role);
        assert_eq!(
            repo.client().refusal(&repo.files),
            (document.to_owned(), "signature")
        );
    }
}

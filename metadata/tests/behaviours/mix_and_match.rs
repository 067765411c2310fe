//! Documents that do not belong together.

use sealift_metadata::root::RoleName;
use sealift_metadata::trust::RepositoryKind;
use serde_json::json;

use crate::common::{Repo, meta};

/// U-5.4.4.5-2: a snapshot of another day under the announced name.
#[test]
fn another_snapshot_is_refused_by_its_bytes() {
    let mut repo = Repo::new();
    let first = repo.files["1.snapshot.json"].clone();
    repo.next();
    repo.files.insert("2.snapshot.json".into(), first);
    let mut client = repo.client();
    assert_eq!(
        client.refusal(&repo.files),
        ("2.snapshot.json".into(), "mix_and_match")
    );
    assert!(!client.log.contains(&"store snapshot.json".to_owned()));
}

/// U-5.4.4.5-2: without length and hashes the version alone must match.
#[test]
fn another_snapshot_is_refused_by_its_version() {
    let mut repo = Repo::new();
    let first = repo.files["1.snapshot.json"].clone();
    repo.next();
    repo.files.insert("2.snapshot.json".into(), first);
    repo.doc(RoleName::Timestamp)["meta"]["snapshot.json"] = json!({"version": 2});
    repo.publish_timestamp();
    let mut client = repo.client();
    client.kind = RepositoryKind::Plain;
    assert_eq!(client.refused(&repo.files), "mix_and_match");
}

/// U-5.4.4.5-2: all listed hashes are checked, not the first.
#[test]
fn one_wrong_hash_of_two_is_refused() {
    let mut repo = Repo::new();
    let sha512 = "00".repeat(64);
    repo.doc(RoleName::Timestamp)["meta"]["snapshot.json"]["hashes"]["sha512"] = sha512.into();
    repo.publish_timestamp();
    assert_eq!(repo.client().refused(&repo.files), "mix_and_match");
}

/// A listed hash that cannot be computed cannot be checked.
#[test]
fn an_unknown_hash_function_is_refused() {
    let mut repo = Repo::new();
    repo.doc(RoleName::Timestamp)["meta"]["snapshot.json"]["hashes"]["md5"] = "00".into();
    repo.publish_timestamp();
    assert_eq!(repo.client().refused(&repo.files), "malformed");
}

/// T-5.6-1, U-5.4.4.6-2: validly signed targets that the snapshot does not list.
#[test]
fn other_targets_are_refused() {
    for announced in [None, Some(json!({"version": 2}))] {
        let mut repo = Repo::new();
        repo.next();
        if let Some(announced) = announced {
            repo.doc(RoleName::Snapshot)["meta"]["targets.json"] = announced;
            repo.publish_snapshot();
        }
        repo.set_version(RoleName::Targets, 3);
        let unlisted = repo.signed(RoleName::Targets);
        repo.files.insert("2.targets.json".into(), unlisted);
        assert_eq!(
            repo.client().refusal(&repo.files),
            ("2.targets.json".into(), "mix_and_match")
        );
    }
}

/// A snapshot that is stored already but not the announced one is fetched again.
#[test]
fn a_stored_document_must_be_the_announced_one() {
    let mut repo = Repo::new();
    let mut client = repo.client();
    client.refresh(&repo.files).unwrap();
    repo.doc(RoleName::Targets)["x-re-signed"] = true.into();
    let bytes = repo.signed(RoleName::Targets);
    repo.files.insert("1.targets.json".into(), bytes.clone());
    repo.doc(RoleName::Snapshot)["meta"]["targets.json"] = meta(1, &bytes);
    repo.set_version(RoleName::Snapshot, 2);
    repo.set_version(RoleName::Timestamp, 2);
    repo.publish_snapshot();
    client.refresh(&repo.files).unwrap();
    assert_eq!(client.store.targets, Some(bytes));
}

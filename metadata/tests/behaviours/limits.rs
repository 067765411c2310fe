//! More data than announced or allowed.

use sealift_metadata::root::RoleName;
use sealift_metadata::trust::Limits;
use serde_json::json;

use crate::common::{Repo, meta};

/// U-5.4.4.3-2, U-5.4.4.4-1, T-5.3-W: root and timestamp have fixed caps.
#[test]
fn root_and_timestamp_have_caps() {
    let mut repo = Repo::new();
    repo.rotate(|repo| repo.doc(RoleName::Root)["x-pad"] = "x".repeat(600 * 1024).into());
    assert_eq!(
        repo.client().refusal(&repo.files),
        ("2.root.json".into(), "endless_data")
    );
    let mut repo = Repo::new();
    repo.doc(RoleName::Timestamp)["x-pad"] = "x".repeat(17 * 1024).into();
    repo.publish_timestamp();
    assert_eq!(
        repo.client().refusal(&repo.files),
        ("timestamp.json".into(), "endless_data")
    );
}

/// U-5.4.4.5-1, U-5.4.4.6-1: the announced length is asked for, and one byte more is refused.
#[test]
fn the_announced_length_is_the_cap() {
    for name in ["1.snapshot.json", "1.targets.json"] {
        let mut repo = Repo::new();
        repo.files.get_mut(name).unwrap().push(b' ');
        assert_eq!(
            repo.client().refusal(&repo.files),
            (name.to_owned(), "endless_data")
        );
    }
}

/// U-5.4.4.5-1, T-4.4-2: without an announced length the client's own cap holds; an announced one above it is refused unread.
#[test]
fn the_clients_cap_holds() {
    let mut repo = Repo::director(crate::common::VEHICLE);
    repo.doc(RoleName::Targets)["x-pad"] = "x".repeat(70 * 1024).into();
    repo.publish();
    let mut client = repo.vehicle_client();
    assert_eq!(
        client.refusal(&repo.files),
        ("1.targets.json".into(), "endless_data")
    );
    assert!(!client.log.contains(&"get 1.targets.json".to_owned()));
    repo.doc(RoleName::Snapshot)["meta"]["targets.json"] = json!({"version": 1});
    repo.publish_snapshot();
    let mut client = repo.vehicle_client();
    assert_eq!(
        client.refusal(&repo.files),
        ("1.targets.json".into(), "endless_data")
    );
    assert_eq!(client.limits, Limits::DIRECTOR);
}

/// A file that the repository must have and has not.
#[test]
fn a_missing_file_is_an_error() {
    for name in ["timestamp.json", "1.snapshot.json", "1.targets.json"] {
        let mut repo = Repo::new();
        repo.files.remove(name);
        assert_eq!(
            repo.client().refusal(&repo.files),
            (name.to_owned(), "unreachable")
        );
    }
}

/// A shorter file than announced does not match, either.
#[test]
fn a_shorter_file_is_another_file() {
    let mut repo = Repo::new();
    let mut longer = meta(1, &repo.files["1.snapshot.json"]);
    longer["length"] = json!(longer["length"].as_u64().unwrap() + 1);
    repo.doc(RoleName::Timestamp)["meta"]["snapshot.json"] = longer;
    repo.publish_timestamp();
    assert_eq!(
        repo.client().refusal(&repo.files),
        ("1.snapshot.json".into(), "mix_and_match")
    );
}

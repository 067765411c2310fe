//! The hashes that documents list: which there may be, and where some have to be.

use sealift_metadata::RoleFile;
use sealift_metadata::root::RoleName;
use sealift_metadata::trust::RepositoryKind;
use sealift_metadata::uptane::image_target;
use serde_json::{Value, json};

use crate::common::*;

/// SHA-512 alone is enough for TUF.
#[test]
fn a_target_with_sha512_alone_is_listed() {
    let mut repo = Repo::new();
    let mut entry = image_entry(&sealed_profile());
    entry["hashes"] = json!({"sha512": "5a".repeat(64)});
    repo.put("fw/a.img", entry);
    repo.next();
    let trusted = repo.client().refresh(&repo.files).unwrap();
    let file = trusted.target(&path("fw/a.img")).unwrap();
    assert_eq!(file.hashes.sha512(), Some(&[0x5a; 64]));
    assert_eq!(file.hashes.sha256(), None);
    assert_eq!(file.to_value()["hashes"], json!({"sha512": "5a".repeat(64)}));

    // Vehicles name objects by SHA-256.
    let refused = image_target(&trusted, &path("fw/a.img")).unwrap_err();
    assert_eq!(refused.code(), "malformed");
}

/// A document that lists SHA-512 alone for another has to be right about it.
#[test]
fn sha512_alone_is_checked() {
    let mut repo = Repo::new();
    repo.doc(RoleName::Timestamp)["meta"]["snapshot.json"]["hashes"] = json!({"sha512": "00".repeat(64)});
    repo.publish_timestamp();
    assert_eq!(repo.client().refused(&repo.files), "mix_and_match");
}

fn without_hashes(repo: &mut Repo) {
    let line = &mut repo.doc(RoleName::Timestamp)["meta"]["snapshot.json"];
    line.as_object_mut().unwrap().remove("hashes");
    repo.publish_timestamp();
}

/// U-5.2.5-2: a Timestamp lists a hash of the Snapshot, in both repositories.
#[test]
fn a_timestamp_without_hashes_is_not_uptane() {
    let mut repo = Repo::new();
    without_hashes(&mut repo);
    assert_eq!(
        repo.client().refusal(&repo.files),
        ("timestamp.json".to_owned(), "malformed")
    );
    let mut director = Repo::director(VEHICLE);
    without_hashes(&mut director);
    assert_eq!(director.vehicle_client().refused(&director.files), "malformed");
}

/// TUF alone does not ask for hashes, and what it accepted is not enough for Uptane afterwards.
#[test]
fn a_timestamp_without_hashes_is_tuf() {
    let mut repo = Repo::new();
    without_hashes(&mut repo);
    let mut client = repo.client();
    client.kind = RepositoryKind::Plain;
    client.refresh(&repo.files).unwrap();
    client.refresh(&repo.files).unwrap();

    client.kind = RepositoryKind::Image;
    assert_eq!(client.refused(&repo.files), "malformed");
}

/// What a repository without consistent snapshots calls its files.
#[test]
fn names_without_versions() {
    let mut repo = Repo::new();
    repo.doc(RoleName::Root)["consistent_snapshot"] = Value::Bool(false);
    repo.serve_root(&[]);
    for role in [RoleName::Snapshot, RoleName::Targets] {
        let file = RoleFile::Top(role);
        let bytes = repo.files.remove(&file.requested(Some(1))).unwrap();
        repo.files.insert(file.requested(None), bytes);
    }
    repo.client().refresh(&repo.files).unwrap();
}

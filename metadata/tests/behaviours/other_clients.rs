//! Faults that other TUF clients had, each as a test that ours has not.

use sealift_metadata::root::RoleName;
use sealift_metadata::trust::Limits;
use sealift_metadata::{Document, Targets};
use serde_json::json;

use crate::common::{Repo, image_entry, key, path, sealed_profile, sign};

/// tough and olpc-cjson: names that sort differently with their quotes on, and names in form D. Ours sorts decoded strings and
/// refuses what is not in form C, instead of changing it.
#[test]
fn names_are_sorted_decoded_and_never_changed() {
    let mut repo = Repo::new();
    repo.doc(RoleName::Targets)["x-names"] = json!({"pkg": 1, "pkg 1": 2, "a": 1, "a!": 2, "q\"": 3});
    repo.publish();
    repo.client().refresh(&repo.files).unwrap();
    repo.doc(RoleName::Targets)["x-names"] = json!({"e\u{301}": 1});
    repo.next();
    assert_eq!(repo.client().refused(&repo.files), "malformed");
}

/// python-tuf: a lighter path for delegated roles. Ours has one type and one loader for both: a delegated document is parsed by
/// the same strict reader and verified by the same counter.
#[test]
fn delegated_documents_take_the_same_path() {
    let repo = Repo::new();
    let mut signed = repo.docs[&RoleName::Targets].clone();
    signed["version"] = json!(0);
    assert!(Document::<Targets>::parse(&sign(&signed, &[&key(81)])).is_err());
    signed["version"] = json!(1);
    let document = Document::<Targets>::parse(&sign(&signed, &[&key(81)])).unwrap();
    let top = Document::<sealift_metadata::Root>::parse(&repo.files["1.root.json"]).unwrap();
    assert!(
        document.verify(top.role().keys(RoleName::Targets)).is_err(),
        "only its own delegator's keys count"
    );
}

/// tough: one bad delegatee stopped everything. A snapshot may list roles that nobody can fetch; top-level targets do not care.
#[test]
fn unreachable_delegatees_do_not_stop_the_top_level() {
    let mut repo = Repo::new();
    repo.doc(RoleName::Snapshot)["meta"]["supplier.json"] = json!({"version": 9});
    repo.put("a.img", image_entry(&sealed_profile()));
    repo.next();
    let trusted = repo.client().refresh(&repo.files).unwrap();
    assert!(trusted.target(&path("a.img")).is_some());
}

/// tough: a root given anew on every run deleted the floors on every run. Ours remembers the newest root as `root.json`; handed
/// the first one again it recovers again, so the store must be the one it wrote, and the steps say so.
#[test]
fn floors_hold_with_the_stored_root() {
    let mut repo = Repo::new();
    let mut client = repo.client();
    repo.rotate(|repo| repo.signers.get_mut(&RoleName::Timestamp).unwrap()[0] = 91);
    repo.publish();
    let old = repo.files["timestamp.json"].clone();
    repo.next();
    client.refresh(&repo.files).unwrap();
    assert_eq!(client.store.root, repo.files["2.root.json"]);
    repo.files.insert("timestamp.json".into(), old);
    for _ in 0..3 {
        assert_eq!(client.refused(&repo.files), "rollback");
    }
}

/// go-tuf and rust-tuf: a hash of a length that nobody checks. Ours: 64 or 128 lower-case digits.
#[test]
fn short_hashes_are_refused() {
    let mut repo = Repo::new();
    repo.doc(RoleName::Timestamp)["meta"]["snapshot.json"]["hashes"]["sha256"] = "ab".into();
    repo.publish_timestamp();
    assert_eq!(repo.client().refused(&repo.files), "malformed");
}

/// T-4.6-1: timestamps list one snapshot, snapshots list top-level targets.
#[test]
fn listings_are_complete_and_exact() {
    for meta in [
        json!({}),
        json!({"snapshot.json": {"version": 1}, "x.json": {"version": 1}}),
        json!({"x.json": {"version": 1}}),
    ] {
        let mut repo = Repo::new();
        repo.doc(RoleName::Timestamp)["meta"] = meta;
        repo.publish_timestamp();
        assert_eq!(repo.client().refused(&repo.files), "malformed");
    }
    let mut repo = Repo::new();
    repo.doc(RoleName::Snapshot)["meta"] = json!({"other.json": {"version": 1}});
    repo.publish_snapshot();
    assert_eq!(repo.client().refused(&repo.files), "malformed");
}

/// T-5.3-W: the default caps are those of an Image repository; a Director's are smaller.
#[test]
fn caps_are_as_specified() {
    assert_eq!(Limits::default(), Limits::IMAGE);
    assert_eq!(Limits::IMAGE.root, 512 * 1024);
    assert_eq!(Limits::IMAGE.timestamp, 16 * 1024);
    assert_eq!(Limits::IMAGE.targets, 8 * 1024 * 1024);
    assert_eq!(Limits::DIRECTOR.targets, 64 * 1024);
    assert_eq!(Limits::IMAGE.max_root_updates, 256);
}

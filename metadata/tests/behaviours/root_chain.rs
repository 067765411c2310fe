//! The walk from the trusted root to the newest.

use sealift_metadata::root::RoleName;
use sealift_metadata::trust::{Refresh, Response, Step, TrustStore};
use serde_json::json;

use crate::common::{Client, Repo, at, key, sign};

/// U-5.4.4.3-1, T-5.3-1, T-5.3-4: every root in between is fetched, verified and stored at once.
#[test]
fn every_root_is_fetched_and_stored_before_the_next() {
    let mut repo = Repo::new();
    repo.rotate(|repo| repo.signers.get_mut(&RoleName::Root).unwrap()[0] = 21);
    repo.rotate(|repo| repo.signers.get_mut(&RoleName::Root).unwrap()[0] = 22);
    let mut client = repo.client();
    let trusted = client.refresh(&repo.files).unwrap();
    assert_eq!(trusted.root().version(), 3);
    assert_eq!(
        client.log[..5],
        [
            "get 2.root.json",
            "store root.json",
            "get 3.root.json",
            "store root.json",
            "get 4.root.json"
        ]
    );
    assert_eq!(client.store.root, repo.files["3.root.json"]);
}

/// U-5.4.4.3-5: a run that was interrupted carries on from the last root that it stored.
#[test]
fn the_next_cycle_starts_from_the_last_stored_root() {
    let mut repo = Repo::new();
    repo.rotate(|repo| repo.signers.get_mut(&RoleName::Root).unwrap()[0] = 21);
    let mut client = repo.client();
    let mut refresh = Refresh::start(
        client.store.clone(),
        client.kind.clone(),
        client.limits,
        client.time,
    )
    .unwrap();
    assert!(matches!(refresh.step().unwrap(), Step::Fetch(_)));
    refresh.supply(Response::Found(repo.files["2.root.json"].clone()));
    let Step::Store {
        name: "root.json",
        bytes,
    } = refresh.step().unwrap()
    else {
        panic!("the root is not stored")
    };
    drop(refresh);
    client.store.root = bytes;
    client.refresh(&repo.files).unwrap();
    assert_eq!(client.log[0], "get 3.root.json");
}

/// U-5.4.4.3-3: the old keys must sign.
#[test]
fn a_root_without_the_old_signature_is_refused() {
    let mut repo = Repo::new();
    repo.rotate(|repo| repo.signers.get_mut(&RoleName::Root).unwrap()[0] = 21);
    let only_new = sign(&repo.docs[&RoleName::Root], &[&key(21)]);
    repo.files.insert("2.root.json".into(), only_new);
    let mut client = repo.client();
    assert_eq!(client.refusal(&repo.files), ("2.root.json".into(), "signature"));
    assert_eq!(client.store.root, repo.files["1.root.json"]);
}

/// U-5.4.4.3-3: the new keys must sign.
#[test]
fn a_root_without_the_new_signature_is_refused() {
    let mut repo = Repo::new();
    repo.rotate(|repo| repo.signers.get_mut(&RoleName::Root).unwrap()[0] = 21);
    let only_old = sign(&repo.docs[&RoleName::Root], &[&key(1)]);
    repo.files.insert("2.root.json".into(), only_old);
    assert_eq!(repo.client().refused(&repo.files), "signature");
}

/// U-5.4.4.3-3, T-6.1-2: thresholds of N and N+1 each count in their own root.
#[test]
fn a_raised_threshold_needs_its_new_signatures() {
    let mut repo = Repo::new();
    repo.rotate(|repo| {
        repo.signers.insert(RoleName::Root, vec![1, 21, 22]);
        repo.thresholds.insert(RoleName::Root, 3);
    });
    repo.client().refresh(&repo.files).unwrap();
    let two = sign(&repo.docs[&RoleName::Root], &[&key(1), &key(21)]);
    repo.files.insert("2.root.json".into(), two);
    assert_eq!(repo.client().refused(&repo.files), "signature");
}

/// U-5.4.4.3-4, X-5: the version inside is exactly N+1 (python-tuf and tough advisories: skipped versions).
#[test]
fn skipping_a_root_version_is_refused() {
    let mut repo = Repo::new();
    repo.rotate(|_| ());
    repo.rotate(|_| ());
    let third = repo.files["3.root.json"].clone();
    repo.files.insert("2.root.json".into(), third);
    assert_eq!(
        repo.client().refusal(&repo.files),
        ("2.root.json".into(), "mix_and_match")
    );
}

/// U-5.4.4.3-4: an older or equal root under the next name is a rollback.
#[test]
fn the_same_root_under_the_next_name_is_refused() {
    let mut repo = Repo::new();
    let first = repo.files["1.root.json"].clone();
    repo.files.insert("2.root.json".into(), first);
    assert_eq!(repo.client().refused(&repo.files), "rollback");
}

/// T-5.3-3, T-5.2-1: expired roots on the way do not matter, nor does the stored one.
#[test]
fn expired_roots_on_the_way_are_passed() {
    let mut repo = Repo::new();
    repo.doc(RoleName::Root)["expires"] = "2020-01-01T00:00:00Z".into();
    repo.serve_root(&[]);
    repo.rotate(|_| ());
    repo.rotate(|repo| repo.doc(RoleName::Root)["expires"] = crate::common::EXPIRES.into());
    repo.client().refresh(&repo.files).unwrap();
}

/// U-5.4.4.3-6: the newest root must not have expired.
#[test]
fn an_expired_newest_root_is_a_freeze() {
    let mut repo = Repo::new();
    repo.rotate(|repo| repo.doc(RoleName::Root)["expires"] = "2026-05-31T23:59:59Z".into());
    let mut client = repo.client();
    assert_eq!(client.refusal(&repo.files), ("root.json".into(), "freeze"));
    assert_eq!(
        client.store.root, repo.files["2.root.json"],
        "the valid successor is kept all the same"
    );
}

/// X-6b: only the repository's own "not found" ends the walk. There is no answer that means "some error", so the fault of
/// ending the walk on an I/O error cannot be written: without an answer the machine goes nowhere.
#[test]
fn an_unanswered_request_ends_the_refresh() {
    let repo = Repo::new();
    let client = repo.client();
    let mut refresh = Refresh::start(client.store, client.kind, client.limits, client.time).unwrap();
    assert!(matches!(refresh.step().unwrap(), Step::Fetch(_)));
    assert!(refresh.step().is_err());
    assert!(refresh.step().is_err(), "and stays ended");
}

/// T-5.3-2: a server that has ever more roots is left at the bound, and the rest is for the next cycle.
#[test]
fn endless_roots_stop_at_the_bound() {
    let mut repo = Repo::new();
    for _ in 0..7 {
        repo.rotate(|_| ());
    }
    let mut client = repo.client();
    client.limits.max_root_updates = 5;
    assert_eq!(client.refresh(&repo.files).unwrap().root().version(), 6);
    assert_eq!(
        client
            .log
            .iter()
            .filter(|line| line.ends_with(".root.json"))
            .count(),
        5
    );
    assert_eq!(client.refresh(&repo.files).unwrap().root().version(), 8);
}

/// T-2.1.1-1: nothing is trusted on first use.
#[test]
fn without_a_root_there_is_no_refresh() {
    let repo = Repo::new();
    let mut client = Client::new(TrustStore::default());
    assert!(client.refresh(&repo.files).is_err());
    assert!(client.log.is_empty());
}

/// U-5.4.4.3-1: a stored root that is not signed by itself is unusable.
#[test]
fn a_garbled_stored_root_is_an_error() {
    let repo = Repo::new();
    let mut signed = repo.docs[&RoleName::Root].clone();
    signed["version"] = json!(5);
    let stranger = sign(&signed, &[&key(99)]);
    for root in [stranger, b"{".to_vec(), repo.files["timestamp.json"].clone()] {
        let mut client = Client::new(TrustStore {
            root,
            ..TrustStore::default()
        });
        let error = client.refresh(&repo.files).unwrap_err();
        assert_eq!(error.document(), "root.json");
    }
}

/// T-5.3-5, U-5.2.7-2: file names follow the flag of the newest root.
#[test]
fn names_follow_the_consistent_snapshot_flag() {
    let mut repo = Repo::new();
    repo.rotate(|repo| repo.doc(RoleName::Root)["consistent_snapshot"] = false.into());
    for role in ["snapshot", "targets"] {
        let bytes = repo.files[&format!("1.{role}.json")].clone();
        repo.files.insert(format!("{role}.json"), bytes);
    }
    let mut client = repo.client();
    client.refresh(&repo.files).unwrap();
    assert!(client.log.contains(&"get snapshot.json".to_owned()));
    client.time = at("2026-06-02T00:00:00Z");
    repo.rotate(|repo| repo.doc(RoleName::Root)["consistent_snapshot"] = true.into());
    repo.next();
    client.refresh(&repo.files).unwrap();
    assert!(client.log.contains(&"get 2.snapshot.json".to_owned()));
}

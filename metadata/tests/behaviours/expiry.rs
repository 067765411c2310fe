//! Metadata that have expired, and the exact instant at which they do.

use sealift_metadata::root::RoleName;

use crate::common::{Repo, at};

const ROLES: [(RoleName, &str); 4] = [
    (RoleName::Root, "root.json"),
    (RoleName::Timestamp, "timestamp.json"),
    (RoleName::Snapshot, "1.snapshot.json"),
    (RoleName::Targets, "1.targets.json"),
];

fn with_expiry(role: RoleName, expires: &str) -> Repo {
    let mut repo = Repo::new();
    repo.doc(role)["expires"] = expires.into();
    repo.serve_root(&[]);
    repo.publish();
    repo
}

/// T-4.3-4, U-5.4.4.3-6, U-5.4.4.4-4, U-5.4.4.5-7, U-5.4.4.6-5: each role, a second before, at, and after its expiry.
#[test]
fn every_role_expires_at_exactly_its_instant() {
    for (role, name) in ROLES {
        let repo = with_expiry(role, "2026-06-01T12:00:00Z");
        let mut client = repo.client();
        client.time = at("2026-06-01T11:59:59Z");
        client.refresh(&repo.files).unwrap();
        for late in ["2026-06-01T12:00:00Z", "2026-06-01T12:00:01Z"] {
            let mut client = repo.client();
            client.time = at(late);
            assert_eq!(
                client.refusal(&repo.files),
                (name.to_owned(), "freeze"),
                "{role} at {late}"
            );
            assert!(
                !client.log.contains(&format!("store {role}.json")),
                "{role} must not be stored"
            );
        }
    }
}

/// The same for a Director's documents.
#[test]
fn every_role_of_a_director_expires() {
    for (role, name) in ROLES {
        let mut repo = Repo::director(crate::common::VEHICLE);
        repo.doc(role)["expires"] = "2026-05-31T23:59:59Z".into();
        repo.serve_root(&[]);
        repo.publish();
        assert_eq!(
            repo.vehicle_client().refusal(&repo.files),
            (name.to_owned(), "freeze")
        );
    }
}

/// an unchanged repository whose stored documents have expired meanwhile is a freeze, not "nothing new".
#[test]
fn stored_documents_expire_too() {
    for (role, name) in ROLES {
        let repo = with_expiry(role, "2026-06-01T12:00:00Z");
        let mut client = repo.client();
        client.time = at("2026-06-01T11:00:00Z");
        client.refresh(&repo.files).unwrap();
        client.time = at("2026-06-01T13:00:00Z");
        assert_eq!(client.refusal(&repo.files), (name.to_owned(), "freeze"));
    }
}

/// U-5.4.4.4-3 with an expired floor: an expired stored timestamp still holds the version up.
#[test]
fn an_expired_stored_timestamp_is_still_a_floor() {
    let mut repo = Repo::new();
    let old = repo.files["timestamp.json"].clone();
    repo.doc(RoleName::Timestamp)["expires"] = "2026-06-01T12:00:00Z".into();
    repo.next();
    let mut client = repo.client();
    client.refresh(&repo.files).unwrap();
    client.time = at("2026-07-01T00:00:00Z");
    repo.files.insert("timestamp.json".into(), old);
    assert_eq!(client.refused(&repo.files), "rollback");
}

/// T-5.2-1: the vehicle that was parked: everything stored has expired, and the server has moved on.
#[test]
fn a_parked_vehicle_catches_up() {
    let mut repo = Repo::new();
    for (role, _) in ROLES {
        repo.doc(role)["expires"] = "2026-07-01T00:00:00Z".into();
    }
    repo.serve_root(&[]);
    repo.publish();
    let mut client = repo.client();
    client.refresh(&repo.files).unwrap();
    client.time = at("2029-06-01T00:00:00Z");
    for (role, _) in ROLES {
        repo.doc(role)["expires"] = "2030-01-01T00:00:00Z".into();
    }
    repo.rotate(|_| ());
    repo.next();
    assert!(client.refresh(&repo.files).unwrap().changed());
}

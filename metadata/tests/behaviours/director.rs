//! What only a Director's metadata must satisfy.

use sealift_metadata::root::RoleName;
use serde_json::{Value, json};

use crate::common::{Repo, VEHICLE, director_entry, sealed_profile};

fn directing(entries: &[(&str, &[(&str, &str)])]) -> Repo {
    let mut repo = Repo::director(VEHICLE);
    for (name, ecus) in entries {
        repo.put(name, director_entry(&sealed_profile(), ecus));
    }
    repo.next();
    repo
}

fn refused_targets(repo: &Repo, code: &str) {
    let mut client = repo.vehicle_client();
    assert_eq!(client.refused(&repo.files), code);
    assert!(!client.log.contains(&"store targets.json".to_owned()));
}

/// The good case: two targets, an ECU each.
#[test]
fn directions_for_known_ecus_are_accepted() {
    let repo = directing(&[("a.img", &[("ECU-1", "hw-a")]), ("b.img", &[("ECU-2", "hw-b")])]);
    repo.vehicle_client().refresh(&repo.files).unwrap();
    let repo = Repo::director(VEHICLE);
    repo.vehicle_client().refresh(&repo.files).unwrap();
}

/// U-5.2.3.1-3, D-dir-2, X-13: metadata of another vehicle, empty ones included, are refused at the first document, so that
/// they cannot drive up this vehicle's versions.
#[test]
fn another_vehicles_metadata_are_refused() {
    for empty in [true, false] {
        let mut repo = Repo::director("VIN-2");
        if !empty {
            repo.put("a.img", director_entry(&sealed_profile(), &[("ECU-1", "hw-a")]));
            repo.next();
        }
        let mut client = repo.vehicle_client();
        assert_eq!(
            client.refusal(&repo.files),
            ("timestamp.json".into(), "replay_other_vehicle")
        );
        assert!(client.log.iter().all(|line| !line.starts_with("store")));
    }
}

/// U-5.2.3.1-3: every document names the vehicle, and Targets are checked before anything else in them is looked at.
#[test]
fn every_document_names_the_vehicle() {
    for (role, name) in [
        (RoleName::Timestamp, "timestamp.json"),
        (RoleName::Snapshot, "1.snapshot.json"),
        (RoleName::Targets, "1.targets.json"),
    ] {
        for custom in [
            json!({}),
            json!({"vehicle_id": "VIN-2"}),
            json!({"vehicle_id": ["VIN-1"]}),
        ] {
            let mut repo = Repo::director(VEHICLE);
            repo.doc(role)["custom"] = custom;
            repo.doc(RoleName::Targets)["delegations"] = json!({"keys": {}, "roles": []});
            repo.publish();
            assert_eq!(
                repo.vehicle_client().refusal(&repo.files),
                (name.to_owned(), "replay_other_vehicle")
            );
        }
    }
}

/// A stored document of another vehicle is no document.
#[test]
fn stored_documents_of_another_vehicle_are_not_used() {
    let (ours, theirs) = (Repo::director(VEHICLE), Repo::director("VIN-2"));
    let mut client = ours.vehicle_client();
    client.refresh(&ours.files).unwrap();
    client.store.targets = Some(theirs.files["1.targets.json"].clone());
    client.refresh(&ours.files).unwrap();
    assert_eq!(
        client.store.targets.as_deref(),
        Some(&ours.files["1.targets.json"][..])
    );
}

/// U-5.4.4.6-6, U-5.1.2.1-6, U-5.2.3.2-1: no delegations, not even an empty object.
#[test]
fn a_director_does_not_delegate() {
    let mut repo = Repo::director(VEHICLE);
    repo.doc(RoleName::Targets)["delegations"] = json!({"keys": {}, "roles": []});
    repo.next();
    refused_targets(&repo, "arbitrary_software");
}

/// U-5.4.4.6-8: an ECU that the vehicle does not have.
#[test]
fn an_unknown_ecu_is_refused() {
    refused_targets(
        &directing(&[("a.img", &[("ECU-1", "hw-a"), ("ECU-9", "hw-a")])]),
        "bad_ecu_id",
    );
}

/// U-5.4.4.6-7: one ECU under two names.
#[test]
fn a_repeated_ecu_is_refused() {
    let repo = directing(&[("a.img", &[("ECU-1", "hw-a")]), ("b.img", &[("ECU-1", "hw-a")])]);
    refused_targets(&repo, "bad_ecu_id");
}

/// U-5.4.4.6-7: one ECU twice within one entry is a repeated key.
#[test]
fn a_repeated_ecu_within_one_entry_is_refused() {
    let mut repo = directing(&[("a.img", &[("ECU-1", "hw-a")])]);
    let text = String::from_utf8(repo.files["2.targets.json"].clone()).unwrap();
    let entry = r#""ECU-1":{"hardware_id":"hw-a","key_box":{"inline":"Ym94"}}"#;
    assert!(text.contains(entry), "{text}");
    let twice = text.replace(entry, &format!("{entry},{entry}")).into_bytes();
    repo.doc(RoleName::Snapshot)["meta"]["targets.json"] = json!({"version": 2});
    repo.publish_snapshot();
    repo.files.insert("2.targets.json".into(), twice);
    refused_targets(&repo, "malformed");
}

/// U-5.4.3.4-2: the hardware that is named is not the ECU's.
#[test]
fn other_hardware_is_refused() {
    refused_targets(&directing(&[("a.img", &[("ECU-1", "hw-b")])]), "wrong_hardware");
}

/// U-5.2.3.1.1-5, U-5.2.3.1.1-7: a direction that cannot be read refuses the document.
#[test]
fn malformed_directions_are_refused() {
    type Bend = fn(&mut Value);
    let bends: [(Bend, &str); 10] = [
        (|custom| custom["director"] = json!(null), "malformed"),
        (|custom| custom["director"]["ecus"] = json!({}), "malformed"),
        (
            |custom| custom["director"]["ecus"] = json!({"E 1": {"hardware_id": "hw-a"}}),
            "invalid_name",
        ),
        (
            |custom| custom["director"]["ecus"]["ECU-1"] = json!({}),
            "malformed",
        ),
        (
            |custom| custom["director"]["ecus"]["ECU-1"]["key_box"] = json!({"inline": "not base64!"}),
            "malformed",
        ),
        (
            |custom| custom["director"]["ecus"]["ECU-1"]["key_box"] = json!({"inline": "A".repeat(8000)}),
            "malformed",
        ),
        (
            |custom| custom["director"]["ecus"]["ECU-1"]["key_box"] = json!({"inline": "", "path": "x"}),
            "malformed",
        ),
        (
            |custom| {
                let box_file = json!({"path": "../x", "length": 10, "sha256": "00".repeat(32)});
                custom["director"]["ecus"]["ECU-1"]["key_box"] = box_file;
            },
            "invalid_name",
        ),
        (
            |custom| custom["director"]["url"] = json!("http://plain.example/"),
            "malformed",
        ),
        (
            |custom| custom["director"]["url"] = json!(format!("https://{}", "x".repeat(3000))),
            "malformed",
        ),
    ];
    for (bend, code) in bends {
        let mut repo = Repo::director(VEHICLE);
        let mut entry = director_entry(&sealed_profile(), &[("ECU-1", "hw-a")]);
        bend(&mut entry["custom"]);
        repo.put("a.img", entry.clone());
        repo.next();
        let mut client = repo.vehicle_client();
        assert_eq!(client.refused(&repo.files), code, "{entry}");
    }
}

//! What the trait promises, as one suite.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn vehicle(id: &str) -> NewVehicle {
    let ecu = |n: u8| NewEcu {
        serial: format!("{id}-ecu-{n}"),
        hardware_id: "hw".to_owned(),
        primary: n == 0,
        signing_key_id: format!("{id}-signing-{n}"),
        signing_key_pem: "pem".to_owned(),
        sealing_key: (n == 0).then(|| ("id".to_owned(), "pem".to_owned())),
        require_sealed: n == 1,
    };
    NewVehicle {
        id: id.to_owned(),
        certificate_key_id: format!("{id}-key"),
        ecus: vec![ecu(0), ecu(1)],
    }
}

fn assignment(correlation_id: &str) -> AssignmentRow {
    AssignmentRow {
        target: "a/b.img".to_owned(),
        length: 7,
        sha256: [1; 32],
        plain_sha256: [2; 32],
        release_counter: 3,
        key_box: Some(vec![9]),
        assigned_at: at(10),
        correlation_id: correlation_id.to_owned(),
        confirmed_at: None,
    }
}

fn report(counter: u64) -> ReportRow {
    ReportRow {
        counter,
        sha256: [4; 32],
        latest_time: at(20),
        received_at: at(21),
        installed: Some(InstalledRow {
            path: "a".to_owned(),
            sha256: [2; 32],
            length: 5,
            release_counter: 3,
        }),
        attacks: vec!["rollback".to_owned()],
    }
}

async fn inventory() -> SqliteInventory {
    SqliteInventory::open("sqlite::memory:").await.unwrap()
}

#[tokio::test]
async fn a_vehicle_comes_back_whole() {
    let db = inventory().await;
    db.register(&vehicle("v1"), at(1)).await.unwrap();
    db.assign("v1-ecu-0", &assignment("c1")).await.unwrap();
    let row = db.vehicle("v1").await.unwrap().unwrap();
    assert_eq!(row.ecus.len(), 2);
    assert_eq!(row.ecus[0].assignment, Some(assignment("c1")));
    assert!(row.ecus[1].require_sealed && row.ecus[1].sealing_key.is_none());
    assert_eq!(db.vehicle("v2").await.unwrap(), None);
    let status = db.vehicle_by_certificate("v1-key").await.unwrap().unwrap();
    assert_eq!((status.id.as_str(), status.state), ("v1", VehicleState::Active));
}

#[tokio::test]
async fn taken_names_are_refused_and_leave_nothing() {
    let db = inventory().await;
    db.register(&vehicle("v1"), at(1)).await.unwrap();
    let refusal = |error| match error {
        DbError::Exists(what) => what,
        DbError::Failed { during, .. } => panic!("failed at {during}"),
    };
    assert_eq!(
        refusal(db.register(&vehicle("v1"), at(2)).await.unwrap_err()),
        "the vehicle id"
    );
    let mut other = vehicle("v2");
    other.certificate_key_id = "v1-key".to_owned();
    assert_eq!(
        refusal(db.register(&other, at(2)).await.unwrap_err()),
        "the certificate's key"
    );
    let mut other = vehicle("v2");
    other.ecus[1].serial = "v1-ecu-1".to_owned();
    assert_eq!(
        refusal(db.register(&other, at(2)).await.unwrap_err()),
        "an ECU serial"
    );
    let mut other = vehicle("v2");
    other.ecus[1].signing_key_id = "v1-signing-0".to_owned();
    assert_eq!(
        refusal(db.register(&other, at(2)).await.unwrap_err()),
        "an ECU's signing key"
    );
    assert_eq!(db.vehicle("v2").await.unwrap(), None);
}

#[tokio::test]
async fn versions_are_never_given_twice_and_late_sets_are_dropped() {
    let db = inventory().await;
    db.register(&vehicle("v1"), at(1)).await.unwrap();
    assert_eq!(db.reserve_version("v1", 100).await.unwrap(), 100);
    assert_eq!(db.reserve_version("v1", 50).await.unwrap(), 101);
    let set = |version: u64| DirectorSet {
        current: DirectorRow {
            version,
            decision: [0; 32],
            timestamp: vec![1],
            issued_at: at(1),
            expires_at: at(2),
        },
        documents: vec![(format!("{version}.targets.json"), vec![2])],
        key_boxes: vec![([7; 32], vec![3])],
    };
    assert!(!db.store_director("v1", &set(100)).await.unwrap());
    assert_eq!(db.director("v1").await.unwrap(), None);
    assert!(db.store_director("v1", &set(101)).await.unwrap());
    assert_eq!(db.director("v1").await.unwrap().unwrap().version, 101);
    assert_eq!(db.key_box("v1", &[7; 32]).await.unwrap(), Some(vec![3]));
    for _ in 0..5 {
        let version = db.reserve_version("v1", 0).await.unwrap();
        assert!(db.store_director("v1", &set(version)).await.unwrap());
    }
    assert_eq!(
        db.director_document("v1", "101.targets.json").await.unwrap(),
        None
    );
    assert_eq!(
        db.director_document("v1", "106.targets.json").await.unwrap(),
        Some(vec![2])
    );
}

#[tokio::test]
async fn a_report_counter_never_falls_and_a_manifest_is_all_or_nothing() {
    let db = inventory().await;
    db.register(&vehicle("v1"), at(1)).await.unwrap();
    db.assign("v1-ecu-0", &assignment("c1")).await.unwrap();
    let manifest = |first: u64, second: u64| ManifestRecord {
        sha256: [5; 32],
        received_at: at(30),
        reports: vec![
            ("v1-ecu-0".to_owned(), report(first)),
            ("v1-ecu-1".to_owned(), report(second)),
        ],
        confirmed: vec![("v1-ecu-0".to_owned(), "c1".to_owned())],
    };
    assert!(db.record_manifest("v1", &manifest(5, 5)).await.unwrap());
    assert!(!db.record_manifest("v1", &manifest(6, 5)).await.unwrap());
    let row = db.vehicle("v1").await.unwrap().unwrap();
    assert_eq!(row.ecus[0].report.as_ref().unwrap(), &report(5));
    assert_eq!(
        row.ecus[0].assignment.as_ref().unwrap().confirmed_at,
        Some(at(30))
    );
    assert_eq!(
        (row.last_seen_at, row.manifest_sha256),
        (Some(at(30)), Some([5; 32]))
    );
}

#[tokio::test]
async fn an_ecu_of_another_vehicle_cannot_be_reported_on() {
    let db = inventory().await;
    db.register(&vehicle("v1"), at(1)).await.unwrap();
    db.register(&vehicle("v2"), at(1)).await.unwrap();
    let manifest = ManifestRecord {
        sha256: [5; 32],
        received_at: at(30),
        reports: vec![("v2-ecu-0".to_owned(), report(1))],
        confirmed: vec![],
    };
    assert!(!db.record_manifest("v1", &manifest).await.unwrap());
    assert_eq!(db.vehicle("v2").await.unwrap().unwrap().ecus[0].report, None);
}

#[tokio::test]
async fn events_are_kept_up_to_a_number() {
    let db = inventory().await;
    for n in 0..1005 {
        db.record_event("v1", at(n), "kind", &n.to_string())
            .await
            .unwrap();
    }
    db.record_event("v2", at(1), "kind", "other").await.unwrap();
    let events = db.events("v1", 5000).await.unwrap();
    assert_eq!(
        (
            events.len(),
            events[0].detail.as_str(),
            events[999].detail.as_str()
        ),
        (1000, "1004", "5")
    );
    assert_eq!(db.events("v2", 5000).await.unwrap().len(), 1);
}

#[tokio::test]
async fn lists_page_by_id() {
    let db = inventory().await;
    for id in ["c", "a", "b"] {
        db.register(&vehicle(id), at(1)).await.unwrap();
    }
    db.assign("a-ecu-0", &assignment("c1")).await.unwrap();
    let page = db.vehicles("", 2).await.unwrap();
    assert_eq!(page.iter().map(|v| v.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((page[0].ecus, page[0].pending, page[1].pending), (2, 1, 0));
    assert_eq!(db.vehicles("b", 2).await.unwrap().len(), 1);
    assert!(db.set_state("a", VehicleState::Revoked).await.unwrap());
    assert!(!db.set_state("nobody", VehicleState::Revoked).await.unwrap());
}

#[tokio::test]
async fn a_database_on_disk_keeps_what_was_committed() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", dir.path().join("i.db").display());
    let db = SqliteInventory::open(&url).await.unwrap();
    db.register(&vehicle("v1"), at(1)).await.unwrap();
    db.close().await;
    let db = SqliteInventory::open(&url).await.unwrap();
    assert!(db.vehicle("v1").await.unwrap().is_some());
    assert!(db.unassign("v1-ecu-0").await.is_ok_and(|had| !had));
}

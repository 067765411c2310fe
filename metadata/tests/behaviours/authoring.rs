//! Making documents: what comes out is what a client accepts, and nothing else comes out.

use sealift_metadata::authoring::{
    AuthoringError, DirectorDraft, DirectorSigners, RootDraft, complete, counter_version, next_snapshot,
    next_targets, next_timestamp, sign_document,
};
use sealift_metadata::root::RoleName;
use sealift_metadata::uptane::{DirectedEcu, Direction, KeyBoxRef, image_target};
use sealift_metadata::{
    Document, FileSigner, HardwareId, Root, Signer as _, Snapshot, TargetFile, Targets, Timestamp, VehicleId,
    Verified,
};
use serde_json::{Value, json};

use crate::common::{Client, EXPIRES, Files, Repo, VEHICLE, instant, key, now, path, sealed_profile, serial};

fn first_root(numbers: [u64; 4]) -> RootDraft {
    let mut draft = RootDraft::new(instant(EXPIRES));
    for (role, n) in RoleName::ALL.into_iter().zip(numbers) {
        draft.set_role(role, &[key(n).public().clone()], 1).unwrap();
    }
    draft
}

fn verified_root(bytes: &[u8]) -> Verified<Root> {
    let document = Document::<Root>::parse(bytes).unwrap();
    let keys = document.role().keys(RoleName::Root).clone();
    document.verify(&keys).unwrap()
}

fn image_file() -> TargetFile {
    TargetFile {
        length: 1000,
        hashes: [1; 32].into(),
        custom: Some(json!({"sealift": sealed_profile()})),
    }
}

/// A whole repository from the authoring module, with one target.
fn authored() -> (Files, Verified<Root>) {
    let root = now(first_root([1, 2, 3, 4]).sign(&[&key(1)])).unwrap();
    let trusted = verified_root(&root);
    let keys = |role| trusted.role().keys(role);
    let mut draft = next_targets(None, 1, instant(EXPIRES)).unwrap();
    draft.put(&path("fw/a.img"), &image_file());
    let targets = now(draft.finish().unwrap().sign(keys(RoleName::Targets), &[&key(4)])).unwrap();
    let document = Document::<Targets>::parse(&targets).unwrap();
    let draft = next_snapshot(None, &document, 1, instant(EXPIRES)).unwrap();
    let snapshot = now(draft.sign(keys(RoleName::Snapshot), &[&key(3)])).unwrap();
    let document = Document::<Snapshot>::parse(&snapshot).unwrap();
    let draft = next_timestamp(None, &document, 1, instant(EXPIRES)).unwrap();
    let timestamp = now(draft.sign(keys(RoleName::Timestamp), &[&key(2)])).unwrap();
    let files = [
        ("1.root.json", root),
        ("1.targets.json", targets),
        ("1.snapshot.json", snapshot),
        ("timestamp.json", timestamp),
    ];
    (
        files
            .into_iter()
            .map(|(name, bytes)| (name.to_owned(), bytes))
            .collect(),
        trusted,
    )
}

fn client(files: &Files) -> Client {
    let mut client = Repo::new().client();
    client.store.root = files["1.root.json"].clone();
    client
}

/// T-4.3-2, U-5.1.1-1, T-6.2.1-4, U-5.1.2-1: the first set of documents is accepted, in the common dialect.
#[test]
fn an_authored_repository_is_accepted() {
    let (files, root) = authored();
    let trusted = client(&files).refresh(&files).unwrap();
    assert_eq!(trusted.target(&path("fw/a.img")), Some(&image_file()));
    assert!(root.role().consistent_snapshot());
    let value: Value = serde_json::from_slice(&files["1.snapshot.json"]).unwrap();
    assert_eq!(
        value["signed"]["meta"]["targets.json"]["length"],
        files["1.targets.json"].len()
    );
    assert_eq!(value["signatures"][0].as_object().unwrap().len(), 2);
    assert!(
        serde_json::from_slice::<Value>(&files["1.targets.json"]).unwrap()["signed"]
            .get("delegations")
            .is_none()
    );
}

/// The same draft and the same keys give the same bytes: a retried publish finds its own file.
#[test]
fn documents_are_reproducible() {
    assert_eq!(authored().0, authored().0);
}

/// U-5.4.4.3-3, T-6.1-2: the next root needs the signatures of both, and the draft knows.
#[test]
fn a_rotation_needs_old_and_new_keys() {
    let (mut files, root) = authored();
    let mut draft = RootDraft::next(&root, instant(EXPIRES));
    draft
        .set_role(
            RoleName::Root,
            &[key(21).public().clone(), key(22).public().clone()],
            2,
        )
        .unwrap();
    for missing in [vec![key(21), key(22)], vec![key(1), key(21)], vec![]] {
        let signers: Vec<&dyn sealift_metadata::Signer> = missing.iter().map(|key| key as _).collect();
        assert!(matches!(
            now(draft.sign(&signers)),
            Err(AuthoringError::Threshold(_))
        ));
    }
    let bytes = now(draft.sign(&[&key(1), &key(21), &key(22)])).unwrap();
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    assert!(
        value["signed"]["keys"]
            .get(key(1).public().keyid().as_str())
            .is_none(),
        "the unused key is gone"
    );
    files.insert("2.root.json".into(), bytes);
    assert_eq!(client(&files).refresh(&files).unwrap().root().version(), 2);
}

/// U-5.2.2-3: a threshold that cannot be reached, or is 0; one key twice.
#[test]
fn impossible_roles_are_refused() {
    let public = key(1).public().clone();
    let mut draft = RootDraft::new(instant(EXPIRES));
    for (keys, threshold) in [
        (vec![public.clone()], 2),
        (vec![public.clone()], 0),
        (vec![], 1),
        (vec![public.clone(), public], 1),
    ] {
        assert!(matches!(
            draft.set_role(RoleName::Root, &keys, threshold),
            Err(AuthoringError::Unreachable { .. })
        ));
    }
    assert!(matches!(draft.finish(), Err(AuthoringError::RoleMissing("root"))));
}

/// U-5.2.1-4: versions only rise, of the document and of what it lists.
#[test]
fn versions_only_rise() {
    let (files, _) = authored();
    let targets = Document::<Targets>::parse(&files["1.targets.json"]).unwrap();
    let snapshot = Document::<Snapshot>::parse(&files["1.snapshot.json"]).unwrap();
    let timestamp = Document::<Timestamp>::parse(&files["timestamp.json"]).unwrap();
    let expires = instant(EXPIRES);
    for version in [0, 1] {
        assert!(next_targets(Some(&targets), version, expires).is_err());
        assert!(next_snapshot(Some(&snapshot), &targets, version, expires).is_err());
        assert!(next_timestamp(Some(&timestamp), &snapshot, version, expires).is_err());
    }
    let two = next_targets(Some(&targets), 2, expires)
        .unwrap()
        .finish()
        .unwrap();
    let two = Document::<Targets>::parse(&now(two.sign_some(&[])).unwrap()).unwrap();
    let listed = next_snapshot(Some(&snapshot), &two, 2, expires).unwrap();
    let listed = Document::<Snapshot>::parse(&now(listed.sign_some(&[])).unwrap()).unwrap();
    assert!(next_snapshot(Some(&listed), &targets, 3, expires).is_err());
}

/// T-4-1: what the last version held and Sealift does not know is in the next one.
#[test]
fn unknown_fields_survive_the_next_version() {
    let mut repo = Repo::new();
    repo.doc(RoleName::Targets)["x-future"] = json!(1);
    repo.doc(RoleName::Snapshot)["meta"]["supplier.json"] = json!({"version": 3});
    repo.publish();
    let targets = Document::<Targets>::parse(&repo.files["1.targets.json"]).unwrap();
    let mut draft = next_targets(Some(&targets), 2, instant(EXPIRES)).unwrap();
    draft
        .put(&path("a"), &image_file())
        .put(&path("b"), &image_file());
    assert!(draft.remove(&path("b")) && !draft.remove(&path("c")) && draft.contains(&path("a")));
    let draft = draft.finish().unwrap();
    assert_eq!(draft.signed()["x-future"], 1);
    let next = Document::<Targets>::parse(&now(draft.sign_some(&[])).unwrap()).unwrap();
    let snapshot = Document::<Snapshot>::parse(&repo.files["1.snapshot.json"]).unwrap();
    let draft = next_snapshot(Some(&snapshot), &next, 2, instant(EXPIRES)).unwrap();
    assert_eq!(draft.signed()["meta"]["supplier.json"], json!({"version": 3}));
    assert_eq!(draft.signed()["meta"]["targets.json"]["version"], 2);
}

/// Our own output is verified before it is returned: the wrong key gives no document.
#[test]
fn a_wrong_signer_gives_no_document() {
    let (_, root) = authored();
    let draft = next_targets(None, 1, instant(EXPIRES)).unwrap().finish().unwrap();
    let error = now(draft.sign(root.role().keys(RoleName::Targets), &[&key(3)])).unwrap_err();
    assert!(matches!(error, AuthoringError::Threshold(_)));
    let bytes = now(sign_document(draft.signed(), &[&key(4)])).unwrap();
    complete::<Targets>(&bytes, &[root.role().keys(RoleName::Targets)]).unwrap();
}

/// What strict readers refuse is not signed.
#[test]
fn ambiguous_values_are_not_signed() {
    for value in [json!({"a": 1.5}), json!({"a": u64::MAX}), json!("e\u{301}")] {
        assert!(matches!(
            now(sign_document(&value, &[&key(1)])),
            Err(AuthoringError::NotStrict)
        ));
    }
    let mut draft = next_targets(None, 1, instant(EXPIRES)).unwrap();
    draft.set_custom(Some(json!({"x": 0.5})));
    assert!(draft.finish().is_err());
}

/// versions of online roles follow the clock, and never go back with it.
#[test]
fn online_versions_follow_the_clock() {
    let at = instant("1970-01-01T02:00:30Z");
    assert_eq!(counter_version(None, at), 120);
    assert_eq!(counter_version(Some(7), at), 120);
    assert_eq!(counter_version(Some(500), at), 501);
    assert_eq!(counter_version(None, instant("1960-01-01T00:00:00Z")), 1);
}

fn direction(ecu: &str, hardware: &str) -> Direction {
    let ecu = (
        serial(ecu),
        DirectedEcu {
            hardware_id: HardwareId::new(hardware).unwrap(),
            key_box: None,
        },
    );
    Direction {
        ecus: [ecu].into(),
        url: Some("https://cdn.example/a.img".into()),
    }
}

/// U-5.2.3.1-3: a Director's set for one vehicle is accepted by that vehicle, empty or not, and agrees with the images.
#[test]
fn a_directors_set_is_accepted() {
    let (image_files, _) = authored();
    let image = client(&image_files).refresh(&image_files).unwrap();
    let root = now(first_root([11, 12, 13, 14]).sign(&[&key(11)])).unwrap();
    let trusted_root = verified_root(&root);
    let (timestamp, snapshot, targets) = (key(12), key(13), key(14));
    let signers = DirectorSigners {
        targets: &targets,
        snapshot: &snapshot,
        timestamp: &timestamp,
    };
    let mut vehicle = Repo::director(VEHICLE).vehicle_client();
    vehicle.store.root = root;
    for version in [1, 2] {
        let mut draft = DirectorDraft::new(VehicleId::new(VEHICLE).unwrap(), version, instant(EXPIRES));
        draft.set_correlation_id("campaign-7");
        if version == 2 {
            let target = image_target(&image, &path("fw/a.img")).unwrap();
            draft.direct(&target, &direction("ECU-1", "hw-a"));
        }
        let set = now(draft.sign(trusted_root.role(), signers)).unwrap();
        let files: Files = [
            ("timestamp.json".to_owned(), set.timestamp),
            (format!("{version}.snapshot.json"), set.snapshot),
            (format!("{version}.targets.json"), set.targets),
        ]
        .into();
        let director = vehicle.refresh(&files).unwrap();
        assert_eq!(
            director.targets().role().custom().unwrap()["correlation_id"],
            "campaign-7"
        );
        let checked = crate::common::compare(&director, &image).unwrap();
        assert_eq!(checked.len(), usize::from(version == 2));
        assert!(
            checked
                .iter()
                .all(|target| target.url() == Some("https://cdn.example/a.img"))
        );
    }
}

/// U-5.4.4.6-7: one ECU in two targets is refused before it is published.
#[test]
fn a_directors_mistake_is_not_signed() {
    let mut image = Repo::new();
    for name in ["a.img", "b.img"] {
        image.put(name, crate::common::image_entry(&sealed_profile()));
    }
    image.next();
    let image = image.client().refresh(&image.files).unwrap();
    let root = verified_root(&now(first_root([11, 12, 13, 14]).sign(&[&key(11)])).unwrap());
    let (timestamp, snapshot, targets): (FileSigner, FileSigner, FileSigner) = (key(12), key(13), key(14));
    let signers = DirectorSigners {
        targets: &targets,
        snapshot: &snapshot,
        timestamp: &timestamp,
    };
    let mut draft = DirectorDraft::new(VehicleId::new(VEHICLE).unwrap(), 1, instant(EXPIRES));
    for name in ["a.img", "b.img"] {
        draft.direct(
            &image_target(&image, &path(name)).unwrap(),
            &direction("ECU-1", "hw-a"),
        );
    }
    assert!(matches!(
        now(draft.sign(root.role(), signers)),
        Err(AuthoringError::Refused(_))
    ));
}

/// A document that clients would not read is not made: key boxes have to become files.
#[test]
fn a_set_over_the_vehicles_cap_is_not_signed() {
    let (image_files, _) = authored();
    let image = client(&image_files).refresh(&image_files).unwrap();
    let root = verified_root(&now(first_root([11, 12, 13, 14]).sign(&[&key(11)])).unwrap());
    let (timestamp, snapshot, targets) = (key(12), key(13), key(14));
    let signers = DirectorSigners {
        targets: &targets,
        snapshot: &snapshot,
        timestamp: &timestamp,
    };
    let set = |count: usize| {
        let mut direction = direction("ECU-1", "hw-a");
        for n in 0..count {
            let key_box = Some(KeyBoxRef::Inline(vec![7; 4096]));
            let ecu = DirectedEcu {
                hardware_id: HardwareId::new("hw-a").unwrap(),
                key_box,
            };
            direction.ecus.insert(serial(&format!("ECU-{n}")), ecu);
        }
        let mut draft = DirectorDraft::new(VehicleId::new(VEHICLE).unwrap(), 1, instant(EXPIRES));
        draft.direct(&image_target(&image, &path("fw/a.img")).unwrap(), &direction);
        now(draft.sign(root.role(), signers))
    };
    assert!(set(10).is_ok());
    assert!(matches!(
        set(12),
        Err(AuthoringError::TooLarge {
            role: "targets",
            limit: 65_536,
            ..
        })
    ));
}

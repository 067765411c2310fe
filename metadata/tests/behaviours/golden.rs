//! One document of each kind, byte for byte, as the specification shows them.

use std::path::PathBuf;

use sealift_metadata::authoring::{
    DirectorDraft, DirectorSigners, RootDraft, next_snapshot, next_targets, next_timestamp,
};
use sealift_metadata::manifest::{
    EcuReport, InstalledImage, VehicleManifest, parse_manifest, sign_manifest, sign_report,
};
use sealift_metadata::root::RoleName;
use sealift_metadata::uptane::{DirectedEcu, Direction, KeyBoxRef, image_target};
use sealift_metadata::{Document, HardwareId, Root, Signer as _, Snapshot, TargetFile, Targets, VehicleId};
use serde_json::json;

use crate::common::{EXPIRES, Files, NOW, Repo, VEHICLE, instant, key, now, path, sealed_profile, serial};

/// Compares with the file, or writes it when `SEALIFT_BLESS` is set in the environment of the build.
fn golden(name: &str, bytes: &[u8]) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/golden")
        .join(name);
    if option_env!("SEALIFT_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, bytes).unwrap();
    }
    let wanted = std::fs::read(&file).unwrap_or_default();
    assert!(
        wanted == bytes,
        "{} has changed; look at the difference before blessing it",
        file.display()
    );
}

fn root(first_key: u64) -> Vec<u8> {
    let mut draft = RootDraft::new(instant(EXPIRES));
    for (role, n) in RoleName::ALL.into_iter().zip(first_key..) {
        draft.set_role(role, &[key(n).public().clone()], 1).unwrap();
    }
    now(draft.sign(&[&key(first_key)])).unwrap()
}

/// U-5.2-2, T-6.2.1-1: the Image repository's four documents, and a Director's three over them.
#[test]
fn repositories() {
    let root_bytes = root(1);
    let document = Document::<Root>::parse(&root_bytes).unwrap();
    let keys = |role| document.role().keys(role);
    let expires = instant(EXPIRES);
    let custom = Some(json!({"sealift": sealed_profile()}));
    let mut draft = next_targets(None, 1, expires).unwrap();
    draft.put(
        &path("fw/a.img"),
        &TargetFile {
            length: 1000,
            hashes: [1; 32].into(),
            custom,
        },
    );
    let targets = now(draft.finish().unwrap().sign(keys(RoleName::Targets), &[&key(4)])).unwrap();
    let draft = next_snapshot(None, &Document::<Targets>::parse(&targets).unwrap(), 1, expires).unwrap();
    let snapshot = now(draft.sign(keys(RoleName::Snapshot), &[&key(3)])).unwrap();
    let draft = next_timestamp(None, &Document::<Snapshot>::parse(&snapshot).unwrap(), 1, expires).unwrap();
    let timestamp = now(draft.sign(keys(RoleName::Timestamp), &[&key(2)])).unwrap();
    let names = [
        "1.root.json",
        "1.targets.json",
        "1.snapshot.json",
        "timestamp.json",
    ];
    let files: Files = names
        .map(str::to_owned)
        .into_iter()
        .zip([root_bytes, targets, snapshot, timestamp])
        .collect();
    for (name, bytes) in &files {
        golden(&format!("image/{name}"), bytes);
    }

    let mut client = Repo::new().client();
    client.store.root = files["1.root.json"].clone();
    let image = client.refresh(&files).unwrap();
    let root_bytes = root(11);
    let document = Document::<Root>::parse(&root_bytes).unwrap();
    let key_box = Some(KeyBoxRef::Inline(b"opaque here".to_vec()));
    let ecu = DirectedEcu {
        hardware_id: HardwareId::new("hw-a").unwrap(),
        key_box,
    };
    let direction = Direction {
        ecus: [(serial("ECU-1"), ecu)].into(),
        url: None,
    };
    let mut draft = DirectorDraft::new(VehicleId::new(VEHICLE).unwrap(), 29_500_000, expires);
    draft
        .set_correlation_id("campaign-7")
        .direct(&image_target(&image, &path("fw/a.img")).unwrap(), &direction);
    let (timestamp, snapshot, targets) = (key(12), key(13), key(14));
    let signers = DirectorSigners {
        targets: &targets,
        snapshot: &snapshot,
        timestamp: &timestamp,
    };
    let set = now(draft.sign(document.role(), signers)).unwrap();
    let names = [
        "1.root.json",
        "29500000.targets.json",
        "29500000.snapshot.json",
        "timestamp.json",
    ];
    let files: Files = names
        .map(str::to_owned)
        .into_iter()
        .zip([root_bytes, set.targets, set.snapshot, set.timestamp])
        .collect();
    for (name, bytes) in &files {
        golden(&format!("director/{name}"), bytes);
    }
    let mut client = Repo::director(VEHICLE).vehicle_client();
    client.store.root = files["1.root.json"].clone();
    assert_eq!(
        crate::common::compare(&client.refresh(&files).unwrap(), &image)
            .unwrap()
            .len(),
        1
    );
}

/// U-5.4.2.1.1-2: a manifest of two ECUs, one of which has nothing to say about its image.
#[test]
fn manifest() {
    let vehicle_id = VehicleId::new(VEHICLE).unwrap();
    let mut report = EcuReport {
        ecu_serial: serial("ECU-1"),
        vehicle_id: vehicle_id.clone(),
        installed: Some(InstalledImage {
            path: path("fw/a.img"),
            length: 900,
            sha256: [2; 32],
            release_counter: 7,
        }),
        attacks_detected: vec!["freeze".to_owned()],
        latest_time: instant(NOW),
        report_counter: 41,
    };
    let primary = now(sign_report(&report, &key(1))).unwrap();
    report = EcuReport {
        ecu_serial: serial("ECU-2"),
        installed: None,
        attacks_detected: vec![],
        ..report
    };
    let secondary = now(sign_report(&report, &key(2))).unwrap();
    let manifest = VehicleManifest {
        vehicle_id,
        primary_ecu_serial: serial("ECU-1"),
        ecu_version_reports: [(serial("ECU-1"), primary), (serial("ECU-2"), secondary)].into(),
    };
    let bytes = now(sign_manifest(&manifest, &key(1))).unwrap();
    golden("manifest.json", &bytes);
    let number = |ecu: &sealift_metadata::EcuSerial| if ecu.as_str() == "ECU-1" { 1 } else { 2 };
    parse_manifest(&bytes)
        .unwrap()
        .verify(|ecu| Some(key(number(ecu)).public().clone()))
        .unwrap();
}

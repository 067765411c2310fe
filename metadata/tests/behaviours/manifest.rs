//! Reports and manifests: forged, replayed, misfiled, or simply good.

use std::collections::BTreeMap;

use sealift_metadata::manifest::{
    EcuReport, InstalledImage, ManifestError, SignedReport, VehicleManifest, VerifiedManifest,
    parse_manifest, sign_manifest, sign_report,
};
use sealift_metadata::trust::Attack;
use sealift_metadata::{EcuSerial, FileSigner, KeyType, PublicKey, VehicleId};
use serde_json::{Value, json};

use crate::common::{NOW, SeededRng, VEHICLE, instant, key, now, path, serial, signature};

fn report(ecu: &str, counter: u64) -> EcuReport {
    EcuReport {
        ecu_serial: serial(ecu),
        vehicle_id: VehicleId::new(VEHICLE).unwrap(),
        installed: Some(InstalledImage {
            path: path("fw/a.img"),
            length: 900,
            sha256: [7; 32],
            release_counter: 3,
        }),
        attacks_detected: vec![Attack::Freeze.code().to_owned()],
        latest_time: instant(NOW),
        report_counter: counter,
    }
}

/// The Primary is ECU-1 with key 1, the Secondary ECU-2 with key 2.
fn key_of(ecu: &EcuSerial) -> Option<PublicKey> {
    match ecu.as_str() {
        "ECU-1" => Some(key(1).public().clone()),
        "ECU-2" => Some(key(2).public().clone()),
        _ => None,
    }
}

use sealift_metadata::Signer as _;

fn signed(report: &EcuReport, signer: &FileSigner) -> SignedReport {
    now(sign_report(report, signer)).unwrap()
}

fn manifest_of(reports: Vec<(&str, SignedReport)>) -> VehicleManifest {
    VehicleManifest {
        vehicle_id: VehicleId::new(VEHICLE).unwrap(),
        primary_ecu_serial: serial("ECU-1"),
        ecu_version_reports: reports
            .into_iter()
            .map(|(ecu, report)| (serial(ecu), report))
            .collect::<BTreeMap<_, _>>(),
    }
}

fn good() -> VehicleManifest {
    manifest_of(vec![
        ("ECU-1", signed(&report("ECU-1", 4), &key(1))),
        ("ECU-2", signed(&report("ECU-2", 9), &key(2))),
    ])
}

fn verify(bytes: &[u8]) -> Result<VerifiedManifest, ManifestError> {
    parse_manifest(bytes)?.verify(key_of)
}

/// The manifest with its payload bent, signed again by `signer` with an honest signature entry.
fn resigned(bend: impl FnOnce(&mut Value), signer: &FileSigner) -> Vec<u8> {
    let bytes = now(sign_manifest(&good(), &key(1))).unwrap();
    let mut value: Value = serde_json::from_slice(&bytes).unwrap();
    bend(&mut value["signed"]);
    value["signatures"] = json!([entry(&value["signed"], signer)]);
    value.to_string().into_bytes()
}

fn entry(payload: &Value, signer: &FileSigner) -> Value {
    use sha2::Digest as _;
    let mut entry = signature(payload, signer);
    let hash = sha2::Sha256::digest(sealift_metadata::canonical::to_vec(payload));
    entry["method"] = signer.public().kind().scheme().into();
    entry["hash"] = json!({"function": "sha256", "value": hex::encode(hash)});
    entry
}

/// The manifest with something bent and not signed again.
fn tampered(bend: impl FnOnce(&mut Value)) -> Vec<u8> {
    let bytes = now(sign_manifest(&good(), &key(1))).unwrap();
    let mut value: Value = serde_json::from_slice(&bytes).unwrap();
    bend(&mut value);
    value.to_string().into_bytes()
}

/// U-5.4.2.1.1-2, U-5.4.2.1.2-2, U-5.4.2.1.2-3, U-5.4.2.1.2-4, U-5.4.2.1.2-5, U-5.4.2.1.2-6: what goes in comes out.
#[test]
fn a_good_manifest_is_verified() {
    let bytes = now(sign_manifest(&good(), &key(1))).unwrap();
    let manifest = parse_manifest(&bytes).unwrap();
    assert_eq!(manifest.vehicle_id().as_str(), VEHICLE);
    assert_eq!(manifest.primary_ecu_serial(), &serial("ECU-1"));
    let verified = manifest.verify(key_of).unwrap();
    assert_eq!(verified.reports()[&serial("ECU-2")], report("ECU-2", 9));
    assert_eq!(*verified.primary_report(), report("ECU-1", 4));
}

/// All three kinds of key sign reports.
#[test]
fn every_kind_of_key_signs_reports() {
    let p256 = FileSigner::generate(KeyType::P256, &mut SeededRng::new(8)).unwrap();
    let rsa = FileSigner::from_pem(include_str!("../data/rsa2048.pem"), None).unwrap();
    for signer in [key(1), p256, rsa] {
        let report = signed(&report("ECU-1", 1), &signer);
        report.verify(&serial("ECU-1"), signer.public()).unwrap();
        let bytes = report.to_bytes();
        let again = SignedReport::parse(&serde_json::from_slice(&bytes).unwrap()).unwrap();
        assert_eq!(again, report);
    }
}

/// U-5.4.2.1.1-1, U-5.4.2.1.2-1: each of the five parts of a signature entry, bent in turn.
#[test]
fn every_part_of_a_signature_entry_counts() {
    type Bend = fn(&mut Value);
    let bends: [Bend; 9] = [
        |entry| entry["keyid"] = "ab".repeat(32).into(),
        |entry| entry["method"] = "rsassa-pss-sha256".into(),
        |entry| entry["hash"]["function"] = "sha512".into(),
        |entry| entry["hash"]["value"] = "00".repeat(32).into(),
        |entry| entry["sig"] = "00".repeat(64).into(),
        |entry| entry["sig"] = "xyz".into(),
        |entry| drop(entry.as_object_mut().unwrap().remove("hash")),
        |entry| drop(entry.as_object_mut().unwrap().remove("method")),
        |entry| drop(entry.as_object_mut().unwrap().remove("keyid")),
    ];
    for bend in bends {
        assert!(verify(&tampered(|value| bend(&mut value["signatures"][0]))).is_err());
        let in_report = resigned(
            |payload| bend(&mut payload["ecu_version_reports"]["ECU-2"]["signatures"][0]),
            &key(1),
        );
        assert!(verify(&in_report).is_err());
    }
}

/// U-5.4.2.1.1-1: the signature is over the payload; a declared hash that is not its hash is refused even if all else fits.
#[test]
fn a_declared_hash_must_be_the_real_one() {
    let error = verify(&tampered(|value| {
        value["signatures"][0]["hash"]["value"] = "00".repeat(32).into()
    }))
    .unwrap_err();
    assert!(matches!(error, ManifestError::OtherHash(_)));
    let error = verify(&tampered(|value| value["signed"]["x"] = json!(1))).unwrap_err();
    assert!(matches!(error, ManifestError::OtherHash(_)));
}

/// U-5.3.2.1-6/7: a stranger, a Secondary in the Primary's place, the Primary in a Secondary's.
#[test]
fn only_registered_keys_sign() {
    for forger in [key(99), key(2)] {
        let error = verify(&resigned(|_| (), &forger)).unwrap_err();
        assert!(matches!(error, ManifestError::OtherKey { .. }));
    }
    let forged = signed(&report("ECU-2", 10), &key(1));
    let forged = manifest_of(vec![
        ("ECU-1", signed(&report("ECU-1", 4), &key(1))),
        ("ECU-2", forged),
    ]);
    let bytes = now(sign_manifest(&forged, &key(1))).unwrap();
    assert!(matches!(verify(&bytes), Err(ManifestError::OtherKey { ecu, .. }) if ecu == serial("ECU-2")));
}

/// A stranger's signature under the registered key id.
#[test]
fn a_signature_under_anothers_id_does_not_verify() {
    let bytes = resigned(|_| (), &key(99));
    let mut value: Value = serde_json::from_slice(&bytes).unwrap();
    value["signatures"][0]["keyid"] = key(1).public().keyid().as_str().into();
    assert!(matches!(
        verify(value.to_string().as_bytes()),
        Err(ManifestError::Signature { .. })
    ));
}

/// An ECU that is not registered.
#[test]
fn an_unregistered_ecu_is_refused() {
    let stranger = signed(&report("ECU-9", 1), &key(9));
    let mut manifest = good();
    manifest.ecu_version_reports.insert(serial("ECU-9"), stranger);
    let bytes = now(sign_manifest(&manifest, &key(1))).unwrap();
    assert!(matches!(verify(&bytes), Err(ManifestError::UnknownEcu(ecu)) if ecu == serial("ECU-9")));
}

/// U-5.4.2.1.2-2: a report is filed under its own serial. Registering both ECUs with one key does not help.
#[test]
fn a_misfiled_report_is_refused() {
    let misfiled = signed(&report("ECU-2", 9), &key(1));
    let manifest = manifest_of(vec![("ECU-1", misfiled)]);
    let bytes = now(sign_manifest(&manifest, &key(1))).unwrap();
    let verified = parse_manifest(&bytes)
        .unwrap()
        .verify(|_| Some(key(1).public().clone()));
    assert!(matches!(verified, Err(ManifestError::Misfiled { .. })));
}

/// A report of this ECU from another vehicle, such as the one it was taken from.
#[test]
fn a_report_of_another_vehicle_is_refused() {
    let mut elsewhere = report("ECU-2", 9);
    elsewhere.vehicle_id = VehicleId::new("VIN-2").unwrap();
    let mut manifest = good();
    manifest
        .ecu_version_reports
        .insert(serial("ECU-2"), signed(&elsewhere, &key(2)));
    let bytes = now(sign_manifest(&manifest, &key(1))).unwrap();
    assert!(matches!(verify(&bytes), Err(ManifestError::OtherVehicle(ecu)) if ecu == serial("ECU-2")));
}

/// Vehicle impersonation: the manifest names its vehicle for the caller to compare, and its reports must agree.
#[test]
fn a_manifest_cannot_change_its_vehicle() {
    let bytes = resigned(|payload| payload["vehicle_id"] = "VIN-2".into(), &key(1));
    assert_eq!(parse_manifest(&bytes).unwrap().vehicle_id().as_str(), "VIN-2");
    assert!(matches!(verify(&bytes), Err(ManifestError::OtherVehicle(_))));
}

/// U-5.4.2.1.1-3, X-21: the Primary's own report is required, on both sides.
#[test]
fn the_primarys_report_is_required() {
    let without = manifest_of(vec![("ECU-2", signed(&report("ECU-2", 9), &key(2)))]);
    assert!(matches!(
        now(sign_manifest(&without, &key(1))),
        Err(ManifestError::NoPrimaryReport(_))
    ));
    let bytes = resigned(
        |payload| {
            drop(
                payload["ecu_version_reports"]
                    .as_object_mut()
                    .unwrap()
                    .remove("ECU-1"),
            )
        },
        &key(1),
    );
    assert!(matches!(verify(&bytes), Err(ManifestError::NoPrimaryReport(_))));
}

/// U-5.3.2.1-9: an old report inside a fresh manifest verifies, and shows its old counter for the caller to refuse.
#[test]
fn a_replayed_report_shows_its_old_counter() {
    let old = signed(&report("ECU-2", 3), &key(2));
    let mut manifest = good();
    manifest.ecu_version_reports.insert(serial("ECU-2"), old);
    let bytes = now(sign_manifest(&manifest, &key(1))).unwrap();
    assert_eq!(
        verify(&bytes).unwrap().reports()[&serial("ECU-2")].report_counter,
        3
    );
}

/// U-5.4.2.1.1-2, U-5.4.2.1.2-3, U-5.4.2.1.2-4, U-5.4.2.1.2-5, U-5.4.2.1.2-6: every field of both payloads is required.
#[test]
fn every_field_is_required() {
    for field in ["vehicle_id", "primary_ecu_serial", "ecu_version_reports"] {
        assert!(
            parse_manifest(&resigned(
                |payload| drop(payload.as_object_mut().unwrap().remove(field)),
                &key(1)
            ))
            .is_err()
        );
    }
    let payload = report("ECU-1", 4).to_value().unwrap();
    for field in payload.as_object().unwrap().keys() {
        let mut bent = payload.clone();
        bent.as_object_mut().unwrap().remove(field);
        assert!(EcuReport::parse(&bent).is_err(), "{field}");
    }
    let mut nothing = payload.clone();
    nothing["installed_image"] = Value::Null;
    assert_eq!(EcuReport::parse(&nothing).unwrap().installed, None);
}

/// Caps: length, number of attacks, their form, counters.
#[test]
fn caps_hold() {
    assert!(parse_manifest(&vec![b' '; 256 * 1024 + 1]).is_err());
    let refused = |bend: fn(&mut EcuReport)| {
        let mut report = report("ECU-1", 1);
        bend(&mut report);
        assert!(report.to_value().is_err());
    };
    refused(|report| report.attacks_detected = (0..65).map(|n| format!("attack_{n}")).collect());
    refused(|report| report.attacks_detected = vec!["Not a code".into()]);
    refused(|report| report.attacks_detected = vec!["freeze".into(), "freeze".into()]);
    refused(|report| report.report_counter = u64::MAX);
    let mut entries = tampered(|_| ());
    let mut value: Value = serde_json::from_slice(&entries).unwrap();
    let twice = json!([value["signatures"][0], value["signatures"][0]]);
    value["signatures"] = twice;
    entries = value.to_string().into_bytes();
    assert!(parse_manifest(&entries).is_err(), "one signature, no more");
}

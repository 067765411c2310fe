//! Manifests: what is believed, and what is refused and recorded.

use crate::kit::{Log, World};
use jiff::SignedDuration;
use sealift_metadata::manifest::{EcuReport, InstalledImage, VehicleManifest, sign_manifest, sign_report};
use sealift_metadata::{EcuSerial, Signer, TargetPath};
use sealift_wire::ProblemKind;

/// U-5.3.2-1, U-5.3.2.1-10: what a vehicle has is not directed to it again.
#[tokio::test]
async fn an_install_is_confirmed_by_plaintext_and_release_counter() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let image = world.publish_sealed("fw/camera.img", b"plaintext", 7).await;
    world.assign(&vehicle, 1, "fw/camera.img").await.ok();
    let now = world.clock.now();
    let installed = |release_counter| InstalledImage {
        path: TargetPath::new("fw/camera.img").unwrap(),
        length: image.profile.plain.length,
        sha256: image.profile.plain.sha256,
        release_counter,
    };
    let manifest = vehicle
        .manifest(&[vehicle.report(0, 1, now), vehicle.installed(1, now, installed(6))])
        .await;
    world.put_manifest(&vehicle, manifest).await.ok();
    let camera = |shown: sealift_wire::Vehicle| shown.ecus.into_iter().find(|ecu| !ecu.primary).unwrap();
    assert_eq!(
        camera(world.show(&vehicle).await)
            .assignment
            .unwrap()
            .confirmed_at,
        None
    );

    let manifest = vehicle
        .manifest(&[vehicle.report(0, 2, now), vehicle.installed(2, now, installed(7))])
        .await;
    world.put_manifest(&vehicle, manifest).await.ok();
    let shown = world.show(&vehicle).await;
    assert_eq!(shown.last_seen_at, Some(now));
    let camera = camera(shown);
    assert_eq!(camera.assignment.unwrap().confirmed_at, Some(now));
    assert_eq!(
        camera.installed.unwrap().sha256,
        hex::encode(image.profile.plain.sha256)
    );
    // Up to date: nothing is directed any more.
    let timestamp = world.get(&vehicle, "/director/timestamp.json").await.ok().json();
    let version = timestamp["signed"]["version"].as_u64().unwrap();
    let targets = world
        .get(&vehicle, &format!("/director/{version}.targets.json"))
        .await
        .ok()
        .json();
    assert!(targets["signed"]["targets"].as_object().unwrap().is_empty());
}

#[tokio::test]
async fn the_same_bytes_again_have_no_effect() {
    let world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let manifest = vehicle.plain_manifest(1, world.clock.now()).await;
    let answer = world.put_manifest(&vehicle, manifest.clone()).await.ok();
    assert_eq!(answer.json(), serde_json::json!({}));
    let before = world.show(&vehicle).await;
    world.clock.advance(SignedDuration::from_secs(60));
    world.put_manifest(&vehicle, manifest).await.ok();
    assert_eq!(world.show(&vehicle).await, before);
}

/// D-dir-4, U-5.3.2.1-4, U-5.3.2.1-9, X-21: yesterday's manifest, other bytes under its counter, an old report in a
/// new manifest; each is on record.
#[tokio::test]
async fn a_counter_that_was_used_is_a_replay() {
    let world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let now = world.clock.now();
    let old = vehicle.plain_manifest(1, now).await;
    world.put_manifest(&vehicle, old.clone()).await.ok();
    world
        .put_manifest(&vehicle, vehicle.plain_manifest(2, now).await)
        .await
        .ok();
    // Yesterday's manifest.
    world
        .put_manifest(&vehicle, old)
        .await
        .problem(ProblemKind::ManifestReplay);
    // The same counter with other bytes.
    let other = EcuReport {
        attacks_detected: vec!["rollback".to_owned()],
        ..vehicle.report(0, 2, now)
    };
    let manifest = vehicle.manifest(&[other, vehicle.report(1, 3, now)]).await;
    world
        .put_manifest(&vehicle, manifest)
        .await
        .problem(ProblemKind::ManifestReplay);
    // An old report of a Secondary inside a fresh manifest.
    let manifest = vehicle
        .manifest(&[vehicle.report(0, 3, now), vehicle.report(1, 1, now)])
        .await;
    world
        .put_manifest(&vehicle, manifest)
        .await
        .problem(ProblemKind::ManifestReplay);
    assert_eq!(
        world
            .events(&vehicle)
            .await
            .iter()
            .filter(|kind| *kind == "manifest-replay")
            .count(),
        3
    );
    world
        .put_manifest(&vehicle, vehicle.plain_manifest(3, now).await)
        .await
        .ok();
}

#[tokio::test]
async fn the_last_report_of_a_secondary_that_sleeps_is_stale_and_not_a_replay() {
    let world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let now = world.clock.now();
    let asleep = vehicle.report(1, 1, now);
    world
        .put_manifest(
            &vehicle,
            vehicle
                .manifest(&[vehicle.report(0, 1, now), asleep.clone()])
                .await,
        )
        .await
        .ok();
    world.clock.advance(SignedDuration::from_secs(60));
    let later = world.clock.now();
    world
        .put_manifest(
            &vehicle,
            vehicle.manifest(&[vehicle.report(0, 2, later), asleep]).await,
        )
        .await
        .ok();
    let shown = world.show(&vehicle).await;
    let at = |primary| {
        shown
            .ecus
            .iter()
            .find(|ecu| ecu.primary == primary)
            .unwrap()
            .last_report_at
    };
    assert_eq!((at(true), at(false)), (Some(later), Some(now)));
}

/// U-5.3.2.1-1: the certificate says which vehicle it is.
#[tokio::test]
async fn another_vehicles_manifest_is_refused() {
    let world = World::new().await;
    let (one, two) = (world.vehicle("v1").await, world.vehicle("v2").await);
    let manifest = one.plain_manifest(1, world.clock.now()).await;
    world
        .put_manifest(&two, manifest.clone())
        .await
        .problem(ProblemKind::WrongVehicle);
    assert!(world.events(&two).await.contains(&"wrong-vehicle".to_owned()));
    world.put_manifest(&one, manifest).await.ok();
}

/// U-5.3.2.1-5, U-5.3.2.1-3: a manifest that leaves an ECU out.
#[tokio::test]
async fn every_ecu_of_the_inventory_must_report() {
    let world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let manifest = vehicle.manifest(&[vehicle.report(0, 1, world.clock.now())]).await;
    let problem = world
        .put_manifest(&vehicle, manifest)
        .await
        .problem(ProblemKind::ManifestRefused);
    assert!(problem.detail.unwrap().contains("v1-camera"));
    assert_eq!(world.show(&vehicle).await.last_seen_at, None);
}

/// U-5.3.2.1-6, U-5.3.2.1-7, U-5.3.2.2-8: each signs for itself, and the Primary alone for the vehicle.
#[tokio::test]
async fn a_primary_cannot_report_for_a_secondary() {
    let world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let now = world.clock.now();
    let (own, other) = (vehicle.report(0, 1, now), vehicle.report(1, 1, now));
    let primary = &vehicle.ecus[0].signer;
    let reports = [
        (own.ecu_serial.clone(), sign_report(&own, primary).await.unwrap()),
        (
            other.ecu_serial.clone(),
            sign_report(&other, primary).await.unwrap(),
        ),
    ];
    let manifest = VehicleManifest {
        vehicle_id: vehicle.id.clone(),
        primary_ecu_serial: own.ecu_serial.clone(),
        ecu_version_reports: reports.into(),
    };
    let bytes = sign_manifest(&manifest, primary).await.unwrap();
    world
        .put_manifest(&vehicle, bytes)
        .await
        .problem(ProblemKind::ManifestRefused);
    // Nor can a Secondary sign for the vehicle.
    let camera = &vehicle.ecus[1].signer;
    let bytes = sign_manifest(&manifest, camera).await.unwrap();
    world
        .put_manifest(&vehicle, bytes)
        .await
        .problem(ProblemKind::ManifestRefused);
    assert_eq!(camera.public().keyid().as_str().len(), 64);
}

/// U-5.3.2.1-7, U-5.4.2.1.2-2: a report is of the ECU that it names.
#[tokio::test]
async fn a_report_filed_under_another_ecu_is_refused() {
    let world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let own = vehicle.report(0, 1, world.clock.now());
    let signed = sign_report(&own, &vehicle.ecus[0].signer).await.unwrap();
    let manifest = VehicleManifest {
        vehicle_id: vehicle.id.clone(),
        primary_ecu_serial: own.ecu_serial.clone(),
        ecu_version_reports: [
            (own.ecu_serial.clone(), signed.clone()),
            (EcuSerial::new("v1-camera").unwrap(), signed),
        ]
        .into(),
    };
    let bytes = sign_manifest(&manifest, &vehicle.ecus[0].signer).await.unwrap();
    world
        .put_manifest(&vehicle, bytes)
        .await
        .problem(ProblemKind::ManifestRefused);
}

/// U-5.3.2.1-8: not ahead of the server, and never back.
#[tokio::test]
async fn times_must_be_plausible() {
    let world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let now = world.clock.now();
    let ahead = now + SignedDuration::from_mins(6);
    let manifest = vehicle.plain_manifest(1, ahead).await;
    world
        .put_manifest(&vehicle, manifest)
        .await
        .problem(ProblemKind::ManifestRefused);
    world
        .put_manifest(
            &vehicle,
            vehicle
                .plain_manifest(2, now + SignedDuration::from_mins(4))
                .await,
        )
        .await
        .ok();
    let manifest = vehicle.plain_manifest(3, now).await;
    world
        .put_manifest(&vehicle, manifest)
        .await
        .problem(ProblemKind::ManifestRefused);
}

/// U-5.3.2.1-6: among other damage a signature with one digit changed.
#[tokio::test]
async fn what_is_no_manifest_is_refused() {
    let world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let manifest = vehicle.plain_manifest(1, world.clock.now()).await;
    let mut flipped = manifest.clone();
    let at = manifest.windows(5).position(|w| w == b"\"sig\"").unwrap() + 8;
    flipped[at] = if flipped[at] == b'0' { b'1' } else { b'0' };
    for bytes in [
        b"{}".to_vec(),
        b"".to_vec(),
        b"[1".to_vec(),
        manifest[..manifest.len() - 1].to_vec(),
        flipped,
    ] {
        world
            .put_manifest(&vehicle, bytes)
            .await
            .problem(ProblemKind::ManifestRefused);
    }
    world
        .put_manifest(&vehicle, vec![b' '; 256 * 1024 + 1])
        .await
        .problem(ProblemKind::BodyTooLarge);
    world.put_manifest(&vehicle, manifest).await.ok();
}

#[tokio::test]
async fn attacks_that_an_ecu_saw_are_kept() {
    let world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let now = world.clock.now();
    let report = EcuReport {
        attacks_detected: vec!["freeze".to_owned()],
        ..vehicle.report(1, 1, now)
    };
    world
        .put_manifest(
            &vehicle,
            vehicle.manifest(&[vehicle.report(0, 1, now), report]).await,
        )
        .await
        .ok();
    let shown = world.show(&vehicle).await;
    assert_eq!(
        shown.ecus.iter().find(|ecu| !ecu.primary).unwrap().attacks,
        ["freeze"]
    );
    assert!(
        world
            .events(&vehicle)
            .await
            .contains(&"attacks-reported".to_owned())
    );
}

/// What a vehicle writes into its manifest stays inside of one line of the log.
#[tokio::test]
async fn a_manifest_cannot_forge_lines_of_the_log() {
    let world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let manifest = vehicle.plain_manifest(1, world.clock.now()).await;
    let mut manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    manifest["signatures"][0]["keyid"] = "x\nFORGED vehicle=v2 install confirmed".into();
    world
        .put_manifest(&vehicle, serde_json::to_vec(&manifest).unwrap())
        .await
        .problem(ProblemKind::ManifestRefused);
    let text = Log::of_this_process().text();
    assert!(text.contains("FORGED"), "{text}");
    assert!(!text.lines().any(|line| line.starts_with("FORGED")), "{text}");
}

//! What may be assigned to which ECU, and what the key broker refuses.

use crate::kit::{TestVehicle, World};
use http::{Method, StatusCode};
use sealift_metadata::TargetPath;
use sealift_metadata::manifest::InstalledImage;
use sealift_wire::ProblemKind;

/// U-5.2.3.1.1-10, X-8: one ECU opens it, and no other.
#[tokio::test]
async fn a_sealed_image_is_assigned_with_a_key_box_for_that_ecu_alone() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let image = world.publish_sealed("fw/camera.img", b"plaintext", 3).await;
    let answer = world.assign(&vehicle, 1, "fw/camera.img").await.ok();
    assert_eq!(answer.json()["target"], "fw/camera.img");
    let row = sealift_server::db::Inventory::vehicle(&world.parts.db, "v1")
        .await
        .unwrap()
        .unwrap();
    let camera = row.ecus.iter().find(|ecu| !ecu.primary).unwrap();
    let bytes = camera.assignment.as_ref().unwrap().key_box.clone().unwrap();

    let key_box = sealift_envelope::KeyBox::parse(&bytes).unwrap();
    let (header, _) = sealift_envelope::Header::parse(&image.object).unwrap();
    let binding = |vehicle: &str, ecu: &str| {
        sealift_envelope::Binding::key_box(world.repository_id.to_string(), "fw/camera.img", vehicle, ecu)
    };
    let key = key_box
        .open(&vehicle.ecus[1].sealing, &binding("v1", "v1-camera"))
        .unwrap();
    header.check_key(&key).unwrap();
    assert!(
        key_box
            .open(&vehicle.ecus[0].sealing, &binding("v1", "v1-camera"))
            .is_err()
    );
    assert!(
        key_box
            .open(&vehicle.ecus[1].sealing, &binding("v2", "v1-camera"))
            .is_err()
    );
    assert!(
        key_box
            .open(&vehicle.ecus[1].sealing, &binding("v1", "v1-gateway"))
            .is_err()
    );
}

/// U-5.4.3.4-4: said at assignment, where an operator hears it, and not only by the vehicle.
#[tokio::test]
async fn an_older_release_than_the_installed_one_is_refused() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let image = world.publish_sealed("fw/new.img", b"new", 7).await;
    world.publish_sealed("fw/old.img", b"old", 6).await;
    world.publish_sealed("fw/same.img", b"same", 7).await;
    let now = world.clock.now();
    let installed = InstalledImage {
        path: TargetPath::new("fw/new.img").unwrap(),
        length: image.profile.plain.length,
        sha256: image.profile.plain.sha256,
        release_counter: 7,
    };
    let manifest = vehicle
        .manifest(&[vehicle.report(0, 1, now), vehicle.installed(1, now, installed)])
        .await;
    world.put_manifest(&vehicle, manifest).await.ok();
    world
        .assign(&vehicle, 1, "fw/old.img")
        .await
        .problem(ProblemKind::ReleaseOlder);
    world.assign(&vehicle, 1, "fw/same.img").await.ok();
}

/// U-5.3.2.2-9: among it an image for other hardware.
#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_reason() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    world.publish_sealed("fw/camera.img", b"plaintext", 1).await;
    world
        .assign(&vehicle, 0, "fw/camera.img")
        .await
        .problem(ProblemKind::HardwareMismatch);
    world
        .assign(&vehicle, 1, "fw/unknown.img")
        .await
        .problem(ProblemKind::TargetUnknown);
    world
        .assign(&vehicle, 1, "../fw")
        .await
        .problem(ProblemKind::Invalid);
    let stranger = TestVehicle::new("v2");
    world
        .assign(&stranger, 1, "fw/camera.img")
        .await
        .problem(ProblemKind::NotFound);
    let path = "/api/v1/vehicles/v1/ecus/nobody/assignment";
    let body = serde_json::json!({"target": "fw/camera.img"});
    world
        .operator(Method::PUT, path, Some(body))
        .await
        .problem(ProblemKind::NotFound);
    assert!(
        world
            .show(&vehicle)
            .await
            .ecus
            .iter()
            .all(|ecu| ecu.assignment.is_none())
    );
}

#[tokio::test]
async fn a_sealed_image_needs_a_sealing_key_and_require_sealed_needs_a_sealed_image() {
    let mut world = World::new().await;
    world.publish_sealed("fw/camera.img", b"plaintext", 1).await;
    world.publish_plain("fw/open.img", b"plaintext", 1).await;
    let keyless = TestVehicle::new("v1");
    let mut registration = keyless.registration();
    registration.ecus[1].sealing_key_pem = None;
    let body = serde_json::to_value(registration).unwrap();
    world
        .operator(Method::POST, "/api/v1/vehicles", Some(body))
        .await
        .ok();
    world
        .assign(&keyless, 1, "fw/camera.img")
        .await
        .problem(ProblemKind::SealingKeyMissing);
    world.assign(&keyless, 1, "fw/open.img").await.ok();

    let mut strict = TestVehicle::new("v2");
    strict.ecus[1].require_sealed = true;
    world.register(&strict).await.ok();
    world
        .assign(&strict, 1, "fw/open.img")
        .await
        .problem(ProblemKind::SealingRequired);
    world.assign(&strict, 1, "fw/camera.img").await.ok();
}

/// A supplier lists another's sealed object, with a copy of its key file, under a name of his own: the stanza is bound to
/// the path that it was made for, so the Director cannot be made to open it for him.
#[tokio::test]
async fn a_copy_of_a_sealed_object_under_another_path_gets_no_key() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let image = world.publish_sealed("fw/camera.img", b"plaintext", 1).await;
    let copy = TargetPath::new("supplier/copy.img").unwrap();
    let keys = |path: &TargetPath| {
        let name = format!(
            "data/repository/private/keys/{}.keys",
            path.store_name(&image.sha256)
        );
        world.dir.path().join(name)
    };
    std::fs::create_dir_all(keys(&copy).parent().unwrap()).unwrap();
    std::fs::copy(keys(&image.path), keys(&copy)).unwrap();
    world
        .list(copy, &image.plain, image.object.clone(), image.profile.clone())
        .await;
    world
        .assign(&vehicle, 1, "supplier/copy.img")
        .await
        .problem(ProblemKind::ContentKeyRefused);
    world.assign(&vehicle, 1, "fw/camera.img").await.ok();
}

#[tokio::test]
async fn a_header_that_was_not_signed_is_not_parsed() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let image = world.publish_sealed("fw/camera.img", b"plaintext", 1).await;
    let object = world.dir.path().join(format!("data/repository{}", image.url()));
    let mut bytes = image.object.clone();
    bytes[20] ^= 1;
    std::fs::write(&object, bytes).unwrap();
    world
        .assign(&vehicle, 1, "fw/camera.img")
        .await
        .problem(ProblemKind::RepositoryUntrusted);
}

#[tokio::test]
async fn a_missing_key_file_and_a_foreign_kek_are_told_apart() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let image = world.publish_sealed("fw/camera.img", b"plaintext", 1).await;
    let name = format!(
        "data/repository/private/keys/{}.keys",
        image.path.store_name(&image.sha256)
    );
    std::fs::remove_file(world.dir.path().join(name)).unwrap();
    let problem = world
        .assign(&vehicle, 1, "fw/camera.img")
        .await
        .problem(ProblemKind::ContentKeyRefused);
    assert!(problem.detail.unwrap().contains("no key file"));
    let mut rng = world.rng.clone();
    world.kek = sealift_envelope::PrivateKey::generate_p256(&mut rng);
    world.publish_sealed("fw/other.img", b"plaintext", 1).await;
    let problem = world
        .assign(&vehicle, 1, "fw/other.img")
        .await
        .problem(ProblemKind::ContentKeyRefused);
    assert!(problem.next.unwrap().contains("kek rotate"));
}

#[tokio::test]
async fn an_assignment_can_be_taken_back_and_a_revoked_vehicle_gets_none() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    world.publish_plain("a.img", b"x", 1).await;
    world.assign(&vehicle, 1, "a.img").await.ok();
    let path = format!("/api/v1/vehicles/v1/ecus/{}/assignment", vehicle.ecus[1].serial);
    for _ in 0..2 {
        assert_eq!(
            world.operator(Method::DELETE, &path, None).await.status,
            StatusCode::NO_CONTENT
        );
    }
    assert!(
        world
            .show(&vehicle)
            .await
            .ecus
            .iter()
            .all(|ecu| ecu.assignment.is_none())
    );
    world
        .operator(Method::POST, "/api/v1/vehicles/v1/revoke", None)
        .await
        .ok();
    world
        .assign(&vehicle, 1, "a.img")
        .await
        .problem(ProblemKind::VehicleRevoked);
}

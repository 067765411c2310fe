//! Images that suppliers list in roles of their own: assigned and handed out as vehicles will find them.

use crate::director::{agreed, provisioned, refresh};
use crate::kit::{TestVehicle, World};
use jiff::SignedDuration;
use sealift_metadata::HardwareId;
use sealift_wire::ProblemKind;

/// The targets that the Director hands out, after a view of the images could have aged.
async fn handed_out(world: &World, vehicle: &TestVehicle) -> Vec<String> {
    world.clock.advance(SignedDuration::from_secs(60));
    let director = refresh(world, vehicle, &mut provisioned(world)).await.unwrap();
    let targets = director.targets().role().targets();
    targets.keys().map(ToString::to_string).collect()
}

/// Publishes an image for the hardware of both ECUs.
async fn publish_for_both(world: &mut World, path: &str, plain: &[u8]) {
    let mut image = world.publish_plain(path, plain, 3).await;
    let both = ["hw-camera", "hw-gateway"].map(|id| HardwareId::new(id).unwrap());
    image.profile.hardware_ids = both.into();
    world.list(image.path, plain, image.object, image.profile).await;
}

/// U-5.4.4.2-14: by the server's own search and by that of the vehicle.
#[tokio::test]
async fn an_image_in_a_suppliers_role_is_assigned() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let image = world.publish_sealed("sup/camera.img", b"plaintext", 3).await;
    let mut supplier = world.supplier("supplier-a", &["sup/*"]);
    supplier.hardware = vec!["hw-camera"];
    world.delegate(&mut [supplier], &[("sup/camera.img", 0)]).await;

    world.assign(&vehicle, 1, "sup/camera.img").await.ok();

    let director = refresh(&world, &vehicle, &mut provisioned(&world)).await.unwrap();
    let trusted = agreed(&world, &vehicle, &director).await.unwrap();
    assert_eq!(trusted.len(), 1);
    assert_eq!(*trusted[0].sha256(), image.sha256);
    assert!(trusted[0].ecus()[0].key_box().is_some());
}

#[tokio::test]
async fn the_image_of_a_revoked_role_is_handed_out_no_longer() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    world.publish_plain("sup/camera.img", b"plaintext", 3).await;
    let mut suppliers = [world.supplier("supplier", &["sup/*"])];
    world.delegate(&mut suppliers, &[("sup/camera.img", 0)]).await;
    world.assign(&vehicle, 1, "sup/camera.img").await.ok();
    assert_eq!(handed_out(&world, &vehicle).await, ["sup/camera.img"]);

    suppliers[0].revoked = true;
    world.delegate(&mut suppliers, &[]).await;

    assert_eq!(handed_out(&world, &vehicle).await, [""; 0]);
    let again = world.assign(&vehicle, 1, "sup/camera.img").await;
    again.problem(ProblemKind::TargetUnknown);
}

/// Outside of its paths, or for hardware that is not its own.
#[tokio::test]
async fn what_a_supplier_may_not_sign_is_not_assigned() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    world.publish_plain("sup/camera.img", b"plaintext", 3).await;
    let mut suppliers = [world.supplier("supplier", &[])];
    let mut moved = vec![("sup/camera.img", 0)];
    for (paths, hardware) in [("other/*", "hw-camera"), ("sup/*", "hw-gateway")] {
        suppliers[0].paths = vec![paths];
        suppliers[0].hardware = vec![hardware];
        world.delegate(&mut suppliers, &moved).await;
        moved.clear();
        let refused = world.assign(&vehicle, 1, "sup/camera.img").await;
        refused.problem(ProblemKind::TargetUnknown);
    }
    suppliers[0].hardware.push("hw-camera");
    world.delegate(&mut suppliers, &moved).await;
    world.assign(&vehicle, 1, "sup/camera.img").await.ok();
}

/// a role that cannot be had or has expired keeps back its own targets: an operator is told, and other assignments go on.
#[tokio::test]
async fn a_bad_role_is_no_bar_to_its_siblings() {
    for missing in [true, false] {
        let mut world = World::new().await;
        let vehicle = world.vehicle("v1").await;
        for path in ["bad/camera.img", "good/gateway.img"] {
            publish_for_both(&mut world, path, b"plaintext").await;
        }
        let mut suppliers = [
            world.supplier("bad", &["bad/*"]),
            world.supplier("good", &["good/*"]),
        ];
        let moved = [("bad/camera.img", 0), ("good/gateway.img", 1)];
        world.delegate(&mut suppliers, &moved).await;
        world.assign(&vehicle, 1, "bad/camera.img").await.ok();
        if !missing {
            suppliers[0].expires = world.clock.now() - SignedDuration::from_hours(1);
        }
        let version = world.delegate(&mut suppliers, &[]).await;
        if missing {
            std::fs::remove_file(world.role_file(&suppliers[0], version)).unwrap();
        }

        assert_eq!(handed_out(&world, &vehicle).await, [""; 0]);
        let refused = world.assign(&vehicle, 1, "bad/camera.img").await;
        refused.problem(ProblemKind::RepositoryUntrusted);
        world.assign(&vehicle, 1, "good/gateway.img").await.ok();
        assert_eq!(handed_out(&world, &vehicle).await, ["good/gateway.img"]);
    }
}

/// A vehicle looks for a target on the hardware of all ECUs that are to install it. A second ECU for which another role signs would
/// take the image from the first.
#[tokio::test]
async fn a_target_is_assigned_to_hardware_that_one_role_may_sign_for() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    publish_for_both(&mut world, "sup/any.img", b"plaintext").await;
    let mut suppliers = [
        world.supplier("cameras", &["sup/*"]),
        world.supplier("gateways", &["sup/*"]),
    ];
    suppliers[0].hardware = vec!["hw-camera"];
    suppliers[1].hardware = vec!["hw-gateway"];
    world.delegate(&mut suppliers, &[("sup/any.img", 0)]).await;
    suppliers[1].listed = suppliers[0].listed.clone();
    world.delegate(&mut suppliers, &[]).await;
    world.assign(&vehicle, 1, "sup/any.img").await.ok();
    assert_eq!(handed_out(&world, &vehicle).await, ["sup/any.img"]);

    let refused = world.assign(&vehicle, 0, "sup/any.img").await;
    refused.problem(ProblemKind::TargetUnknown);
    assert_eq!(handed_out(&world, &vehicle).await, ["sup/any.img"]);

    suppliers[0].hardware.push("hw-gateway");
    world.delegate(&mut suppliers, &[]).await;
    world.assign(&vehicle, 0, "sup/any.img").await.ok();
    let director = refresh(&world, &vehicle, &mut provisioned(&world)).await.unwrap();
    let trusted = agreed(&world, &vehicle, &director).await.unwrap();
    assert_eq!(trusted[0].ecus().len(), 2);

    // Each role may sign for its own again: together they would get nothing.
    suppliers[0].hardware.pop();
    world.delegate(&mut suppliers, &[]).await;
    assert_eq!(handed_out(&world, &vehicle).await, [""; 0]);
}

/// One that is withheld may have been the reason why another role decided: what is left is looked for again, as the vehicle will.
#[tokio::test]
async fn what_is_left_is_looked_for_by_itself() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let mut suppliers = [
        world.supplier("cameras", &["sup/*"]),
        world.supplier("any", &["sup/*"]),
    ];
    suppliers[0].hardware = vec!["hw-camera"];
    for (plain, supplier) in [("for cameras", 0), ("for all", 1)] {
        publish_for_both(&mut world, "sup/any.img", plain.as_bytes()).await;
        world.delegate(&mut suppliers, &[("sup/any.img", supplier)]).await;
    }
    world.assign(&vehicle, 0, "sup/any.img").await.ok();
    publish_for_both(&mut world, "sup/any.img", b"for all again").await;
    world.delegate(&mut suppliers, &[("sup/any.img", 1)]).await;
    world.assign(&vehicle, 1, "sup/any.img").await.ok();

    // The gateway has been assigned what is listed no longer, and the camera alone would find what is for cameras.
    assert_eq!(handed_out(&world, &vehicle).await, [""; 0]);

    world.assign(&vehicle, 0, "sup/any.img").await.ok();
    assert_eq!(handed_out(&world, &vehicle).await, ["sup/any.img"]);
    let director = refresh(&world, &vehicle, &mut provisioned(&world)).await.unwrap();
    let trusted = agreed(&world, &vehicle, &director).await.unwrap();
    assert_eq!(trusted[0].ecus().len(), 2);
}

//! Assignments that must not lead to an installation.

use sealift_tests::process::Run;
use sealift_tests::world::{Vehicle, World};

const ECU: &str = "BRAIN-1,hardware=hw-brain,primary";

/// Assigns, and has the vehicle try if the server took it; whoever refuses first, nothing may be installed.
#[track_caller]
fn never_installed(world: &World, vehicle: &Vehicle, target: &str) -> Run {
    let before = vehicle.installed("BRAIN-1");
    let assign = [
        "vehicle", "assign", "VIN-1", "--ecu", "BRAIN-1", "--target", target,
    ];
    let mut run = world.operator(&assign).run();
    if run.code() == Some(0) {
        run = vehicle.once();
    }
    assert_eq!(vehicle.installed("BRAIN-1"), before, "{run}");
    run
}

#[test]
fn an_image_for_other_hardware() {
    let mut world = World::new();
    world.publish("radio.img", "hw-radio", 1, &world.image("radio.img", &[1; 5000]));
    world.start_server();
    let vehicle = world.provision("VIN-1", &[ECU]);
    never_installed(&world, &vehicle, "radio.img").complains("hardware");
}

#[test]
fn a_target_that_is_not_signed() {
    let mut world = World::new();
    world.publish("app.img", "hw-brain", 1, &world.image("app.img", &[1; 5000]));
    world.start_server();
    let vehicle = world.provision("VIN-1", &[ECU]);
    let run = never_installed(&world, &vehicle, "none.img");
    assert_eq!(run.code(), Some(5), "not found, as cli.md says: {run}");
    run.complains("none.img");
}

#[test]
fn an_older_release_than_the_installed_one() {
    let mut world = World::new();
    for counter in [1, 2] {
        let path = world.image("app.img", &[7; 5000]);
        world.publish(&format!("app-{counter}.img"), "hw-brain", counter, &path);
    }
    world.start_server();
    let vehicle = world.provision("VIN-1", &[ECU]);
    world.assign("VIN-1", "BRAIN-1", "app-2.img");
    let _ = vehicle.once().ok();
    let bytes = [8; 5000];
    world.publish("old.img", "hw-brain", 1, &world.image("old.img", &bytes));
    let _ = never_installed(&world, &vehicle, "old.img");
}

#[test]
fn an_unsealed_image_where_a_sealed_one_is_required() {
    let mut world = World::new();
    let path = world.image("open.img", &[1; 5000]);
    let _ = world
        .target_add_unsealed("open.img", "hw-brain", 1, &path)
        .run()
        .ok();
    world.start_server();
    let strict = world.provision("VIN-1", &["BRAIN-1,hardware=hw-brain,primary,require-sealed"]);
    let _ = never_installed(&world, &strict, "open.img");
    let lax = world.provision("VIN-2", &["BRAIN-2,hardware=hw-brain,primary"]);
    world.assign("VIN-2", "BRAIN-2", "open.img");
    let _ = lax.once().ok();
    assert_eq!(lax.installed("BRAIN-2"), Some(vec![1; 5000]));
}

#[test]
fn a_target_that_was_removed_meanwhile() {
    let mut world = World::new();
    world.publish("app.img", "hw-brain", 1, &world.image("app.img", &[1; 5000]));
    world.start_server();
    let vehicle = world.provision("VIN-1", &[ECU]);
    world.assign("VIN-1", "BRAIN-1", "app.img");
    let _ = world.target_remove("app.img").run().ok();
    let run = vehicle.once();
    assert_eq!(vehicle.installed("BRAIN-1"), None, "{run}");
}

//! Metadata that were right once are shown again.

use std::collections::HashMap;

use http::StatusCode;
use sealift_tests::front::{Front, Lie};
use sealift_tests::rng::image;
use sealift_tests::world::{Vehicle, World};

use super::{ECU, REFUSED, code, reported};

struct Scene {
    world: World,
    vehicle: Vehicle,
    front: Front,
    yesterday: HashMap<String, Vec<u8>>,
    today: Vec<u8>,
}

/// The vehicle has seen version 2 of everything; an image of version 3 waits for it.
fn scene() -> Scene {
    let mut world = World::new();
    let publish = |world: &World, version: u64| {
        let bytes = image(&format!("version {version}"), 70_000);
        let path = world.image("app.img", &bytes);
        world.publish(
            &format!("ecu/brain/app-{version}.img"),
            "hw-brain",
            version,
            &path,
        );
        bytes
    };
    publish(&world, 1);
    world.start_server();
    let vehicle = world.provision("VIN-1", &[ECU]);
    world.assign("VIN-1", "BRAIN-1", "ecu/brain/app-1.img");
    let front = world.front_for(&vehicle);
    let _ = vehicle.once().ok();

    let client = world.client_of(&vehicle);
    let mut yesterday = HashMap::new();
    for path in ["/repo/timestamp.json", "/director/timestamp.json"] {
        let url = format!("https://{}{path}", world.vehicles_address());
        let bytes = world
            .block_on(async { client.client().get(url).send().await?.bytes().await })
            .unwrap();
        yesterday.insert(path.to_owned(), bytes.to_vec());
    }

    publish(&world, 2);
    world.assign("VIN-1", "BRAIN-1", "ecu/brain/app-2.img");
    let _ = vehicle.once().ok();
    let today = vehicle.installed("BRAIN-1").unwrap();
    publish(&world, 3);
    world.assign("VIN-1", "BRAIN-1", "ecu/brain/app-3.img");
    Scene {
        world,
        vehicle,
        front,
        yesterday,
        today,
    }
}

fn replayed(path: &'static str) {
    let Scene {
        world,
        vehicle,
        front,
        yesterday,
        today,
    } = scene();
    front.lie(move |asked| match yesterday.get(&asked.path) {
        Some(bytes) if asked.path == path => Lie::Replace(StatusCode::OK, bytes.clone()),
        _ => Lie::None,
    });
    let run = vehicle.once().exits(REFUSED);
    assert_eq!(code(&run), "rollback", "{run}");
    assert_eq!(reported(&run), ["rollback"], "{run}");
    assert_eq!(world.ecu("VIN-1", "BRAIN-1")["attacks"][0], "rollback");
    assert_eq!(
        vehicle.installed("BRAIN-1"),
        Some(today),
        "the installed image stays"
    );

    front.behave();
    let _ = vehicle.once().ok();
    assert_eq!(vehicle.installed("BRAIN-1"), Some(image("version 3", 70_000)));
}

/// U-5.4.4.4-3: yesterday's timestamp of the Image repository, and what is good afterwards installs.
#[test]
fn an_old_image_repository_is_refused() {
    replayed("/repo/timestamp.json");
}

/// U-5.4.4.4-3: yesterday's timestamp of the Director, and what is good afterwards installs.
#[test]
fn an_old_decision_of_the_director_is_refused() {
    replayed("/director/timestamp.json");
}

#[test]
fn the_whole_store_put_back_is_refused() {
    let mut world = World::new();
    let first = world.image("first.img", &image("first", 70_000));
    world.publish("ecu/brain/app-1.img", "hw-brain", 1, &first);
    let photograph = world.tree().photograph();
    world.publish("ecu/brain/app-2.img", "hw-brain", 2, &first);
    world.start_server();
    let vehicle = world.provision("VIN-1", &[ECU]);
    world.assign("VIN-1", "BRAIN-1", "ecu/brain/app-2.img");
    let _ = vehicle.once().ok();
    photograph.put_back();
    let _ = world
        .operator(&["vehicle", "unassign", "VIN-1", "--ecu", "BRAIN-1"])
        .run()
        .ok();
    let refused = world.operator(&[
        "vehicle",
        "assign",
        "VIN-1",
        "--ecu",
        "BRAIN-1",
        "--target",
        "ecu/brain/app-1.img",
    ]);
    // The server walks the repository with a memory of its own and decides nothing on the strength of old metadata.
    let run = refused.run().fails();
    assert!(
        run.stderr().contains("rollback") || run.stderr().contains("older"),
        "{run}"
    );
}

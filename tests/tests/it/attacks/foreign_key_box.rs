//! Someone who holds the Director's online keys gives a vehicle the key box of another.

use http::StatusCode;
use sealift_tests::forge::{Forger, InForce};
use sealift_tests::front::Lie;
use sealift_tests::world::{Vehicle, World};
use serde_json::Value;

use super::{REFUSED, TARGET, code, one_vehicle};

/// The Director's documents for one vehicle, as its certificate gets them.
fn director(world: &World, vehicle: &Vehicle) -> InForce {
    let client = world.client_of(vehicle);
    InForce::read(|name| {
        let url = format!("https://{}/director/{name}", world.vehicles_address());
        world
            .block_on(async { client.client().get(url).send().await?.bytes().await })
            .unwrap()
            .to_vec()
    })
}

fn ecu<'a>(targets: &'a mut Value, serial: &str) -> &'a mut Value {
    &mut targets["targets"][TARGET]["custom"]["director"]["ecus"][serial]
}

#[test]
fn another_vehicles_key_box_opens_nothing() {
    let (world, vehicle, _) = one_vehicle();
    let other = world.provision("VIN-2", &["BRAIN-2,hardware=hw-brain,primary"]);
    world.assign("VIN-2", "BRAIN-2", TARGET);
    let mut foreign = director(&world, &other).targets;
    let stolen = ecu(&mut foreign, "BRAIN-2")["key_box"].clone();
    assert!(stolen.is_object(), "{foreign}");
    given(&world, &vehicle, |targets| {
        ecu(targets, "BRAIN-1")["key_box"] = stolen
    });
}

#[test]
fn a_key_box_for_the_same_key_under_another_name_opens_nothing() {
    let (world, vehicle, _) = one_vehicle();
    // The same sealing key in a second vehicle: found by its key id, but bound to the other vehicle's name.
    let twin = world.provision("VIN-2", &["BRAIN-2,hardware=hw-brain,primary"]);
    world.assign("VIN-2", "BRAIN-2", TARGET);
    std::fs::copy(
        twin.path("keys/BRAIN-2.sealing.pem"),
        vehicle.path("keys/BRAIN-1.sealing.pem"),
    )
    .unwrap();
    let mut foreign = director(&world, &twin).targets;
    let stolen = ecu(&mut foreign, "BRAIN-2")["key_box"].clone();
    given(&world, &vehicle, |targets| {
        ecu(targets, "BRAIN-1")["key_box"] = stolen
    });
}

#[test]
fn a_target_without_a_key_box_is_refused() {
    let (world, vehicle, _) = one_vehicle();
    given(&world, &vehicle, |targets| {
        ecu(targets, "BRAIN-1").as_object_mut().unwrap().remove("key_box");
    });
}

/// Shows `vehicle` forged documents of the Director and expects that it installs nothing.
fn given(world: &World, vehicle: &Vehicle, change: impl FnOnce(&mut Value)) {
    let forger = Forger::new(
        &world.path("director/director-targets.pem"),
        &world.path("director/director-snapshot.pem"),
        &world.path("director/director-timestamp.pem"),
    );
    let forged = world.block_on(forger.next(director(world, vehicle), change));
    let front = world.front_for(vehicle);
    front.lie(move |asked| {
        match asked
            .path
            .strip_prefix("/director/")
            .and_then(|name| forged.get(name))
        {
            Some(bytes) => Lie::Replace(StatusCode::OK, bytes.to_vec()),
            None => Lie::None,
        }
    });
    let run = vehicle.once().exits(REFUSED);
    assert_eq!(code(&run), "decrypt_failed", "{run}");
    assert_eq!(vehicle.installed("BRAIN-1"), None);
}

//! Someone who holds the Director's online keys gives a vehicle the key box of another.

use super::rogue_director::{director, ecu, refused};
use super::{TARGET, one_vehicle};

/// a key box of another ECU, with another key.
#[test]
fn another_vehicles_key_box_opens_nothing() {
    let (world, vehicle, _) = one_vehicle();
    let other = world.provision("VIN-2", &["BRAIN-2,hardware=hw-brain,primary"]);
    world.assign("VIN-2", "BRAIN-2", TARGET);
    let mut foreign = director(&world, &other).targets;
    let stolen = ecu(&mut foreign, TARGET, "BRAIN-2")["key_box"].clone();
    assert!(stolen.is_object(), "{foreign}");
    refused(&world, &vehicle, "decrypt_failed", |targets| {
        ecu(targets, TARGET, "BRAIN-1")["key_box"] = stolen
    });
}

/// the same sealing key in a second vehicle finds its key id in the box, but the box is bound to that vehicle.
#[test]
fn a_key_box_for_the_same_key_in_another_vehicle_opens_nothing() {
    let (world, vehicle, _) = one_vehicle();
    let twin = world.provision("VIN-2", &["BRAIN-2,hardware=hw-brain,primary"]);
    world.assign("VIN-2", "BRAIN-2", TARGET);
    std::fs::copy(
        twin.path("keys/BRAIN-2.sealing.pem"),
        vehicle.path("keys/BRAIN-1.sealing.pem"),
    )
    .unwrap();
    let mut foreign = director(&world, &twin).targets;
    let stolen = ecu(&mut foreign, TARGET, "BRAIN-2")["key_box"].clone();
    refused(&world, &vehicle, "decrypt_failed", |targets| {
        ecu(targets, TARGET, "BRAIN-1")["key_box"] = stolen
    });
}

/// the box of an older release does not open the newer one.
#[test]
fn the_key_box_of_another_image_opens_nothing() {
    let (world, vehicle, _) = one_vehicle();
    let old = director(&world, &vehicle).targets["targets"][TARGET]["custom"]["director"]["ecus"]["BRAIN-1"]
        .clone();
    let path = world.image("other.img", &[9; 70_000]);
    world.publish("other.img", "hw-brain", 2, &path);
    world.assign("VIN-1", "BRAIN-1", "other.img");
    refused(&world, &vehicle, "decrypt_failed", |targets| {
        ecu(targets, "other.img", "BRAIN-1")["key_box"] = old["key_box"].clone();
    });
}

#[test]
fn a_target_without_a_key_box_is_refused() {
    let (world, vehicle, _) = one_vehicle();
    refused(&world, &vehicle, "decrypt_failed", |targets| {
        ecu(targets, TARGET, "BRAIN-1")
            .as_object_mut()
            .unwrap()
            .remove("key_box");
    });
}

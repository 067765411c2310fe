//! Whoever holds every online key of the Director still cannot make an ECU install what the Image repository's offline
//! keys did not sign for it.

use sealift_tests::rng::image;
use sealift_tests::tree::Photograph;
use sealift_tests::world::World;
use serde_json::{Value, json};

use super::rogue_director::{director, ecu, forged, refused, shown};
use super::{ECU, REFUSED, TARGET, code, one_vehicle};

fn custom<'a>(targets: &'a mut Value, target: &str) -> &'a mut Value {
    &mut targets["targets"][target]["custom"]
}

/// U-5.4.4.2-14: the Image repository lists no such name.
#[test]
fn a_target_of_the_directors_own_making() {
    let (world, vehicle, _) = one_vehicle();
    refused(&world, &vehicle, "arbitrary_software", |targets| {
        let entry = targets["targets"]
            .as_object_mut()
            .unwrap()
            .remove(TARGET)
            .unwrap();
        targets["targets"]["ecu/brain/evil.img"] = entry;
    });
}

/// U-5.4.4.2-15: the right name with another hash, or another length.
#[test]
fn other_bytes_under_the_right_name() {
    let (world, vehicle, _) = one_vehicle();
    refused(&world, &vehicle, "arbitrary_software", |targets| {
        targets["targets"][TARGET]["hashes"]["sha256"] = "ab".repeat(32).into();
    });
    refused(&world, &vehicle, "arbitrary_software", |targets| {
        targets["targets"][TARGET]["length"] = 17.into();
    });
}

/// U-5.4.4.2-16, U-5.2.3.1.1-1: what both repositories must agree on differs.
#[test]
fn another_account_of_the_image() {
    let (world, vehicle, _) = one_vehicle();
    let changes: [(&str, Value); 4] = [
        ("release_counter", json!(9)),
        ("hardware_ids", json!(["hw-brain", "hw-other"])),
        ("version", json!("9.9")),
        ("plain", json!({"length": 1, "sha256": "cd".repeat(32)})),
    ];
    for (field, value) in changes {
        let documents = forged(&world, &vehicle, |targets| {
            custom(targets, TARGET)["sealift"][field] = value
        });
        let run = shown(&world, &vehicle, documents).exits(REFUSED);
        assert_eq!(code(&run), "arbitrary_software", "{field}\n{run}");
        assert_eq!(vehicle.installed("BRAIN-1"), None);
    }
}

/// U-5.4.3.4-2: an image that is signed for other hardware.
#[test]
fn an_image_for_other_hardware() {
    let (world, vehicle, _) = one_vehicle();
    world.publish(
        "radio.img",
        "hw-radio",
        1,
        &world.image("radio.img", &image("radio", 5000)),
    );
    let signed = world.tree().target("radio.img");
    refused(&world, &vehicle, "wrong_hardware", |targets| {
        let mut entry = targets["targets"]
            .as_object_mut()
            .unwrap()
            .remove(TARGET)
            .unwrap();
        for field in ["length", "hashes"] {
            entry[field] = signed[field].clone();
        }
        entry["custom"]["sealift"] = signed["custom"]["sealift"].clone();
        targets["targets"]["radio.img"] = entry;
    });
}

/// U-5.4.4.2-17: an old image that is still listed, even for a vehicle whose metadata were set back to the factory's.
#[test]
fn an_older_image_than_the_installed_one() {
    let mut world = World::new();
    for version in [1, 2] {
        let path = world.image("app.img", &image(&format!("release {version}"), 70_000));
        world.publish(&format!("app-{version}.img"), "hw-brain", version, &path);
    }
    world.start_server();
    let vehicle = world.provision("VIN-1", &[ECU]);
    let factory = Photograph::of(&vehicle.path("trust"), |_| true);
    world.assign("VIN-1", "BRAIN-1", "app-2.img");
    let before = director(&world, &vehicle).targets;
    let _ = vehicle.once().ok();
    let mut old = world.tree().target("app-1.img");
    old["custom"]["director"] = before["targets"]["app-2.img"]["custom"]["director"].clone();
    let documents = forged(&world, &vehicle, |targets| {
        targets["targets"] = json!({"app-1.img": old})
    });
    for set_back in [false, true] {
        if set_back {
            factory.put_back();
        }
        let run = shown(&world, &vehicle, documents.clone()).exits(REFUSED);
        assert_eq!(code(&run), "rollback_image", "{run}");
        assert_eq!(vehicle.installed("BRAIN-1"), Some(image("release 2", 70_000)));
    }
}

/// U-5.4.4.6-8: an ECU that the vehicle does not have.
#[test]
fn an_ecu_that_is_not_in_the_vehicle() {
    let (world, vehicle, _) = one_vehicle();
    refused(&world, &vehicle, "bad_ecu_id", |targets| {
        let entry = ecu(targets, TARGET, "BRAIN-1").clone();
        *ecu(targets, TARGET, "STRANGER-1") = entry;
    });
}

/// D-enc-1: a signed image without seal, for an ECU that takes sealed ones only.
#[test]
fn an_unsealed_image_for_an_ecu_that_wants_a_seal() {
    let mut world = World::new();
    let path = world.image("app.img", &image("sealed", 5000));
    world.publish(TARGET, "hw-brain", 1, &path);
    let _ = world
        .target_add_unsealed("open.img", "hw-brain", 2, &path)
        .run()
        .ok();
    world.start_server();
    let vehicle = world.provision("VIN-1", &["BRAIN-1,hardware=hw-brain,primary,require-sealed"]);
    world.assign("VIN-1", "BRAIN-1", TARGET);
    let signed = world.tree().target("open.img");
    refused(&world, &vehicle, "encryption_downgrade", |targets| {
        let director = custom(targets, TARGET)["director"].clone();
        targets["targets"].as_object_mut().unwrap().remove(TARGET);
        targets["targets"]["open.img"] = signed;
        custom(targets, "open.img")["director"] = director;
        ecu(targets, "open.img", "BRAIN-1")
            .as_object_mut()
            .unwrap()
            .remove("key_box");
    });
}

/// D-dir-2: the whole valid set of another vehicle, with a decision in it or without.
#[test]
fn the_documents_of_another_vehicle() {
    let (world, vehicle, _) = one_vehicle();
    let other = world.provision("VIN-2", &["BRAIN-2,hardware=hw-brain,primary"]);
    for assigned in [false, true] {
        if assigned {
            world.assign("VIN-2", "BRAIN-2", TARGET);
        }
        let documents = forged(&world, &other, |_| ());
        let run = shown(&world, &vehicle, documents).exits(REFUSED);
        assert_eq!(code(&run), "replay_other_vehicle", "{run}");
        assert_eq!(vehicle.installed("BRAIN-1"), None);
    }
}

/// U-5.4.4.6-5: documents that are signed but have expired.
#[test]
fn expired_documents() {
    let (world, vehicle, _) = one_vehicle();
    refused(&world, &vehicle, "freeze", |targets| {
        targets["expires"] = "2026-01-01T00:00:00Z".into()
    });
}

/// U-5.4.4.6-3: documents signed with keys that the Director's root does not name.
#[test]
fn documents_signed_by_a_stranger() {
    let (world, vehicle, _) = one_vehicle();
    std::fs::copy(
        world.path("keys/timestamp.pem"),
        world.path("director/director-timestamp.pem"),
    )
    .unwrap();
    refused(&world, &vehicle, "signature", |_| ());
}

//! One image goes the whole way: sealed, published, assigned, downloaded, verified, opened, installed, reported.

mod on_disk;
mod on_s3;

use sealift_tests::rng::image;
use sealift_tests::world::World;
use sha2::{Digest, Sha256};

/// Length of the image: some segments and a short last chunk.
const LENGTH: usize = 3 * 1024 * 1024 + 4321;

/// A vehicle with a P-256 and an RSA ECU takes two images; bytes and report are compared.
fn both_kinds_of_ecu(world: &mut World) {
    let brain = image("brain", LENGTH);
    let radio = image("radio", LENGTH / 2);
    world.publish(
        "ecu/brain/app.img",
        "hw-brain",
        1,
        &world.image("brain.img", &brain),
    );
    world.publish(
        "ecu/radio/app.img",
        "hw-radio",
        7,
        &world.image("radio.img", &radio),
    );
    world.start_server();
    let vehicle = world.provision(
        "VIN-1",
        &[
            "BRAIN-1,hardware=hw-brain,key=p256,primary",
            "RADIO-1,hardware=hw-radio,key=rsa",
        ],
    );
    world.assign("VIN-1", "BRAIN-1", "ecu/brain/app.img");
    world.assign("VIN-1", "RADIO-1", "ecu/radio/app.img");

    let run = vehicle.once().ok();
    let outcome = run.events().pop().unwrap();
    assert_eq!(outcome["outcome"], "installed", "{run}");
    assert_eq!(vehicle.installed("BRAIN-1").as_deref(), Some(brain.as_slice()));
    assert_eq!(vehicle.installed("RADIO-1").as_deref(), Some(radio.as_slice()));

    for (serial, target, counter, bytes) in [
        ("BRAIN-1", "ecu/brain/app.img", 1, &brain),
        ("RADIO-1", "ecu/radio/app.img", 7, &radio),
    ] {
        let installed = world.ecu("VIN-1", serial)["installed"].clone();
        assert_eq!(installed["path"], target);
        assert_eq!(installed["release_counter"], counter);
        assert_eq!(installed["length"], bytes.len());
        assert_eq!(installed["sha256"], hex::encode(Sha256::digest(bytes)));
    }

    let again = vehicle.once().ok();
    assert!(
        again.events().iter().any(|event| event["event"] == "nothing_new"),
        "{again}"
    );
    assert!(
        !again.events().iter().any(|event| event["event"] == "range"),
        "nothing is fetched twice\n{again}"
    );
}

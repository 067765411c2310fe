//! The Director's key-encryption key is replaced; no signed byte and no object changes.

mod fleet;
mod on_s3;
mod thousand;

use std::fs;

use sealift_tests::rng::image;
use sealift_tests::tree::walk;
use sealift_tests::world::World;

const TARGETS: [&str; 2] = ["ecu/brain/app.img", "ecu/radio/app.img"];

/// Every served file with its bytes.
fn served(world: &World) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let files = walk(&world.tree().served()).into_iter();
    files
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

#[test]
fn a_whole_repository_is_wrapped_anew_and_the_old_key_can_go() {
    let mut world = World::new();
    let bytes = image("rotated", 250_000);
    for target in TARGETS {
        world.publish(target, "hw-brain", 1, &world.image("app.img", &bytes));
    }
    let before = served(&world);
    let create = ["kek", "create", "--unencrypted", "--out", "keys/kek-2.pem"];
    let _ = world.sealift().args(create).run().ok();
    let _ = world.kek_rotate("keys/kek.pem", "keys/kek-2.pub.pem").run().ok();
    assert!(served(&world) == before, "nothing that is served changed");

    fs::rename(world.path("keys/kek-2.pem"), world.path("keys/kek.pem")).unwrap();
    world.start_server();
    let vehicle = world.provision("VIN-1", &["BRAIN-1,hardware=hw-brain,primary"]);
    for target in TARGETS {
        world.assign("VIN-1", "BRAIN-1", target);
    }
    let _ = vehicle.once().ok();
    assert_eq!(vehicle.installed("BRAIN-1"), Some(bytes));
}

#[test]
fn a_foreign_key_rotates_nothing() {
    let world = World::new();
    world.publish(
        TARGETS[0],
        "hw-brain",
        1,
        &world.image("app.img", &image("rotated", 1000)),
    );
    for name in ["foreign", "new"] {
        let create = ["kek", "create", "--unencrypted", "--out"];
        let _ = world
            .sealift()
            .args(create)
            .arg(format!("keys/{name}.pem"))
            .run()
            .ok();
    }
    let keys = fs::read(world.tree().key_file(TARGETS[0])).unwrap();
    let run = world
        .kek_rotate("keys/foreign.pem", "keys/new.pub.pem")
        .run()
        .exits(4);
    run.complains("has the old key");
    assert_eq!(
        fs::read(world.tree().key_file(TARGETS[0])).unwrap(),
        keys,
        "{run}"
    );
}

#[test]
fn without_the_old_key_the_director_says_so() {
    let mut world = World::new();
    world.publish(
        TARGETS[0],
        "hw-brain",
        1,
        &world.image("app.img", &image("rotated", 1000)),
    );
    let create = [
        "kek",
        "create",
        "--unencrypted",
        "--force",
        "--out",
        "keys/kek.pem",
    ];
    let _ = world.sealift().args(create).run().ok();
    world.start_server();
    let _ = world.provision("VIN-1", &["BRAIN-1,hardware=hw-brain,primary"]);
    let assign = [
        "vehicle", "assign", "VIN-1", "--ecu", "BRAIN-1", "--target", TARGETS[0],
    ];
    let run = world.operator(&assign).run().fails();
    run.complains("key");
}

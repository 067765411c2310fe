//! Roles whose keys are in a PKCS#11 token: SoftHSM. They are moved there from files, and no root changes for it.

use std::fs;

use sealift_tests::process::{Program, Run};
use sealift_tests::rng::image;
use sealift_tests::world::World;

use crate::softhsm;

const TARGET: &str = "ecu/brain/app.img";

fn inside(test: &str) -> bool {
    softhsm::inside(&format!("held_signers::{test}"))
}

/// A server of this world that is expected to end at once.
fn refused(world: &World, code: i32) -> Run {
    fs::write(world.path("server.toml"), world.server_config()).unwrap();
    let server = world.surround(Program::binary("sealift-server"));
    server.args(["--config", "server.toml"]).run().exits(code)
}

/// Every key of both repositories but the roots' is in a token: an engineer publishes, the server signs for a vehicle.
#[test]
fn an_image_goes_the_whole_way_with_every_role_in_a_token() {
    if !inside("an_image_goes_the_whole_way_with_every_role_in_a_token") {
        return;
    }
    let mut world = World::new();
    let image_keys = ["targets", "snapshot", "timestamp"];
    let [targets, snapshot, timestamp] =
        image_keys.map(|role| softhsm::take(&world.path(&format!("keys/{role}.pem")), role));
    world.name_key("keys/snapshot.pem", &snapshot);
    world.name_key("keys/timestamp.pem", &timestamp);
    for role in image_keys {
        let file = format!("director/director-{role}.pem");
        let uri = softhsm::take(&world.path(&file), &format!("director-{role}"));
        world.name_key(&file, &uri);
    }

    let bytes = image("held", 100_000);
    let input = world.image("app.img", &bytes);
    let at = ["--repository", world.repository(), "--root", "keys/1.root.json"];
    let online = ["--snapshot-key", &snapshot, "--timestamp-key", &timestamp];
    let add = world
        .sealift()
        .args(["target", "add", "--path", TARGET, "--hardware-id", "hw-brain"])
        .args([
            "--release-counter",
            "1",
            "--version",
            "1",
            "--director",
            "keys/kek.pub.pem",
        ])
        .args(["--targets-key", &targets]);
    let _ = add.args(at).args(online).arg(input).run().ok();
    let _ = world
        .sealift()
        .args(["repo", "refresh"])
        .args(at)
        .args(online)
        .run()
        .ok();
    let _ = world
        .sealift()
        .args(["repo", "verify", "--deep"])
        .args(at)
        .run()
        .ok();

    world.start_server();
    let vehicle = world.provision("VIN-1", &["BRAIN-1,hardware=hw-brain,primary"]);
    world.assign("VIN-1", "BRAIN-1", TARGET);
    let _ = vehicle.once().ok();
    assert_eq!(vehicle.installed("BRAIN-1"), Some(bytes));
}

/// That it cannot be copied out of the token does not help: whoever takes the server signs with it.
#[test]
fn a_server_refuses_the_keys_of_people_in_a_token_too() {
    if !inside("a_server_refuses_the_keys_of_people_in_a_token_too") {
        return;
    }
    let founded = World::new();
    let targets = softhsm::take(&founded.path("keys/targets.pem"), "targets");
    let root = softhsm::take(&founded.path("keys/root.pem"), "root");
    let mut world = founded;
    for (file, uri, says) in [
        ("keys/timestamp.pem", &targets, "repository.timestamp_key"),
        (
            "director/director-snapshot.pem",
            &targets,
            "Image repository's targets",
        ),
        (
            "director/director-targets.pem",
            &root,
            "role, which must never be on a server",
        ),
    ] {
        world.name_key(file, uri);
        let text = refused(&world, 78).to_string();
        assert!(text.contains(says), "{text}");
        // And back, for the next.
        world.name_key(uri, file);
    }
}

/// A server that could not sign does not start, and says why; the PIN stands in no message.
#[test]
fn a_server_without_its_token_does_not_start() {
    if !inside("a_server_without_its_token_does_not_start") {
        return;
    }
    for (uri, code, says) in [
        (
            "pkcs11:token=Dirctor;object=t?pin-source=env:TOKEN_PIN",
            64,
            "`Director`",
        ),
        ("pkcs11:token=Director;object=t", 64, "pin-source"),
        (
            "pkcs11:token=Director;object=t?pin-value=71077345",
            64,
            "director.timestamp_key",
        ),
        ("env:UNSET", 64, "UNSET is not set"),
    ] {
        let mut world = World::new();
        world.name_key("director/director-timestamp.pem", uri);
        let text = refused(&world, code).to_string();
        assert!(text.contains(says), "{text}");
        assert!(!text.contains(softhsm::PIN), "{text}");
    }
}

//! What an attacker tries, each refused with the code that the Standard's attack deserves, and reported.

mod copied_object;
mod flipped_byte;
mod foreign_key_box;
mod foreign_manifest;
mod revoked_vehicle;
mod rogue_director;
mod stolen_director_keys;
mod yesterdays_metadata;

use sealift_tests::process::Run;
use sealift_tests::rng::image;
use sealift_tests::world::{Vehicle, World};

const TARGET: &str = "ecu/brain/app.img";
const ECU: &str = "BRAIN-1,hardware=hw-brain,primary";

/// Exit code of `sealift-vehicle` when it refused something.
const REFUSED: i32 = 10;
/// Exit code of `sealift-vehicle` when the server will not serve it.
const REJECTED: i32 = 14;

/// A world with one image published and one vehicle that is to install it.
fn one_vehicle() -> (World, Vehicle, Vec<u8>) {
    let mut world = World::new();
    let bytes = image("attacked", 300_000);
    let path = world.image("app.img", &bytes);
    let _ = world
        .target_add(TARGET, "hw-brain", 1, &path)
        .args(["--segment-size", "64KiB"])
        .run()
        .ok();
    world.start_server();
    let vehicle = world.provision("VIN-1", &[ECU]);
    world.assign("VIN-1", "BRAIN-1", TARGET);
    (world, vehicle, bytes)
}

/// The attack code that a run of the vehicle named.
#[track_caller]
fn code(run: &Run) -> String {
    let events = run.events();
    let refused = events.iter().rev().find(|event| event["event"] == "refused");
    refused.unwrap_or_else(|| panic!("nothing was refused\n{run}"))["code"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The attack codes that a run of the vehicle reported and the server took.
fn reported(run: &Run) -> Vec<String> {
    let sent = run
        .events()
        .into_iter()
        .filter(|event| event["event"] == "manifest_sent");
    let codes = sent.flat_map(|event| event["attacks"].as_array().unwrap().clone());
    codes.map(|code| code.as_str().unwrap().to_owned()).collect()
}

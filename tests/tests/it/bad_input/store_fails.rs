//! The object store fails half-way through a publication.

use sealift_tests::process::Program;
use sealift_tests::rng::image;
use sealift_tests::s3::{S3, environment};
use sealift_tests::wire_cut::{Fault, Relay, Way};
use sealift_tests::world::World;
use tempfile::TempDir;

use super::exit;

/// T-6.3-1: a store that fails half-way.
#[test]
fn a_publication_that_breaks_leaves_the_old_repository_and_can_be_repeated() {
    let logs = TempDir::new().unwrap();
    let s3 = match S3::start(logs.path()) {
        Ok(s3) => s3,
        Err(reason) => return println!("left out: {reason}"),
    };
    let relay = Relay::start(s3.address());
    let url = format!("s3://{}/image-repository", S3::BUCKET);
    let world = World::on_store(&url, &environment(relay.address()));
    let small = world.image("small.img", &image("small", 1000));
    world.publish("ecu/small.img", "hw", 1, &small);
    let list = || -> serde_json::Value {
        let program = world.sealift().args([
            "--json",
            "target",
            "list",
            "--repository",
            &url,
            "--root",
            "keys/1.root.json",
        ]);
        program.run().ok().json()
    };
    let before = list();

    let big = world.image("big.img", &image("big", 6_000_000));
    relay.set(Fault::CutAfter(Way::Up, 3_000_000));
    let program: Program = world.target_add("ecu/big.img", "hw", 1, &big);
    let run = program.run().exits(exit::UNAVAILABLE);
    assert!(relay.struck() > 0, "{run}");
    relay.set(Fault::None);
    assert_eq!(list(), before, "{run}");

    world.publish("ecu/big.img", "hw", 1, &big);
    assert!(list().to_string().contains("ecu/big.img"));
}

//! Publishers that race or die.

use std::fs;

use sealift_tests::process::Program;
use sealift_tests::rng::image;
use sealift_tests::s3::{S3, environment};
use sealift_tests::wire_cut::{Fault, Relay, Way};
use sealift_tests::world::World;
use tempfile::TempDir;

fn verified(world: &World) {
    let words = [
        "repo",
        "verify",
        "--deep",
        "--root",
        "keys/1.root.json",
        "--repository",
        world.repository(),
    ];
    let _ = world.sealift().args(words).run().ok();
}

#[test]
fn two_at_once_lose_nothing() {
    let world = World::new();
    let names: Vec<String> = (0..6).map(|number| format!("ecu/{number}.img")).collect();
    let running: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(number, name)| {
            let path = world.image(&format!("{number}.img"), &image(name, 100_000));
            world
                .target_add(name, "hw", 1, &path)
                .spawn(&world.logs(), &format!("publisher-{number}"))
        })
        .collect();
    for mut publisher in running {
        assert_eq!(publisher.wait(), Some(0), "{}", publisher.log());
    }
    for name in &names {
        assert!(world.tree().target(name).is_object());
    }
    verified(&world);
}

/// T-6.3-1: killed at any request of a publication, clients see the old set or the new one.
#[test]
fn one_that_is_killed_leaves_a_repository_that_goes_on() {
    let logs = TempDir::new().unwrap();
    let s3 = match S3::start(logs.path()) {
        Ok(s3) => s3,
        Err(reason) => return println!("left out: {reason}"),
    };
    let relay = Relay::start(s3.address());
    let world = World::on_store(
        &format!("s3://{}/killed", S3::BUCKET),
        &environment(relay.address()),
    );
    world.publish(
        "first.img",
        "hw",
        1,
        &world.image("first.img", &image("first", 1000)),
    );
    let path = world.image("second.img", &image("second", 200_000));
    // From the first request to the last: what goes up is the object, key file, segments, and then metadata.
    for bytes in [500, 100_000, 205_000, 207_000, 209_000, 211_000, 213_000] {
        relay.set(Fault::StallAfter(Way::Up, bytes));
        let struck = relay.struck();
        let add: Program = world.target_add("second.img", "hw", 1, &path).arg("--replace");
        let mut publisher = add.spawn(&world.logs(), "killed");
        publisher.wait_for("the stall or the end", |publisher| {
            (relay.struck() > struck || publisher.ended().is_some()).then_some(())
        });
        publisher.kill();
        relay.set(Fault::None);
        verified(&world);
    }
    let _ = world.target_add("third.img", "hw", 1, &path).run().ok();
    verified(&world);
    let list = [
        "--json",
        "target",
        "list",
        "--root",
        "keys/1.root.json",
        "--repository",
        world.repository(),
    ];
    let list = world.sealift().args(list).run().ok().text();
    assert!(list.contains("first.img") && list.contains("third.img"), "{list}");
    fs::remove_file(world.path("images/first.img")).unwrap();
}

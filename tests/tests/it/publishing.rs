//! Publishers that race or die.

use std::fs;

use sealift_tests::process::Program;
use sealift_tests::rng::image;
use sealift_tests::s3::{S3, environment};
use sealift_tests::stand_in::{BUCKET, StandIn};
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

/// The paths of what is listed.
fn listed(world: &World) -> Vec<String> {
    let list = ["--json", "target", "list", "--root", "keys/1.root.json"];
    let list = world
        .sealift()
        .args(list)
        .args(["--repository", world.repository()]);
    let list = list.run().ok().json();
    let paths = list["targets"].as_array().unwrap().iter();
    paths
        .map(|target| target["path"].as_str().unwrap().to_owned())
        .collect()
}

/// So many publish one image each; and three more sign again, refresh, and remove an image. All succeed, and all of it is so.
fn at_once(world: &World, count: usize) {
    let first = world.image("first.img", &image("first", 1000));
    world.publish("first.img", "hw", 1, &first);
    world.publish("gone.img", "hw", 1, &first);
    let names: Vec<String> = (0..count).map(|number| format!("ecu/{number:02}.img")).collect();
    let mut programs = vec![
        world.publishing(&["repo", "publish", "--resign"]),
        world.refresh(),
        world.target_remove("gone.img"),
    ];
    for name in &names {
        let path = world.image(&name.replace('/', "-"), &image(name, 100_000));
        programs.push(world.target_add(name, "hw", 1, &path));
    }
    let running: Vec<_> = programs
        .into_iter()
        .enumerate()
        .map(|(number, program)| program.spawn(&world.logs(), &format!("publisher-{number}")))
        .collect();
    for mut publisher in running {
        assert_eq!(publisher.wait(), Some(0), "{}", publisher.log());
    }
    let mut expected = names;
    expected.push("first.img".to_owned());
    assert_eq!(listed(world), expected);
    verified(world);
}

/// A world on the stand-in, which lives as long as what is returned.
fn on_the_stand_in() -> (World, StandIn, TempDir) {
    let folder = TempDir::new().unwrap();
    let store = StandIn::start(folder.path());
    let url = format!("s3://{BUCKET}/repository");
    (
        World::on_store(&url, &environment(store.address())),
        store,
        folder,
    )
}

#[test]
fn two_at_once_on_disk_lose_nothing() {
    at_once(&World::new(), 2);
}

#[test]
fn sixteen_at_once_on_disk_lose_nothing() {
    at_once(&World::new(), 16);
}

#[test]
fn two_at_once_on_an_object_store_lose_nothing() {
    at_once(&on_the_stand_in().0, 2);
}

#[test]
fn sixteen_at_once_on_an_object_store_lose_nothing() {
    at_once(&on_the_stand_in().0, 16);
}

/// On `file://` a torn write is half of a temporary file. A limit on the length of files tears one after the other.
#[test]
fn a_disk_that_takes_half_of_a_file_shows_nothing_of_it() {
    let world = World::new();
    for name in ["a.img", "b.img", "c.img"] {
        world.publish(name, "hw", 1, &world.image(name, &image(name, 1000)));
    }
    let version = || world.tree().targets()["version"].as_u64().unwrap();
    let before = version();
    let mut torn = 0;
    for blocks in 0.. {
        let resign = world.publishing(&["repo", "publish", "--resign"]);
        let run = resign.limited_to(blocks * 512).run();
        verified(&world);
        if run.code() == Some(0) {
            break;
        }
        run.exits(74).complains("free some space");
        torn += 1;
        assert_eq!(version(), before, "nothing was published");
        let _ = world.refresh().run().ok();
    }
    assert!(torn > 2, "at every half kilobyte of the longest document: {torn}");
    assert!(version() > before);
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
    let list = listed(&world);
    assert!(list.contains(&"first.img".to_owned()) && list.contains(&"third.img".to_owned()));
    fs::remove_file(world.path("images/first.img")).unwrap();
}

//! 5 GiB and a byte sealed into an object store, in little memory: the size where one-call copies end.
//!
//! The store is a stand-in that keeps bodies in files, so this takes 5 GiB of disk while it runs.

use std::fs::File;

use sealift_tests::s3::environment;
use sealift_tests::stand_in::{Act, BUCKET, Fate, StandIn};
use sealift_tests::world::World;
use tempfile::TempDir;

const LENGTH: u64 = (5 << 30) + 1;
/// Length of a part.
const PART: u64 = 5 << 20;
const MEMORY: u64 = 48 << 20;
/// Seconds that one command may take on a slow machine.
const SECONDS: u64 = 1800;
const SWITCH: &str = "SEALIFT_BIG";

#[test]
fn five_gibibytes_and_a_byte_killed_resumed_and_verified() {
    if std::env::var_os(SWITCH).is_none() {
        return println!("left out: takes minutes and 5 GiB of disk; set {SWITCH}=1 (in release builds)");
    }
    let folder = TempDir::new().unwrap();
    let store = StandIn::start(folder.path());
    let world = World::on_store(
        &format!("s3://{BUCKET}/repository"),
        &environment(store.address()),
    );
    let image = world.path("images/big.img");
    File::create(&image).unwrap().set_len(LENGTH).unwrap();

    store.rule(|act| {
        if *act == Act::Part(400) {
            Fate::Held
        } else {
            Fate::Done
        }
    });
    let add = || world.target_add("ecu/big.img", "hw", 1, &image).arg("--json");
    let mut process = add().spawn(&world.logs(), "killed");
    process.wait_within(SECONDS, "the held part", |_| {
        (!store.held().is_empty()).then_some(())
    });
    process.kill();
    store.bury_client();
    let before = store
        .take_log()
        .iter()
        .filter(|act| matches!(act, Act::Part(_)))
        .count();
    assert!(before >= 390);

    let run = add().run_within(SECONDS).ok();
    println!("upload: peak {} KiB", run.peak_rss() / 1024);
    assert!(
        run.peak_rss() > 0 && run.peak_rss() < MEMORY,
        "{}",
        run.peak_rss()
    );
    let json = run.json();
    let resumed = json["upload"]["resumed_bytes"].as_u64().unwrap();
    // Parts whose answer came too late to be written down are sent again: at most those that were under way.
    let parts = json["length"].as_u64().unwrap().div_ceil(PART);
    let after = store
        .log()
        .iter()
        .filter(|act| matches!(act, Act::Part(_)))
        .count() as u64;
    assert!(resumed >= 390 * PART, "{resumed}");
    assert_eq!(after, parts - resumed / PART);

    let verify = [
        "repo",
        "verify",
        "--deep",
        "--root",
        "keys/1.root.json",
        "--repository",
    ];
    let run = world
        .sealift()
        .args(verify)
        .arg(world.repository())
        .run_within(SECONDS)
        .ok();
    println!("verify: peak {} KiB", run.peak_rss() / 1024);
}

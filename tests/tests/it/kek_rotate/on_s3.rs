//! The same on S3, where the condition of a replacement is the store's.

use std::fs;

use sealift_tests::s3::{S3, environment};
use sealift_tests::wire_cut::{Fault, Relay, Way};
use tempfile::TempDir;

use super::fleet::{Fleet, bytes_of, sum};

const IMAGES: usize = 50;

#[test]
fn killed_and_resumed_on_s3() {
    let logs = TempDir::new().unwrap();
    let s3 = match S3::start(logs.path()) {
        Ok(s3) => s3,
        Err(reason) => return println!("left out: {reason}"),
    };
    let fleet = Fleet::new(IMAGES, 3);
    let store = fleet.world.path("store");
    let before = bytes_of(&fleet.world.tree().served());
    s3.upload(&store, "fleet");
    let relay = Relay::start(s3.address());
    let url = format!("s3://{}/fleet", S3::BUCKET);
    let rotate = || {
        let words = [
            "--json",
            "kek",
            "rotate",
            "--repository",
            &url,
            "--root",
            "keys/1.root.json",
        ];
        let keys = [
            "--old",
            "keys/kek.pem",
            "--new",
            "keys/new.pub.pem",
            "--remove-old",
        ];
        let program = fleet.world.sealift().args(words).args(keys);
        let environment = environment(relay.address()).into_iter();
        environment.fold(program, |program, (name, value)| program.env(&name, value))
    };
    // From the first listing to the middle of the writing.
    for bytes in [1_000, 30_000, 60_000] {
        relay.set(Fault::StallAfter(Way::Up, bytes));
        let struck = relay.struck();
        let mut rotator = rotate().spawn(&fleet.world.logs(), "killed");
        rotator.wait_for("the stall or the end", |rotator| {
            (relay.struck() > struck || rotator.ended().is_some()).then_some(())
        });
        assert!(
            relay.struck() > struck,
            "not killed on the way\n{}",
            rotator.log()
        );
        rotator.kill();
        relay.set(Fault::None);
    }
    let mut two = [
        rotate().spawn(&fleet.world.logs(), "one"),
        rotate().spawn(&fleet.world.logs(), "two"),
    ];
    for rotator in &mut two {
        assert_eq!(rotator.wait(), Some(0), "{}", rotator.log());
    }
    let last = rotate().run().ok();
    assert_eq!(
        (
            sum(&last, "rotated"),
            sum(&last, "already"),
            sum(&last, "old_left")
        ),
        (0, IMAGES as u64, 0)
    );
    // What the bucket holds now, looked at on disk.
    fs::remove_dir_all(&store).unwrap();
    s3.download("fleet", &store);
    assert!(bytes_of(&fleet.world.tree().served()) == before);
    assert_eq!(fleet.opened_with(&fleet.key("keys/new.pem")), IMAGES);
    assert_eq!(fleet.opened_with(&fleet.key("keys/kek.pem")), 0);
}

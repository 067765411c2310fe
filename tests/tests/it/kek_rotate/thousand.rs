//! A thousand images: killed, resumed, raced; every one opens with the new key at the end, none with the old one.

use std::fs;
use std::path::PathBuf;

use sealift_tests::process::{Program, Run};

use super::fleet::{Fleet, sum};

const IMAGES: usize = 1000;
/// Of them, how many were taken off the list.
const UNLISTED: usize = 20;
/// How many files the rotator has under way.
const JOBS: usize = 16;

/// Key files behind which the rotator comes to a halt: reading a pipe that nobody writes waits for ever.
///
/// They are of listed targets: a listing of the store passes pipes over, so others would not be looked for.
struct Dam {
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Dam {
    fn new(files: &[PathBuf]) -> Self {
        let files = files.iter().map(|path| {
            let bytes = fs::read(path).unwrap();
            fs::remove_file(path).unwrap();
            let _ = Program::new("mkfifo", "mkfifo").arg(path).run().ok();
            (path.clone(), bytes)
        });
        Self {
            files: files.collect(),
        }
    }

    fn open(self) {
        for (path, bytes) in self.files {
            fs::remove_file(&path).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
}

/// Starts a rotation that can do `done` files more and no other, and kills it there.
fn killed_after(fleet: &Fleet, from: usize, done: usize) {
    let files = fleet.key_files();
    // As many pipes as there are jobs: then every job is stuck.
    let dam = Dam::new(&files[from + done..from + done + JOBS]);
    let label = format!("killed-{from}");
    let mut rotator = fleet
        .rotate()
        .args(["--remove-old", "--jobs", &JOBS.to_string()])
        .spawn(&fleet.world.logs(), &label);
    let changed = |log: &str| log.matches("\"outcome\":\"rotated\"").count();
    rotator.wait_until("the files before the dam", |rotator| {
        (changed(&rotator.stdout()) == done && rotator.stdout().contains("\"begin\"")).then_some(())
    });
    rotator.kill();
    assert_eq!(changed(&rotator.stdout()), done);
    dam.open();
}

#[track_caller]
fn all_is_rotated(fleet: &Fleet) {
    let (old, new) = (fleet.key("keys/kek.pem"), fleet.key("keys/new.pem"));
    assert_eq!(fleet.with_wrap_for(&old), 0);
    assert_eq!(fleet.opened_with(&old), 0);
    assert_eq!(fleet.opened_with(&new), IMAGES);
}

#[test]
fn killed_at_several_points_it_carries_on() {
    let fleet = Fleet::new(IMAGES, UNLISTED);
    let before = fleet.served();
    assert_eq!(fleet.opened_with(&fleet.key("keys/kek.pem")), IMAGES);
    let mut done = 0;
    for more in [0, 1, 249, 500, 200] {
        killed_after(&fleet, done, more);
        done += more;
        assert_eq!(fleet.with_wrap_for(&fleet.key("keys/new.pem")), done);
        // At no moment is there an image that nobody opens.
        assert_eq!(fleet.with_wrap_for(&fleet.key("keys/kek.pem")), IMAGES - done);
    }
    let check = ["--remove-old", "--check-new", "keys/new.pem"];
    let last = fleet.rotate().args(check).run().ok();
    assert_eq!(sum(&last, "rotated"), (IMAGES - done) as u64);
    assert_eq!(sum(&last, "already"), done as u64);
    assert_eq!(sum(&last, "old_left"), 0);
    assert_eq!(
        last.events().last().unwrap()["old_may_be_destroyed"],
        true,
        "{last}"
    );
    all_is_rotated(&fleet);
    assert!(fleet.served() == before, "a signed byte or an object changed");

    let again = fleet
        .rotate()
        .args(["--remove-old", "--check-new", "keys/new.pem"])
        .run()
        .ok();
    assert_eq!(
        (sum(&again, "rotated"), sum(&again, "proven")),
        (0, IMAGES as u64)
    );
    cli_opens_one(&fleet);
}

/// What the library says of all of them, the tool says of one.
fn cli_opens_one(fleet: &Fleet) {
    let target = "ecu/line-3/0003.img";
    let open = |key: &str| -> Run {
        let origin = [
            "--metadata-root",
            "keys/1.root.json",
            "--repository",
            fleet.world.repository(),
        ];
        let program = fleet
            .world
            .sealift()
            .args(["image", "open", "--force", "-o", "images/back"]);
        let program = program.args(["--key", key, "--target", target]).args(origin);
        program.arg(fleet.world.tree().object(target)).run()
    };
    let _ = open("keys/new.pem").ok();
    let _ = open("keys/kek.pem").exits(4);
}

#[test]
fn two_at_once_do_each_file_once() {
    let fleet = Fleet::new(IMAGES, UNLISTED);
    let before = fleet.served();
    let start = |label: &str| {
        let program = fleet.rotate().arg("--remove-old");
        program.spawn(&fleet.world.logs(), label)
    };
    let mut rotators = [start("one"), start("two")];
    let mut changed = 0;
    for rotator in &mut rotators {
        assert_eq!(rotator.wait(), Some(0), "{}", rotator.log());
        changed += rotator.stdout().matches("\"outcome\":\"rotated\"").count();
    }
    assert_eq!(changed, IMAGES);
    all_is_rotated(&fleet);
    assert!(fleet.served() == before);
}

#[test]
fn two_to_different_keys_lose_no_wrap() {
    let fleet = Fleet::new(300, 0);
    let create = ["kek", "create", "--unencrypted", "--out", "keys/third.pem"];
    let _ = fleet.world.sealift().args(create).run().ok();
    let start = |new: &str| {
        let program = fleet.world.kek_rotate("keys/kek.pem", new);
        program.spawn(&fleet.world.logs(), &new.replace('/', "-"))
    };
    let mut rotators = [start("keys/new.pub.pem"), start("keys/third.pub.pem")];
    for rotator in &mut rotators {
        assert_eq!(rotator.wait(), Some(0), "{}", rotator.log());
    }
    for key in ["keys/kek.pem", "keys/new.pem", "keys/third.pem"] {
        assert_eq!(fleet.opened_with(&fleet.key(key)), 300, "{key}");
    }
}

//! Rotating key-encryption keys: what goes well.

use std::fs;

use serde_json::Value;

use crate::kit::{World, bytes, files, strs};

const TARGETS: [&str; 3] = ["a.img", "b.img", "c/d.img"];

/// Three images for `kek.pem`, and `new.pem`.
pub(crate) fn world() -> World {
    let world = World::new();
    world.repository();
    world.ok(&["kek", "create", "-o", "new.pem", "--unencrypted"]);
    for (index, path) in TARGETS.iter().enumerate() {
        add(&world, path, 1000 + index, &["--director", "kek.pub.pem"]);
    }
    world
}

/// Publishes an image of so many bytes.
pub(crate) fn add(world: &World, path: &str, length: usize, more: &[&str]) {
    world.write("image", bytes(length));
    world.ok(&strs(&world.add("image", path, "1", more)));
}

/// `kek rotate` from `kek.pem` to `new.pem`, with more arguments.
pub(crate) fn rotate(world: &World, code: i32, more: &[&str]) -> Vec<Value> {
    run(
        world,
        code,
        &[&["--old", "kek.pem", "--new", "new.pub.pem"], more].concat(),
    )
}

/// `kek rotate` with these arguments.
pub(crate) fn run(world: &World, code: i32, args: &[&str]) -> Vec<Value> {
    let url = world.url();
    let at = ["kek", "rotate", "--repository", &url, "--root", "1.root.json"];
    world.record(code, &[&at[..], args].concat())
}

/// The line of one target.
#[track_caller]
pub(crate) fn line<'a>(record: &'a [Value], target: &str) -> &'a Value {
    record.iter().find(|line| line["target"] == target).unwrap()
}

/// Fields of the last line.
#[track_caller]
pub(crate) fn sums(record: &[Value], expected: &[(&str, u64)]) {
    let last = record.last().unwrap();
    assert_eq!(last["event"], "summary");
    for (field, value) in expected {
        assert_eq!(last[field], *value, "{field}: {last}");
    }
}

/// Opens an object of the repository with a key; gives the exit code.
pub(crate) fn opens(world: &World, key: &str, path: &str) -> Option<i32> {
    let url = world.url();
    let name = path.rsplit('/').next().unwrap();
    let objects = files(&world.path("repo/repo/targets"));
    let object = objects
        .iter()
        .find(|object| object.to_string_lossy().ends_with(&format!(".{name}")))
        .unwrap();
    let origin = [
        "--metadata-root",
        "1.root.json",
        "--repository",
        &url,
        "--target",
        path,
    ];
    let args = ["image", "open", "--key", key, "-o", "back", "--force"];
    let output = world.run(&[&args[..], &origin, &[object.to_str().unwrap()]].concat());
    output.status.code()
}

fn all_open(world: &World, key: &str, code: i32) {
    for path in TARGETS {
        assert_eq!(opens(world, key, path), Some(code), "{path} with {key}");
    }
}

/// Every file that is served, with its bytes.
pub(crate) fn served(world: &World) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let found = files(&world.path("repo/repo")).into_iter();
    found
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

/// Every key file, with its bytes.
pub(crate) fn key_files(world: &World) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let found = files(&world.path("repo/private/keys")).into_iter();
    found
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

#[test]
fn a_rotation_changes_who_opens_and_nothing_that_is_signed() {
    let world = world();
    let before = served(&world);
    let first = rotate(&world, 0, &[]);
    sums(
        &first,
        &[
            ("rotated", 3),
            ("already", 0),
            ("old_left", 3),
            ("old_in_images", 0),
        ],
    );
    assert_eq!(first.last().unwrap()["old_may_be_destroyed"], false);
    all_open(&world, "kek.pem", 0);
    all_open(&world, "new.pem", 0);
    let url = world.url();
    let list = world.json(&["kek", "list", "--repository", &url]);
    assert_eq!(list["keks"].as_array().unwrap().len(), 2);

    sums(&rotate(&world, 0, &[]), &[("rotated", 0), ("present", 3)]);
    let last = rotate(&world, 0, &["--remove-old"]);
    sums(&last, &[("rotated", 3), ("old_left", 0)]);
    assert_eq!(last.last().unwrap()["old_may_be_destroyed"], true);
    all_open(&world, "kek.pem", 4);
    all_open(&world, "new.pem", 0);
    sums(
        &rotate(&world, 0, &["--remove-old"]),
        &[("rotated", 0), ("present", 3), ("proven", 0)],
    );
    assert!(served(&world) == before);
}

#[test]
fn the_record_has_a_line_with_digests_for_each_change() {
    use sha2::{Digest, Sha256};
    let world = world();
    let hash = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    let before = key_files(&world);
    let record = rotate(&world, 0, &["--remove-old", "--jobs", "1"]);
    assert_eq!(record.len(), 1 + TARGETS.len() + 1);
    assert_eq!(record[0]["event"], "begin");
    assert_eq!(record[0]["old_key"], "goes");
    for (path, old) in before {
        let name = path.strip_prefix(world.path("repo")).unwrap().to_str().unwrap();
        let line = record.iter().find(|line| line["key_file"] == name).unwrap();
        assert_eq!(line["outcome"], "rotated");
        assert_eq!(line["before"], hash(&old));
        assert_eq!(line["after"], hash(&fs::read(path).unwrap()));
    }
}

#[test]
fn a_rotation_that_was_cut_short_carries_on() {
    let world = world();
    let (path, untouched) = key_files(&world).swap_remove(1);
    rotate(&world, 0, &["--remove-old"]);
    // As if it had been killed before the second file.
    fs::write(path, untouched).unwrap();
    sums(
        &rotate(&world, 0, &["--remove-old"]),
        &[("rotated", 1), ("already", 2)],
    );
    all_open(&world, "new.pem", 0);
    all_open(&world, "kek.pem", 4);
}

#[test]
fn a_dry_run_writes_nothing_and_says_what_it_would() {
    let world = world();
    let before = key_files(&world);
    let record = rotate(&world, 0, &["--remove-old", "--dry-run"]);
    sums(&record, &[("rotated", 3), ("old_left", 3)]);
    assert_eq!(record.last().unwrap()["old_may_be_destroyed"], false);
    assert!(key_files(&world) == before);
}

#[test]
fn rsa_keys_rotate_to_p256_and_back() {
    let world = world();
    world.ok(&["kek", "create", "--kind", "rsa", "-o", "rsa.pem", "--unencrypted"]);
    let to_rsa = ["--old", "kek.pem", "--new", "rsa.pub.pem", "--remove-old"];
    sums(&run(&world, 0, &to_rsa), &[("rotated", 3)]);
    all_open(&world, "rsa.pem", 0);
    let back = ["--old", "rsa.pem", "--new", "new.pub.pem", "--remove-old"];
    sums(&run(&world, 0, &back), &[("rotated", 3)]);
    all_open(&world, "rsa.pem", 4);
    all_open(&world, "new.pem", 0);
}

#[test]
fn what_is_there_already_is_proven_with_the_private_half() {
    let world = world();
    rotate(&world, 0, &[]);
    sums(
        &rotate(&world, 0, &["--check-new", "new.pem"]),
        &[("proven", 3), ("present", 0)],
    );
    sums(
        &rotate(&world, 0, &["--check-new", "new.pem", "--remove-old"]),
        &[("rotated", 3), ("old_left", 0)],
    );
    sums(
        &rotate(&world, 0, &["--check-new", "new.pem", "--remove-old"]),
        &[("proven", 3)],
    );
}

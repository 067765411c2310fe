//! Rotating key-encryption keys: what goes wrong is named, the rest is done, and nothing is lost.

use std::fs;
use std::path::PathBuf;

use sealift_envelope::KeyFile;

use crate::kek::{add, key_files, line, opens, rotate, run, served, sums, world};
use crate::kit::{SIGN, World, files};

/// The key file whose name ends so.
fn key_file(world: &World, name: &str) -> PathBuf {
    let end = format!(".{name}.keys");
    let found = files(&world.path("repo/private/keys")).into_iter();
    let mut found = found.filter(|path| path.to_string_lossy().ends_with(&end));
    found.next().unwrap()
}

fn object(world: &World, name: &str) -> PathBuf {
    let end = format!(".{name}");
    let found = files(&world.path("repo/repo/targets")).into_iter();
    let mut found = found.filter(|path| path.to_string_lossy().ends_with(&end));
    found.next().unwrap()
}

/// Takes a target off the list.
fn remove(world: &World, path: &str) {
    let url = world.url();
    let at = [
        "target",
        "remove",
        "--path",
        path,
        "--repository",
        &url,
        "--root",
        "1.root.json",
    ];
    world.ok(&[&at[..], &SIGN].concat());
}

/// The id that a recipient's key has in key files.
fn id(world: &World, public: &str) -> String {
    let shown = world.json(&["key", "show", public]);
    shown["recipient_key_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_wrong_old_key_is_an_error() {
    let world = world();
    world.key("p256", "stranger");
    let before = key_files(&world);
    let wrong = ["--old", "stranger.pem", "--new", "new.pub.pem"];
    let record = run(&world, 4, &wrong);
    sums(&record, &[("other_kek", 3), ("rotated", 0)]);
    assert_eq!(line(&record, "a.img")["outcome"], "other-kek");
    // Several keys in one repository are in order when that was said.
    run(&world, 0, &[&wrong[..], &["--allow-other-kek"]].concat());
    assert!(key_files(&world) == before);
    let url = world.url();
    let at = ["kek", "rotate", "--repository", &url, "--root", "1.root.json"];
    let message = world.fails(4, &[&at[..], &wrong].concat());
    assert!(
        message.contains("none of the 3 key files has the old key"),
        "{message}"
    );
}

#[test]
fn keys_that_do_not_fit_together_are_refused_at_once() {
    let world = world();
    let before = key_files(&world);
    run(&world, 4, &["--old", "kek.pub.pem", "--new", "new.pub.pem"]);
    run(&world, 4, &["--old", "kek.pem", "--new", "new.pem"]);
    run(&world, 2, &["--old", "kek.pem", "--new", "kek.pub.pem"]);
    rotate(&world, 2, &["--check-new", "kek.pem"]);
    run(&world, 2, &["--old", "kek.pem"]);
    run(&world, 2, &["--remove", &id(&world, "kek.pub.pem")]);
    run(&world, 2, &["--remove", "abc", "--check-new", "new.pem"]);
    let itself = id(&world, "new.pub.pem");
    run(&world, 2, &["--remove", &itself, "--check-new", "new.pem"]);
    rotate(&world, 2, &["--jobs", "0"]);
    assert!(key_files(&world) == before);
}

/// Breaks `b.img` in one way; the others are rotated, it is named with its fault, and its key file stays as it is.
fn broken(code: i32, fault: &str, damage: impl Fn(&World)) {
    let world = world();
    damage(&world);
    let bad = fs::read(key_file(&world, "b.img")).ok();
    let record = rotate(&world, code, &["--remove-old"]);
    let named = line(&record, "b.img");
    assert_eq!(named["outcome"], "failed");
    assert_eq!(named["failure"]["fault"], fault, "{named}");
    sums(&record, &[("rotated", 2)]);
    assert_eq!(record.last().unwrap()["old_may_be_destroyed"], false);
    assert_eq!(fs::read(key_file(&world, "b.img")).ok(), bad);
    for path in ["a.img", "c/d.img"] {
        assert_eq!(opens(&world, "new.pem", path), Some(0));
        assert_eq!(opens(&world, "kek.pem", path), Some(4));
    }
}

#[test]
fn a_key_file_that_is_none_is_named() {
    broken(3, "refused", |world| {
        fs::write(key_file(world, "b.img"), b"SEALKEY\0nonsense").unwrap();
    });
}

#[test]
fn a_key_file_past_the_cap_is_named() {
    broken(3, "refused", |world| {
        fs::write(key_file(world, "b.img"), vec![0; (1 << 20) + 1]).unwrap();
    });
}

#[test]
fn another_images_key_file_is_named() {
    broken(3, "refused", |world| {
        fs::copy(key_file(world, "a.img"), key_file(world, "b.img")).unwrap();
    });
}

#[test]
fn a_wrap_that_does_not_open_is_named() {
    broken(4, "key", |world| {
        let path = key_file(world, "b.img");
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(path, bytes).unwrap();
    });
}

#[test]
fn a_header_that_is_not_the_signed_one_is_named() {
    broken(3, "refused", |world| {
        let path = object(world, "b.img");
        let mut bytes = fs::read(&path).unwrap();
        bytes[30] ^= 1;
        fs::write(path, bytes).unwrap();
    });
}

#[test]
fn an_object_cut_short_is_named() {
    broken(3, "refused", |world| {
        fs::write(object(world, "b.img"), b"SEALIFT").unwrap();
    });
}

#[test]
fn a_missing_object_is_named() {
    broken(5, "not-found", |world| {
        fs::remove_file(object(world, "b.img")).unwrap()
    });
}

#[test]
fn a_missing_key_file_is_named_and_what_is_restored_is_rotated() {
    let world = world();
    let path = key_file(&world, "b.img");
    let backup = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let record = rotate(&world, 5, &["--remove-old"]);
    assert_eq!(line(&record, "b.img")["failure"]["fault"], "not-found");
    sums(&record, &[("rotated", 2), ("missing", 1), ("old_left", 0)]);
    // The backup may still need the old key.
    assert_eq!(record.last().unwrap()["old_may_be_destroyed"], false);
    fs::write(path, backup).unwrap();
    sums(
        &rotate(&world, 0, &["--remove-old"]),
        &[("rotated", 1), ("already", 2)],
    );
    assert_eq!(opens(&world, "new.pem", "b.img"), Some(0));
}

#[test]
fn failures_of_several_kinds_have_a_code_of_their_own() {
    let world = world();
    fs::remove_file(key_file(&world, "a.img")).unwrap();
    fs::write(key_file(&world, "b.img"), b"nonsense").unwrap();
    let record = rotate(&world, 10, &["--remove-old"]);
    sums(
        &record,
        &[("rotated", 1), ("missing", 1), ("failed", 1), ("old_unknown", 1)],
    );
    let url = world.url();
    let words = ["kek", "rotate", "--repository", &url, "--root", "1.root.json"];
    let keys = ["--old", "kek.pem", "--new", "new.pub.pem", "--remove-old"];
    let message = world.fails(10, &[&words[..], &keys].concat());
    for part in ["failed: a.img", "failed: b.img", "1 failed, 1 are missing"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_new_wrap_that_does_not_open_is_found_and_made_again() {
    let world = world();
    rotate(&world, 0, &[]);
    let path = key_file(&world, "b.img");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(opens(&world, "new.pem", "b.img"), Some(4));
    // Without the private half it only says what it sees.
    sums(&rotate(&world, 0, &[]), &[("present", 3), ("proven", 0)]);
    sums(
        &rotate(&world, 0, &["--check-new", "new.pem"]),
        &[("proven", 2), ("rotated", 1)],
    );
    assert_eq!(opens(&world, "new.pem", "b.img"), Some(0));

    // With the old key gone it cannot be made again, but it is not believed either.
    rotate(&world, 0, &["--remove-old"]);
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let record = rotate(&world, 4, &["--check-new", "new.pem", "--remove-old"]);
    sums(&record, &[("proven", 2), ("failed", 1)]);
}

#[test]
fn a_key_that_is_lost_is_removed_only_where_another_opens() {
    let world = world();
    rotate(&world, 0, &[]);
    world.key("p256", "stranger");
    add(&world, "only-old.img", 77, &["--director", "kek.pub.pem"]);
    add(&world, "only-new.img", 77, &["--director", "new.pub.pem"]);
    add(&world, "of-others.img", 77, &["--director", "stranger.pub.pem"]);
    let lost = id(&world, "kek.pub.pem");
    fs::remove_file(world.path("kek.pem")).unwrap();
    let args = ["--remove", &lost, "--check-new", "new.pem"];
    let record = run(&world, 4, &args);
    assert_eq!(line(&record, "only-old.img")["failure"]["fault"], "key");
    assert_eq!(line(&record, "only-new.img")["outcome"], "proven");
    assert_eq!(line(&record, "of-others.img")["outcome"], "other-kek");
    sums(
        &record,
        &[
            ("rotated", 3),
            ("proven", 1),
            ("failed", 1),
            ("other_kek", 1),
            ("old_left", 1),
        ],
    );
    assert_eq!(opens(&world, "new.pem", "a.img"), Some(0));
    remove(&world, "only-old.img");
    fs::remove_file(key_file(&world, "only-old.img")).unwrap();
    let record = run(&world, 0, &args);
    assert_eq!(record.last().unwrap()["old_may_be_destroyed"], true);
}

#[test]
fn images_that_are_no_longer_listed_are_rotated_too() {
    let world = world();
    let before = served(&world);
    remove(&world, "b.img");
    let record = rotate(&world, 0, &["--remove-old"]);
    let old = line(&record, "b.img");
    assert_eq!(
        (&old["outcome"], &old["targets_version"]),
        (&"rotated".into(), &4.into())
    );
    sums(&record, &[("rotated", 3), ("unlisted", 0), ("old_left", 0)]);
    // Its keys are bound to the path that it had: listed again, it opens.
    let keys = world.path("b.keys");
    fs::copy(key_file(&world, "b.img"), &keys).unwrap();
    let id = record[0]["repository_id"].as_str().unwrap();
    let open = [
        "image",
        "open",
        "--key",
        "new.pem",
        "--key-file",
        "b.keys",
        "--repository-id",
        id,
        "--target-path",
        "b.img",
        "-o",
        "back",
    ];
    let sealed = object(&world, "b.img");
    world.ok(&[&open[..], &[sealed.to_str().unwrap()]].concat());
    let after = served(&world);
    assert!(before.iter().all(|(path, bytes)| {
        path.ends_with("timestamp.json") || after.contains(&(path.clone(), bytes.clone()))
    }));
}

#[test]
fn what_no_list_names_is_left_alone_and_keeps_the_old_key_alive() {
    let world = world();
    let stray = world.path(&format!("repo/private/keys/c/{}.e.img.keys", "ab".repeat(32)));
    fs::copy(key_file(&world, "a.img"), &stray).unwrap();
    let bytes = fs::read(&stray).unwrap();
    // While the old key stays, nothing is wrong with that.
    sums(
        &rotate(&world, 0, &[]),
        &[("rotated", 3), ("unlisted", 1), ("old_left", 4)],
    );
    let record = rotate(&world, 6, &["--remove-old"]);
    sums(&record, &[("rotated", 3), ("unlisted", 1), ("old_left", 1)]);
    assert_eq!(record.last().unwrap()["old_may_be_destroyed"], false);
    assert_eq!(fs::read(&stray).unwrap(), bytes);
    fs::remove_file(stray).unwrap();
    let record = rotate(&world, 0, &["--remove-old", "--check-new", "new.pem"]);
    assert_eq!(record.last().unwrap()["old_may_be_destroyed"], true);
}

#[test]
fn a_list_that_the_store_made_up_names_nothing() {
    let world = world();
    remove(&world, "b.img");
    // The only list that named it, with a signature that does not fit.
    for version in [3, 4] {
        let path = world.path(&format!("repo/repo/{version}.targets.json"));
        let text = fs::read_to_string(&path).unwrap();
        let at = text.find("\"sig\":\"").unwrap() + 7;
        let (head, tail) = text.split_at(at);
        let swapped = if tail.starts_with('0') { "1" } else { "0" };
        fs::write(&path, format!("{head}{swapped}{}", &tail[1..])).unwrap();
    }
    let record = rotate(&world, 6, &["--remove-old"]);
    sums(&record, &[("rotated", 2), ("unlisted", 1), ("old_left", 1)]);
}

#[test]
fn recipients_inside_of_images_are_reported() {
    let world = world();
    add(
        &world,
        "usb.img",
        77,
        &["--director", "kek.pub.pem", "--recipient", "kek.pub.pem"],
    );
    add(&world, "bare.img", 77, &["--recipient", "kek.pub.pem"]);
    let record = rotate(&world, 0, &["--remove-old"]);
    assert_eq!(line(&record, "usb.img")["old_in_image"], true);
    assert_eq!(line(&record, "a.img")["old_in_image"], false);
    assert_eq!(line(&record, "bare.img")["outcome"], "no-kek");
    sums(&record, &[("rotated", 4), ("no_kek", 1), ("old_in_images", 2)]);
    // Nothing but the old key opens `bare.img`.
    sums(&record, &[("old_only_in_images", 1), ("old_left", 0)]);
    assert_eq!(record.last().unwrap()["old_may_be_destroyed"], false);
}

#[test]
fn a_wrap_that_was_not_tried_keeps_the_old_key_alive() {
    let world = world();
    rotate(&world, 0, &["--remove-old"]);
    // What somebody who writes to the store can make of a key file: it names the new key and opens with none.
    let path = key_file(&world, "b.img");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
    let record = rotate(&world, 0, &["--remove-old"]);
    sums(&record, &[("present", 3), ("old_left", 0)]);
    assert_eq!(record.last().unwrap()["old_may_be_destroyed"], false);
    let record = rotate(&world, 4, &["--remove-old", "--check-new", "new.pem"]);
    sums(&record, &[("proven", 2), ("failed", 1)]);
    assert_eq!(record.last().unwrap()["old_may_be_destroyed"], false);
}

#[test]
fn an_image_that_nobody_opens_is_an_error() {
    let world = world();
    let path = key_file(&world, "b.img");
    let mut file = KeyFile::parse(&fs::read(&path).unwrap()).unwrap();
    let old = file.stanzas()[0].key_id();
    file.remove(&old);
    fs::write(path, file.encode()).unwrap();
    let record = rotate(&world, 3, &["--remove-old"]);
    assert_eq!(line(&record, "b.img")["failure"]["fault"], "refused");
    sums(&record, &[("rotated", 2), ("failed", 1), ("no_kek", 0)]);
    assert_eq!(record.last().unwrap()["old_may_be_destroyed"], false);
}

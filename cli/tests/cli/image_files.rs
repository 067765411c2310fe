//! Where images come from and go to: pipes that end early, names that are taken, things that are no files.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::process::Command;

use crate::kit::{World, bytes, refused};

const SEAL: [&str; 4] = ["image", "seal", "--recipient", "k.pub.pem"];
const OPEN: [&str; 4] = ["image", "open", "--key", "k.pem"];

/// A key, `image` and `image.sealed`.
fn world() -> World {
    let world = World::new();
    world.key("p256", "k");
    world.write("image", bytes(50_000));
    world.ok(&[&SEAL[..], &["image"]].concat());
    world
}

#[test]
fn a_pipe_that_ends_early_is_refused_where_the_length_is_known() {
    let world = world();
    let announced = [&SEAL[..], &["--length", "50000", "-o", "out", "-"]].concat();
    for (length, found) in [(0, "0"), (49_999, "49999"), (50_001, "at least 50001")] {
        let output = world.run_piped(&announced, &bytes(length));
        let message = refused(3, &announced, &output);
        assert!(
            message.contains(&format!("stdin has {found} bytes, --length demands 50000")),
            "{message}"
        );
        for name in ["out", "out.segments"] {
            assert!(!world.exists(name), "{name} of {length}");
        }
        assert!(world.leftovers().is_empty());
    }
    assert!(world.run_piped(&announced, &bytes(50_000)).status.success());
    assert!(world.exists("out") && world.exists("out.segments"));
    // A file's own length is believed, unless another one was demanded.
    let message = world.fails(
        3,
        &[&SEAL[..], &["--length", "49999", "-o", "x", "image"]].concat(),
    );
    assert!(
        message.contains("image has 50000 bytes, --length demands 49999"),
        "{message}"
    );
    // Only what changes while it is read is a conflict, like this file that says it is empty.
    let message = world.fails(6, &[&SEAL[..], &["-o", "x", "/proc/version"]].concat());
    assert!(message.contains("changed while it was read"), "{message}");
    assert!(!world.exists("x"));

    // Opening sees the end by itself, at every place.
    let sealed = world.read("image.sealed");
    let open = [&OPEN[..], &["-o", "back", "-"]].concat();
    let lengths = [0, 7, 100, 300, 16_500, sealed.len() - 17, sealed.len() - 1];
    for length in lengths {
        let output = world.run_piped(&open, &sealed[..length]);
        refused(3, &open, &output);
        assert!(!world.exists("back") && world.leftovers().is_empty(), "{length}");
    }
}

#[test]
fn what_has_the_name_already_is_kept_or_replaced_whole() {
    let world = world();
    world.write("out", "precious");
    let open = [&OPEN[..], &["-o", "out", "image.sealed"]].concat();
    world.fails(6, &open);
    assert_eq!(world.read("out"), b"precious");
    world.ok(&[&open[..], &["--force"]].concat());
    assert!(world.read("out") == bytes(50_000));
    // Not even --force replaces it by something that does not open.
    world.write("bad.sealed", &world.read("image.sealed")[..40_000]);
    world.fails(3, &[&OPEN[..], &["-o", "out", "--force", "bad.sealed"]].concat());
    assert!(world.read("out") == bytes(50_000));
    assert!(world.leftovers().is_empty());
}

#[test]
fn the_input_may_be_replaced_by_the_output_only_with_force() {
    let world = world();
    let seal = [&SEAL[..], &["-o", "image", "image"]].concat();
    let open = [&OPEN[..], &["-o", "image", "image"]].concat();
    world.fails(6, &seal);
    assert!(world.read("image") == bytes(50_000));
    world.ok(&[&seal[..], &["--force"]].concat());
    world.fails(6, &open);
    world.ok(&[&open[..], &["--force"]].concat());
    assert!(world.read("image") == bytes(50_000));
}

#[test]
fn links_are_never_replaced_wherever_they_lead() {
    let world = world();
    world.write("precious", "old");
    let links = [
        ("to-file", world.path("precious")),
        ("to-nothing", world.path("absent")),
        ("to-stdout", "/dev/stdout".into()),
    ];
    for (name, target) in &links {
        std::os::unix::fs::symlink(target, world.path(name)).unwrap();
        for (words, input) in [(SEAL, "image"), (OPEN, "image.sealed")] {
            let message = world.fails(6, &[&words[..], &["--force", "-o", name, input]].concat());
            assert!(
                message.contains(&format!("{name} is a symbolic link")),
                "{message}"
            );
        }
        assert_eq!(fs::read_link(world.path(name)).unwrap(), *target);
    }
    assert_eq!(world.read("precious"), b"old");
    assert!(!world.exists("absent") && world.leftovers().is_empty());
    for device in ["/dev/stdout", "/dev/null"] {
        let message = world.fails(
            6,
            &[&OPEN[..], &["--force", "-o", device, "image.sealed"]].concat(),
        );
        assert!(message.contains("write to `-` and redirect"), "{message}");
    }
}

#[test]
fn keys_of_an_earlier_image_never_pass_for_those_of_the_new_one() {
    let world = world();
    let id = "ab".repeat(32);
    let director = [
        "--director",
        "k.pub.pem",
        "--repository-id",
        &id,
        "--target-path",
        "a.img",
    ];
    let out = ["--force", "-o", "out", "image"];
    world.ok(&[&["image", "seal"], &director[..], &out].concat());
    let (image, keys) = (world.read("out"), world.read("out.keys"));
    let message = world.fails(6, &[&SEAL[..], &out].concat());
    assert!(
        message.contains("out.keys holds the keys of an earlier image"),
        "{message}"
    );
    assert!(world.read("out") == image && world.read("out.keys") == keys);
    // With keys of its own it replaces them, and without any in the way it goes through.
    world.ok(&[&["image", "seal"], &director[..], &out].concat());
    assert!(world.read("out.keys") != keys);
    fs::remove_file(world.path("out.keys")).unwrap();
    world.ok(&[&SEAL[..], &out].concat());
    assert!(!world.exists("out.keys"));
}

#[test]
fn directories_pipes_and_devices_are_never_replaced() {
    let world = world();
    fs::create_dir(world.path("folder")).unwrap();
    let made = Command::new("mkfifo").arg(world.path("pipe")).status().unwrap();
    assert!(made.success());
    std::os::unix::fs::symlink("/dev/null", world.path("device")).unwrap();
    for name in ["folder", "pipe", "device"] {
        for force in [None, Some("--force")] {
            let more: Vec<&str> = ["-o", name].into_iter().chain(force).collect();
            for (words, input) in [(SEAL, "image"), (OPEN, "image.sealed")] {
                world.fails(6, &[&words[..], &more[..], &[input]].concat());
            }
        }
    }
    let kind = |name| fs::symlink_metadata(world.path(name)).unwrap().file_type();
    assert!(kind("folder").is_dir() && kind("pipe").is_fifo() && kind("device").is_symlink());
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    // Nor is the place of the segments, which is known only from the image's name.
    fs::create_dir(world.path("out.segments")).unwrap();
    world.fails(6, &[&SEAL[..], &["-o", "out", "--force", "image"]].concat());
    assert!(!world.exists("out"));
    world.fails(5, &[&SEAL[..], &["-o", "absent/out", "image"]].concat());
    assert!(world.leftovers().is_empty());
}

#[test]
fn inputs_that_are_no_files_are_named() {
    let world = world();
    for words in [SEAL, OPEN] {
        let message = world.fails(2, &[&words[..], &["-o", "out", "."]].concat());
        assert!(message.contains("is a directory"), "{message}");
        world.fails(5, &[&words[..], &["-o", "out", "absent"]].concat());
    }
    // A device without an end or a length is read like a pipe.
    world.fails(3, &[&OPEN[..], &["-o", "out", "/dev/null"]].concat());
    world.ok(&[&SEAL[..], &["-o", "out", "/dev/null"]].concat());
    world.ok(&[&OPEN[..], &["-o", "back", "out"]].concat());
    assert!(world.read("back").is_empty());
}

#[test]
fn keys_are_for_their_owner_and_images_as_the_umask_says() {
    let world = world();
    let mode = |name: &str| fs::metadata(world.path(name)).unwrap().permissions().mode() & 0o777;
    for (umask, expected) in [("022", 0o644), ("027", 0o640), ("077", 0o600)] {
        let script = format!(
            "set -e; umask {umask}; \"$0\" image seal --force --recipient k.pub.pem -o s image; \
             \"$0\" image open --force --key k.pem -o o s; \"$0\" key generate p256 --force --unencrypted -o g.pem"
        );
        let run = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_sealift")])
            .current_dir(world.path("."))
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        for name in ["s", "s.segments", "o", "g.pub.pem"] {
            assert_eq!(mode(name), expected, "{name} under {umask}");
        }
        assert_eq!(mode("g.pem"), 0o600, "{umask}");
    }
}

/// Not even `--force` means a key that is being read, or the image where another file goes.
#[test]
fn keys_that_are_read_are_never_replaced() {
    let world = world();
    world.write("image.segments", bytes(100));
    let (open, seal) = (
        [&OPEN[..], &["--force", "-o"]].concat(),
        [&SEAL[..], &["--force", "-o"]].concat(),
    );
    for args in [
        [&open[..], &["k.pem", "image.sealed"]].concat(),
        [&seal[..], &["k.pub.pem", "image"]].concat(),
        [&seal[..], &["image", "image.segments"]].concat(),
        vec!["key", "show", "k.pem", "--force", "-o", "k.pem"],
    ] {
        let read = ["k.pem", "k.pub.pem", "image", "image.sealed", "image.segments"];
        let before = read.map(|name| world.read(name));
        let said = world.fails(2, &args);
        assert!(said.contains("is read by this command"), "{args:?}: {said}");
        assert!(read.map(|name| world.read(name)) == before, "{args:?}");
    }
}

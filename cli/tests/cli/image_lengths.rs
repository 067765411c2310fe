//! Files that are shorter or longer than their header announces: named as such, before any key is used.

use crate::kit::{World, bytes, refused};

const OPEN: [&str; 4] = ["image", "open", "--key", "k.pem"];

/// A key, another one, and an image sealed for the first; its sealed bytes.
fn world() -> (World, Vec<u8>) {
    let world = World::new();
    world.key("p256", "k");
    world.key("p256", "other");
    world.write("image", bytes(100_000));
    world.ok(&["image", "seal", "--recipient", "k.pub.pem", "image", "-o", "good"]);
    let good = world.read("good");
    (world, good)
}

#[test]
fn a_file_of_another_length_than_announced_says_both() {
    let (world, good) = world();
    let header = good.len() - 100_000 - 7 * 16;
    let cuts = [header, header + 1, 20_000, good.len() - 16_400, good.len() - 1];
    let longer = [good.len() + 1, good.len() + 30_000];
    for length in cuts.into_iter().chain(longer) {
        let mut bad = good.clone();
        bad.resize(length, 0);
        world.write("bad", bad);
        let both = format!(
            "bad has {length} bytes and by its header should have {}",
            good.len()
        );
        let (what, next) = match length < good.len() {
            true => ("it is cut off", "fetch the rest of it"),
            false => ("something behind its end", "fetch the image again"),
        };
        for how in [&["-o", "back"][..], &["--range", "0-9"]] {
            let message = world.fails(3, &[&OPEN[..], how, &["bad"]].concat());
            assert!(message.contains(&both), "{message}");
            assert!(message.contains(what) && message.contains(next), "{message}");
        }
        assert!(!world.exists("back"));
        // The length is looked at before the key.
        let message = world.fails(3, &["image", "open", "--key", "other.pem", "-o", "back", "bad"]);
        assert!(message.contains(&both), "{message}");

        let output = world.run(&["image", "inspect", "--json", "bad"]);
        assert!(output.status.success());
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["sealed_length"], length);
        assert_eq!(told["announced_sealed_length"], good.len());
        let warning: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        assert!(warning["warning"].as_str().unwrap().contains(&both), "{warning}");
    }
    let output = world.run(&["image", "inspect", "good"]);
    assert!(output.status.success() && output.stderr.is_empty());
}

#[test]
fn a_pipe_that_ends_early_says_where_and_where_it_should() {
    let (world, good) = world();
    let open = [&OPEN[..], &["-o", "back", "-"]].concat();
    for length in [20_000, good.len() - 16_400, good.len() - 1] {
        let message = refused(3, &open, &world.run_piped(&open, &good[..length]));
        let both = format!(
            "stdin has {length} bytes and by its header should have {}",
            good.len()
        );
        assert!(message.contains(&both), "{message}");
        assert!(!world.exists("back"));
    }
    // Of the right length but altered, it is not said to be cut off.
    let mut altered = good.clone();
    *altered.last_mut().unwrap() ^= 1;
    let message = refused(3, &open, &world.run_piped(&open, &altered));
    assert!(message.contains("does not authenticate"), "{message}");

    let inspect = ["image", "inspect", "--json"];
    let told = world.run_piped(&inspect, &good[..20_000]);
    assert!(String::from_utf8_lossy(&told.stderr).contains("stdin has 20000 bytes"));
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["sealed_length"], 20_000);
}

#[test]
fn where_nothing_is_announced_nothing_is_said_of_the_length() {
    let (world, _) = world();
    let seal = ["image", "seal", "--recipient", "k.pub.pem"];
    let sealed = world.run_piped(&seal, &bytes(40_000)).stdout;
    world.write("bad", &sealed[..30_000]);
    let message = world.fails(3, &[&OPEN[..], &["-o", "back", "bad"]].concat());
    assert!(message.contains("does not authenticate"), "{message}");
    let inspected = world.json(&["image", "inspect", "bad"]);
    assert!(inspected["announced_sealed_length"].is_null());
}

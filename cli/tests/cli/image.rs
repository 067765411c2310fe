//! Sealing and opening single images.

use crate::kit::{World, bytes, refused};

/// Chunk boundaries, and a size of many chunks.
const SIZES: [usize; 6] = [0, 1, 16_383, 16_384, 16_385, 300_001];

fn world() -> World {
    let world = World::new();
    world.key("p256", "k");
    world
}

#[test]
fn files_and_pipes_come_back_at_every_boundary() {
    let world = world();
    for size in SIZES {
        let plain = bytes(size);
        world.write("image", &plain);
        let sealed = world.json(&["image", "seal", "--recipient", "k.pub.pem", "--force", "image"]);
        assert_eq!(sealed["plain"]["length"], size);
        assert_eq!(sealed["sealed"]["length"], world.read("image.sealed").len());
        let opened = world.json(&[
            "image",
            "open",
            "--key",
            "k.pem",
            "-o",
            "back",
            "--force",
            "image.sealed",
        ]);
        assert_eq!(world.read("back"), plain);
        assert_eq!(opened["plain"], sealed["plain"]);
        assert_eq!(opened["origin_verified"], false);

        let piped = world.run_piped(&["image", "seal", "--recipient", "k.pub.pem"], &plain);
        assert!(piped.status.success());
        let back = world.run_piped(&["image", "open", "--key", "k.pem"], &piped.stdout);
        assert_eq!(back.stdout, plain, "{size}");
        let stderr = String::from_utf8(back.stderr).unwrap();
        assert!(stderr.contains("origin NOT verified"), "{stderr}");
    }
    assert!(world.leftovers().is_empty());
}

#[test]
fn recipients_of_every_kind_open() {
    let world = world();
    world.key("rsa-3072", "r");
    world.key("x-wing", "x");
    world.write("image", bytes(50_000));
    world.ok(&[
        "image",
        "seal",
        "--recipient",
        "k.pub.pem",
        "--recipient",
        "r.pub.pem",
        "--recipient",
        "x.pub.pem",
        "image",
    ]);
    for key in ["k.pem", "r.pem", "x.pem"] {
        world.ok(&[
            "image",
            "open",
            "--key",
            key,
            "-o",
            "back",
            "--force",
            "image.sealed",
        ]);
        assert_eq!(world.read("back"), bytes(50_000));
    }
    let inspected = world.json(&["image", "inspect", "image.sealed"]);
    assert_eq!(inspected["plain_length"], 50_000);
    let recipients = inspected["recipients"].as_array().unwrap().iter();
    let wraps: Vec<_> = recipients.map(|one| one["wrap"].as_str().unwrap()).collect();
    assert_eq!(wraps, ["hpke-p256", "rsa-oaep", "x-wing"]);
}

#[test]
fn the_cipher_can_be_chosen_and_makes_no_difference() {
    let world = world();
    let plain = bytes(40_000);
    world.write("image", &plain);
    for (sealing, opening) in [("portable", "aws-lc"), ("aws-lc", "portable")] {
        let with = |verb: &str, rest: &[&str], cipher: &str| {
            let args = [&["image", verb, "--force", "--cipher", cipher], rest].concat();
            world.ok(&args);
        };
        with("seal", &["--recipient", "k.pub.pem", "image"], sealing);
        with("open", &["--key", "k.pem", "-o", "back", "image.sealed"], opening);
        assert_eq!(world.read("back"), plain, "{sealing} to {opening}");
    }
    let stderr = world.fails(
        2,
        &[
            "image",
            "seal",
            "--cipher",
            "rot13",
            "--recipient",
            "k.pub.pem",
            "image",
        ],
    );
    assert!(stderr.contains("this build has portable and aws-lc"), "{stderr}");
}

#[test]
fn ranges_are_inclusive_and_clamped() {
    let world = world();
    let plain = bytes(100_000);
    world.write("image", &plain);
    world.ok(&["image", "seal", "--recipient", "k.pub.pem", "image"]);
    let cases = [
        ("0-0", 0..1),
        ("16383-16384", 16_383..16_385),
        ("99990-200000", 99_990..100_000),
        ("5-", 5..100_000),
    ];
    for (range, expected) in cases {
        let output = world.run(&[
            "image",
            "open",
            "--key",
            "k.pem",
            "--range",
            range,
            "image.sealed",
        ]);
        assert_eq!(output.stdout, plain[expected], "{range}");
    }
    let open = |range| {
        [
            "image",
            "open",
            "--key",
            "k.pem",
            "--range",
            range,
            "image.sealed",
        ]
    };
    for range in ["100000-", "200000-200001"] {
        let message = world.fails(2, &open(range));
        assert!(message.contains("ask for bytes below 100000"), "{message}");
    }
    for range in ["5-4", "-5", "1-2,4-5", "abc"] {
        world.fails(
            2,
            &[
                "image",
                "open",
                "--key",
                "k.pem",
                &format!("--range={range}"),
                "image.sealed",
            ],
        );
    }
    world.fails(2, &["image", "open", "--key", "k.pem", "--range", "0-1", "-"]);

    // Of nothing, the whole is nothing, and every other range behind the end.
    world.write("image", "");
    world.ok(&["image", "seal", "--force", "--recipient", "k.pub.pem", "image"]);
    let output = world.run(&open("0-"));
    assert!(output.status.success() && output.stdout.is_empty());
    world.ok(&[&open("0-")[..], &["-o", "back"]].concat());
    assert!(world.read("back").is_empty());
    for range in ["0-0", "1-"] {
        let message = world.fails(2, &open(range));
        assert!(message.contains("ask for --range 0-,"), "{message}");
    }
}

#[test]
fn damaged_images_leave_nothing_behind() {
    let world = world();
    world.write("image", bytes(100_000));
    world.ok(&["image", "seal", "--recipient", "k.pub.pem", "image"]);
    let good = world.read("image.sealed");
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut header = good.clone();
    header[20] ^= 1;
    let mut future = good.clone();
    future[9] = 2;
    let mut claim = good.clone();
    claim[10..14].copy_from_slice(&[0xff; 4]);
    let extended = [good.as_slice(), &[0; 20_000]].concat();
    let cases: [(&str, &[u8]); 8] = [
        ("flipped", &flipped),
        ("header", &header),
        ("future version", &future),
        ("huge header", &claim),
        ("extended", &extended),
        ("truncated body", &good[..good.len() - 17_000]),
        ("truncated header", &good[..40]),
        ("empty", &[]),
    ];
    for (name, bad) in cases {
        world.write("bad.sealed", bad);
        world.fails(3, &["image", "open", "--key", "k.pem", "bad.sealed"]);
        assert!(!world.exists("bad"), "{name}");
        assert!(world.leftovers().is_empty(), "{name}");
    }
}

#[test]
fn wrong_keys_are_named_as_such() {
    let world = world();
    world.key("p256", "other");
    world.write("image", bytes(1000));
    world.ok(&["image", "seal", "--recipient", "k.pub.pem", "image"]);
    let message = world.fails(
        4,
        &[
            "image",
            "open",
            "--key",
            "other.pem",
            "image.sealed",
            "-o",
            "back",
        ],
    );
    assert!(message.contains("is not among the 1 recipients"), "{message}");
    world.fails(
        4,
        &[
            "image",
            "open",
            "--key",
            "k.pub.pem",
            "image.sealed",
            "-o",
            "back",
        ],
    );
    world.fails(4, &["image", "seal", "--recipient", "k.pem", "image", "-o", "x"]);
    assert!(!world.exists("back"));
}

#[test]
fn existing_outputs_are_kept() {
    let world = world();
    world.write("image", bytes(1000));
    world.write("image.sealed", "precious");
    world.fails(6, &["image", "seal", "--recipient", "k.pub.pem", "image"]);
    assert_eq!(world.read("image.sealed"), b"precious");
    world.fails(5, &["image", "seal", "--recipient", "k.pub.pem", "absent"]);
    world.fails(2, &["image", "seal", "--recipient", "k.pub.pem", "."]);
}

#[test]
fn a_directors_key_is_bound_to_its_place() {
    let world = world();
    world.key("p256", "kek");
    world.write("image", bytes(1000));
    let message = world.fails(2, &["image", "seal", "--director", "kek.pub.pem", "image"]);
    assert!(message.contains("--repository-id"), "{message}");
    let id = "ab".repeat(32);
    let place = ["--repository-id", &id, "--target-path", "a/b.img"];
    world.ok(&[
        &["image", "seal", "--director", "kek.pub.pem"],
        &place[..],
        &["image"],
    ]
    .concat());
    assert!(world.exists("image.sealed.keys") && world.exists("image.sealed.segments"));
    let inspected = world.json(&["image", "inspect", "image.sealed.keys"]);
    assert_eq!(inspected["kind"], "key file");
    let open = [
        "image",
        "open",
        "--key",
        "kek.pem",
        "--key-file",
        "image.sealed.keys",
        "image.sealed",
        "-o",
        "back",
    ];
    world.ok(&[&open[..], &place].concat());
    assert_eq!(world.read("back"), bytes(1000));
    let elsewhere = ["--repository-id", &id, "--target-path", "a/c.img", "--force"];
    world.fails(4, &[&open[..], &elsewhere].concat());
    world.fails(2, &[&open[..], &["--force"]].concat());
}

#[test]
fn inspecting_something_else_is_refused() {
    let world = world();
    let message = world.fails(2, &["image", "inspect", "https://host/a.img?token=s3cret"]);
    assert!(
        message.contains("https://host/a.img is an address") && !message.contains("s3cret"),
        "{message}"
    );
    world.write("text", "hello");
    world.fails(3, &["image", "inspect", "text"]);
    let output = world.run_piped(&["image", "inspect"], b"SEALIFT\0\0\x01\xff\xff\xff\xff");
    refused(3, &["image", "inspect"], &output);
}

#[test]
fn a_full_disk_is_a_local_failure() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let world = world();
    world.write("image", bytes(100_000));
    world.ok(&["image", "seal", "--recipient", "k.pub.pem", "image"]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_sealift"))
        .args(["image", "open", "--key", "k.pem", "-o", "-", "image.sealed"])
        .current_dir(world.path("."))
        .stdin(std::process::Stdio::null())
        .stdout(full)
        .stderr(std::process::Stdio::piped())
        .output()
        .unwrap();
    let message = refused(74, &["image", "open", "-o", "-"], &output);
    assert!(message.contains("cannot write"), "{message}");
}

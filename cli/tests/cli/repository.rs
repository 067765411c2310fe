//! A repository as a whole: made, refreshed, shown, verified, damaged.

use std::fs;

use crate::kit::{ONLINE, SIGN, World, bytes, files, strs};

#[test]
fn a_repository_lives_through_its_verbs() {
    let world = World::new();
    world.repository();
    let url = world.url();
    let at = ["--repository", url.as_str(), "--root", "1.root.json"];
    let shown = world.json(&[&["repo", "show"], &at[..]].concat());
    assert_eq!(shown["targets"], 0);
    assert_eq!(shown["roles"].as_array().unwrap().len(), 4);
    world.ok(&[&["repo", "verify"], &at[..]].concat());

    world.write("image", bytes(200_000));
    let added = world.json(&strs(&world.add(
        "image",
        "ecu/app.img",
        "7",
        &["--director", "kek.pub.pem"],
    )));
    assert_eq!(added["sealift"]["release_counter"], 7);
    let list = world.json(&[&["target", "list"], &at[..]].concat());
    assert_eq!(list["targets"][0]["path"], "ecu/app.img");
    assert_eq!(list["targets"][0]["sha256"], added["sha256"]);
    world.ok(&[&["repo", "verify", "--deep"], &at[..]].concat());

    let refreshed = world.json(&[&["repo", "refresh"], &at[..], &ONLINE].concat());
    assert_eq!(refreshed["changed"], true);
    assert_eq!(refreshed["versions"]["targets"], added["versions"]["targets"]);
    assert!(refreshed["versions"]["timestamp"].as_u64() > added["versions"]["timestamp"].as_u64());
    let idle = world.json(&[&["repo", "refresh", "--when-left", "10"], &at[..], &ONLINE].concat());
    assert_eq!(idle["changed"], false);

    world.ok(&[&["target", "remove", "--path", "ecu/app.img"], &at[..], &SIGN].concat());
    let list = world.json(&[&["target", "list"], &at[..]].concat());
    assert!(list["targets"].as_array().unwrap().is_empty());
    world.fails(
        5,
        &[&["target", "remove", "--path", "ecu/app.img"], &at[..], &SIGN].concat(),
    );
}

#[test]
fn verify_says_what_is_not_post_quantum() {
    let world = World::new();
    world.repository();
    world.ok(&[
        "kek",
        "create",
        "--kind",
        "x-wing",
        "-o",
        "pq.pem",
        "--unencrypted",
    ]);
    world.write("image", bytes(5_000));
    world.ok(&strs(&world.add(
        "image",
        "pq.img",
        "1",
        &["--director", "pq.pub.pem"],
    )));
    let both = ["--director", "pq.pub.pem", "--director", "kek.pub.pem"];
    world.ok(&strs(&world.add("image", "both.img", "1", &both)));
    let inside = ["--director", "pq.pub.pem", "--recipient", "kek.pub.pem"];
    world.ok(&strs(&world.add("image", "inside.img", "1", &inside)));

    let url = world.url();
    let verify = ["repo", "verify", "--repository", &url, "--root", "1.root.json"];
    let report = world.json(&verify);
    let expected = serde_json::json!({"sealed_targets": 3, "not_post_quantum": [
        {"target": "both.img", "wraps": ["hpke-p256"], "unread": false},
        {"target": "inside.img", "wraps": ["hpke-p256"], "unread": false},
    ]});
    assert_eq!(report["post_quantum"], expected);
    let text = world.ok(&verify);
    assert!(text.contains("post-quantum: 1 of 3 sealed targets"), "{text}");
    // It is a report and no fault: the exit code stays 0, and X-Wing key files are listed like others.
    let keks = world.ok(&["kek", "list", "--repository", &url, "--root", "1.root.json"]);
    assert!(keks.contains("x-wing"), "{keks}");
}

/// What cannot be read may be wrapped for any key: it does not count as safe, and it is counted.
#[test]
fn what_cannot_be_read_is_not_post_quantum() {
    let world = World::new();
    world.repository();
    world.key("x-wing", "pq");
    for (index, name) in ["damaged", "missing", "anothers", "cut", "gone", "good"]
        .iter()
        .enumerate()
    {
        world.write("image", bytes(5_000 + index));
        let path = format!("{name}.img");
        world.ok(&strs(&world.add(
            "image",
            &path,
            "1",
            &["--director", "pq.pub.pem"],
        )));
    }
    let find = |folder: &str, end: &str| {
        let mut found = files(&world.path(folder)).into_iter();
        found.find(|path| path.to_string_lossy().ends_with(end)).unwrap()
    };
    let keys = |name: &str| find("repo/private/keys", &format!(".{name}.img.keys"));
    let object = |name: &str| find("repo/repo/targets", &format!(".{name}.img"));
    fs::write(keys("damaged"), b"no key file").unwrap();
    fs::remove_file(keys("missing")).unwrap();
    fs::copy(keys("good"), keys("anothers")).unwrap();
    fs::write(object("cut"), b"SEALIFT").unwrap();
    fs::remove_file(object("gone")).unwrap();

    let url = world.url();
    let verify = [
        "repo",
        "verify",
        "--repository",
        &url,
        "--root",
        "1.root.json",
        "--json",
    ];
    let output = world.run(&verify);
    assert_eq!(output.status.code(), Some(3));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = ["anothers", "cut", "damaged", "gone", "missing"]
        .map(|name| serde_json::json!({"target": format!("{name}.img"), "wraps": [], "unread": true}));
    let expected = serde_json::json!({"sealed_targets": 6, "not_post_quantum": expected});
    assert_eq!(report["post_quantum"], expected);
}

#[test]
fn init_refuses_what_is_there_and_what_does_not_add_up() {
    let world = World::new();
    world.repository();
    let url = world.url();
    let init = ["repo", "init", "--repository", &url, "--root-key", "root.pem"];
    world.fails(6, &[&init[..], &SIGN].concat());
    world.fails(6, &[&init[..], &SIGN, &["--root-out", "again.json"]].concat());
    assert!(!world.exists("again.json"));
    // What pins the repository that is there survives.
    let root = world.read("1.root.json");
    world.fails(6, &[&init[..], &SIGN, &["--force"]].concat());
    assert!(world.read("1.root.json") == root);
    let before = files(&world.path("repo"));
    let other = format!("file://{}", world.path("other").display());
    let threshold = [
        "repo",
        "init",
        "--repository",
        &other,
        "--root-key",
        "root.pem",
        "--threshold",
        "2",
    ];
    world.fails(4, &[&threshold[..], &SIGN, &["--root-out", "o.json"]].concat());
    world.fails(
        2,
        &[
            &[
                "repo",
                "init",
                "--repository",
                "ftp://x/y",
                "--root-key",
                "root.pem",
            ],
            &SIGN[..],
        ]
        .concat(),
    );
    assert_eq!(files(&world.path("repo")), before);
}

#[test]
fn several_root_keys_can_be_demanded() {
    let world = World::new();
    for key in ["root", "root2", "targets", "snapshot", "timestamp"] {
        world.key("ed25519", key);
    }
    let url = world.url();
    let init = [
        "repo",
        "init",
        "--repository",
        &url,
        "--root-key",
        "root.pem",
        "--root-key",
        "root2.pem",
    ];
    world.ok(&[&init[..], &["--threshold", "2"], &SIGN].concat());
    world.ok(&["repo", "verify", "--repository", &url, "--root", "1.root.json"]);
}

#[test]
fn a_missing_repository_and_a_foreign_root_are_refused() {
    let world = World::new();
    let url = world.url();
    world.fails(5, &["repo", "show", "--repository", &url]);
    world.repository();
    world.fails(2, &["repo", "verify", "--repository", &url]);
    world.write(
        "foreign.json",
        world
            .read("1.root.json")
            .iter()
            .map(|b| b ^ 1)
            .collect::<Vec<_>>(),
    );
    world.fails(
        3,
        &["repo", "verify", "--repository", &url, "--root", "foreign.json"],
    );
    world.fails(
        5,
        &["repo", "verify", "--repository", &url, "--root", "absent.json"],
    );
}

#[test]
fn signing_with_the_wrong_key_publishes_nothing() {
    let world = World::new();
    world.repository();
    let url = world.url();
    let at = ["--repository", url.as_str(), "--root", "1.root.json"];
    let before = world.read("repo/repo/timestamp.json");
    let wrong = ["--snapshot-key", "snapshot.pem", "--timestamp-key", "root.pem"];
    world.fails(4, &[&["repo", "refresh"], &at[..], &wrong].concat());
    assert_eq!(world.read("repo/repo/timestamp.json"), before);
}

#[test]
fn damage_is_found() {
    let world = World::new();
    world.repository();
    world.write("image", bytes(200_000));
    world.ok(&strs(&world.add(
        "image",
        "app.img",
        "1",
        &["--director", "kek.pub.pem"],
    )));
    let url = world.url();
    let verify = ["repo", "verify", "--repository", &url, "--root", "1.root.json"];
    world.ok(&verify);
    let object = files(&world.path("repo/repo/targets")).remove(0);
    let good = fs::read(&object).unwrap();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    fs::write(&object, &bad).unwrap();
    // Presence, length and header are as signed; only reading it whole finds a flipped byte.
    world.ok(&verify);
    world.fails(3, &[&verify[..], &["--deep"]].concat());
    fs::write(&object, &good[..100]).unwrap();
    world.fails(3, &verify);
    fs::remove_file(&object).unwrap();
    world.fails(3, &verify);
    fs::write(&object, &good).unwrap();
    let keys = files(&world.path("repo/private/keys")).remove(0);
    fs::remove_file(keys).unwrap();
    world.fails(3, &verify);
    let mut timestamp = world.read("repo/repo/timestamp.json");
    let at = timestamp.iter().position(|byte| *byte == b'2').unwrap();
    timestamp[at] = b'3';
    world.write("repo/repo/timestamp.json", timestamp);
    world.fails(3, &verify);
}

#[test]
fn a_directors_root_and_keys_are_made_once() {
    let world = World::new();
    world.key("ed25519", "root");
    let init = [
        "director",
        "init",
        "--out",
        "director",
        "--root-key",
        "root.pem",
        "--unencrypted",
    ];
    world.ok(&init);
    for name in [
        "1.root.json",
        "director-targets.pem",
        "director-snapshot.pem",
        "director-timestamp.pem",
    ] {
        assert!(world.exists(&format!("director/{name}")), "{name}");
    }
    world.fails(6, &init);
    let given = [
        "director",
        "init",
        "--out",
        "other",
        "--root-key",
        "root.pem",
        "--targets-key",
    ];
    world.ok(&[&given[..], &["director/director-targets.pem", "--unencrypted"]].concat());
    assert!(!world.exists("other/director-targets.pem"));
    world.fails(
        5,
        &[
            "director",
            "init",
            "--out",
            "third",
            "--root-key",
            "absent.pem",
            "--unencrypted",
        ],
    );
}

//! Rotating key-encryption keys.

use std::fs;

use crate::kit::{World, bytes, files, strs};

const TARGETS: [&str; 3] = ["a.img", "b.img", "c/d.img"];

fn world() -> World {
    let world = World::new();
    world.repository();
    world.ok(&["kek", "create", "-o", "new.pem", "--unencrypted"]);
    for (index, path) in TARGETS.iter().enumerate() {
        world.write("image", bytes(1000 + index));
        world.ok(&strs(&world.add(
            "image",
            path,
            "1",
            &["--director", "kek.pub.pem"],
        )));
    }
    world
}

fn opens(world: &World, key: &str, code: i32) {
    let url = world.url();
    let objects = files(&world.path("repo/repo/targets"));
    for path in TARGETS {
        let name = path.rsplit('/').next().unwrap();
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
        assert_eq!(
            output.status.code(),
            Some(code),
            "{path} {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn a_rotation_changes_who_opens_and_nothing_that_is_signed() {
    let world = world();
    let url = world.url();
    let before: Vec<_> = files(&world.path("repo/repo"))
        .iter()
        .map(|path| fs::read(path).unwrap())
        .collect();
    let rotate = [
        "kek",
        "rotate",
        "--repository",
        &url,
        "--root",
        "1.root.json",
        "--old",
        "kek.pem",
        "--new",
        "new.pub.pem",
    ];
    let first = world.json(&rotate);
    assert_eq!((&first["rotated"], &first["already"]), (&3.into(), &0.into()));
    opens(&world, "kek.pem", 0);
    opens(&world, "new.pem", 0);
    assert_eq!(
        world.json(&["kek", "list", "--repository", &url])["keks"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    let second = world.json(&rotate);
    assert_eq!((&second["rotated"], &second["already"]), (&0.into(), &3.into()));
    world.ok(&[&rotate[..], &["--remove-old"]].concat());
    opens(&world, "kek.pem", 4);
    opens(&world, "new.pem", 0);
    let again = world.json(&[&rotate[..], &["--remove-old"]].concat());
    assert_eq!(again["already"], 3);
    let after: Vec<_> = files(&world.path("repo/repo"))
        .iter()
        .map(|path| fs::read(path).unwrap())
        .collect();
    assert_eq!(before, after);
}

#[test]
fn a_rotation_that_was_cut_short_carries_on() {
    let world = world();
    let url = world.url();
    let rotate = [
        "kek",
        "rotate",
        "--repository",
        &url,
        "--root",
        "1.root.json",
        "--old",
        "kek.pem",
        "--new",
        "new.pub.pem",
        "--remove-old",
    ];
    let keys = files(&world.path("repo/private/keys"));
    let untouched = fs::read(&keys[1]).unwrap();
    world.ok(&rotate);
    // As if it had been killed before the second file.
    fs::write(&keys[1], untouched).unwrap();
    let resumed = world.json(&rotate);
    assert_eq!((&resumed["rotated"], &resumed["already"]), (&1.into(), &2.into()));
    opens(&world, "new.pem", 0);
    opens(&world, "kek.pem", 4);
}

#[test]
fn foreign_and_damaged_key_files_stop_a_rotation() {
    let world = world();
    let url = world.url();
    world.key("p256", "stranger");
    let by = |old: &'static str| {
        vec![
            "kek",
            "rotate",
            "--root",
            "1.root.json",
            "--repository",
            "",
            "--old",
            old,
            "--new",
            "new.pub.pem",
        ]
    };
    let mut stranger = by("stranger.pem");
    stranger[5] = &url;
    assert_eq!(world.json(&stranger)["other_kek"], 3);
    let mut rotate = by("kek.pem");
    rotate[5] = &url;
    let keys = files(&world.path("repo/private/keys"));
    // Another image's key file in this one's place: bound to another path, so it must not open.
    fs::copy(&keys[0], &keys[1]).unwrap();
    world.fails(3, &rotate);
    fs::write(&keys[1], b"SEALKEY\0nonsense").unwrap();
    world.fails(3, &rotate);
    world.fails(
        4,
        &[
            "kek",
            "rotate",
            "--repository",
            &url,
            "--root",
            "1.root.json",
            "--old",
            "kek.pub.pem",
            "--new",
            "new.pub.pem",
        ],
    );
    world.fails(
        2,
        &[
            "kek",
            "rotate",
            "--repository",
            &url,
            "--root",
            "1.root.json",
            "--old",
            "kek.pem",
            "--new",
            "kek.pub.pem",
        ],
    );
}

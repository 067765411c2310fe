//! A store that is in other hands: it can change every byte that it holds, and has none of the keys.

use std::fs;

use crate::kit::{ONLINE, SIGN, World, bytes, files, strs};

fn world() -> World {
    let world = World::new();
    world.repository();
    world.write("image", bytes(200_000));
    world
}

/// Adds a target with the kek as the Director.
fn add(world: &World, path: &str, counter: &str) {
    world.ok(&strs(&world.add(
        "image",
        path,
        counter,
        &["--director", "kek.pub.pem"],
    )));
}

#[test]
fn nothing_is_signed_under_a_root_that_the_store_itself_offers() {
    let world = world();
    add(&world, "app.img", "1");
    let url = world.url();
    let before = files(&world.path("repo"));
    let at = ["--repository", url.as_str()];
    let unpinned = [
        [&["repo", "refresh"], &at[..], &ONLINE].concat(),
        [&["repo", "publish", "--new-root", "1.root.json"], &at[..], &SIGN].concat(),
        [&["target", "remove", "--path", "app.img"], &at[..], &SIGN].concat(),
        [
            &["kek", "rotate", "--old", "kek.pem", "--new", "new.pub.pem"],
            &at[..],
        ]
        .concat(),
    ];
    world.key("p256", "new");
    for args in &unpinned {
        let message = world.fails(2, args);
        assert!(message.contains("--root ROOT.json is missing"), "{message}");
    }
    let mut unpinned_add = world.add("image", "b.img", "1", &["--director", "kek.pub.pem"]);
    let place = unpinned_add.iter().position(|arg| arg == "--root").unwrap();
    drop(unpinned_add.drain(place..place + 2));
    world.fails(2, &strs(&unpinned_add));
    assert_eq!(files(&world.path("repo")), before);

    // A root of somebody else's that names the same signers, with a list of targets of somebody else's.
    world.key("ed25519", "evil");
    let evil = format!("file://{}", world.path("evil").display());
    let init = [
        "repo",
        "init",
        "--root-key",
        "evil.pem",
        "--root-out",
        "evil.json",
    ];
    world.ok(&[&init[..], &["--repository", &evil], &SIGN].concat());
    fs::rename(world.path("repo"), world.path("good")).unwrap();
    fs::rename(world.path("evil"), world.path("repo")).unwrap();
    let before = files(&world.path("repo"));
    let pinned = world.add("image", "b.img", "1", &["--director", "kek.pub.pem"]);
    world.fails(3, &strs(&pinned));
    assert_eq!(files(&world.path("repo")), before);
}

//! What was verified last is remembered without being asked for.

use std::fs;

use crate::kit::{ONLINE, SIGN, World, bytes, files, strs};

fn published(world: &World) {
    world.repository();
    world.write("image", bytes(1000));
    world.ok(&strs(&world.add(
        "image",
        "a.img",
        "1",
        &["--director", "kek.pub.pem"],
    )));
}

#[test]
fn a_store_that_was_set_back_is_noticed_by_default() {
    let world = World::new();
    published(&world);
    let url = world.url();
    let at = ["--repository", url.as_str(), "--root", "1.root.json"];
    let timestamp = world.path("repo/repo/timestamp.json");
    let old = fs::read(&timestamp).unwrap();
    world.ok(&[&["target", "remove", "--path", "a.img"], &at[..], &SIGN].concat());
    fs::write(&timestamp, &old).unwrap();
    for args in [
        [&["repo", "refresh"], &at[..], &ONLINE].concat(),
        [&["target", "list"], &at[..]].concat(),
        ["target", "list", "--repository", &url].to_vec(),
    ] {
        let said = world.fails(3, &args);
        assert!(
            said.contains("rollback") && said.contains("restored on purpose"),
            "{said}"
        );
    }
    // Another machine, which has seen nothing, cannot know.
    let elsewhere = world.path("elsewhere").display().to_string();
    let list = [&["target", "list"], &at[..]].concat();
    assert!(
        world
            .run_with_env(&list, "SEALIFT_STATE", &elsewhere)
            .status
            .success()
    );
    // Restored on purpose.
    fs::remove_dir_all(world.path("state/memory")).unwrap();
    world.ok(&[&["repo", "refresh"], &at[..], &ONLINE].concat());
    assert!(!files(&world.path("state/memory")).is_empty());
}

/// A container without a home: the work is done, and what was not remembered is said. A place that was named has to be there.
#[test]
fn a_machine_without_a_place_for_it_is_told() {
    let world = World::new();
    published(&world);
    world.write("no-folder", "");
    let nowhere = world.path("no-folder").display().to_string();
    let url = world.url();
    let refresh = [
        &["repo", "refresh", "--repository", &url, "--root", "1.root.json"][..],
        &ONLINE,
    ]
    .concat();
    let output = world.run_with_env(&refresh, "SEALIFT_STATE", &nowhere);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("warning") && said.contains("not remembered"),
        "{said}"
    );
    let _ = world.fails(74, &[&refresh[..], &["--memory", &nowhere]].concat());
}

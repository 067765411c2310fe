//! Listing key-encryption keys.

use crate::kek::world;
use crate::kit::{World, bytes, files};

#[test]
fn one_unreadable_key_file_does_not_hide_the_others() {
    let world = world();
    let end = ".b.img.keys";
    let of_b = files(&world.path("repo"))
        .into_iter()
        .find(|path| path.to_string_lossy().ends_with(end))
        .unwrap();
    std::fs::write(&of_b, b"no key file").unwrap();
    let url = world.url();
    let output = world.run(&["kek", "list", "--repository", &url]);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("UNREADABLE key file of b.img"), "{said}");
    assert!(said.contains("3 sealed targets"), "{said}");
    assert!(said.contains(" 2\n") || said.contains(" 2 "), "{said}");
}

#[test]
fn an_image_whose_keys_lie_beside_it_says_so() {
    let world = World::new();
    world.ok(&["kek", "create", "-o", "kek.pem", "--unencrypted"]);
    world.write("image", bytes(100));
    world.ok(&[
        "image",
        "seal",
        "image",
        "-o",
        "sealed",
        "--director",
        "kek.pub.pem",
        "--repository-id",
        &"ab".repeat(32),
        "--target-path",
        "t.img",
    ]);
    let said = world.fails(4, &["image", "open", "sealed", "-o", "out", "--key", "kek.pem"]);
    assert!(said.contains("--key-file"), "{said}");
}

/// One name for a wrap, whichever command says it.
#[test]
fn lists_and_inspections_spell_wraps_alike() {
    let world = world();
    let url = world.url();
    let list = world.json(&["kek", "list", "--repository", &url]);
    let mut keys = files(&world.path("repo/private/keys")).into_iter();
    let inspected = world.json(&["image", "inspect", keys.next().unwrap().to_str().unwrap()]);
    assert_eq!(list["keks"][0]["wrap"], "hpke-p256");
    assert_eq!(inspected["recipients"][0]["wrap"], "hpke-p256");
}

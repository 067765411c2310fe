//! A target that lists SHA-512 beside SHA-256, as other tools write it: both have to be right.

use serde_json::Value;
use sha2::{Digest, Sha512};

use crate::kit::{SIGN, World, bytes, strs};

/// Publishes the present list again with this SHA-512 beside every SHA-256.
fn list_sha512(world: &World, version: u64, sha512: impl AsRef<[u8]>) {
    let list = world.read(&format!("repo/repo/{version}.targets.json"));
    let mut list: Value = serde_json::from_slice(&list).unwrap();
    for file in list["signed"]["targets"].as_object_mut().unwrap().values_mut() {
        file["hashes"]["sha512"] = hex::encode(&sha512).into();
    }
    world.write("list.json", list.to_string());
    let url = world.url();
    let publish = ["repo", "publish", "--targets", "list.json", "--repository", &url];
    world.ok(&[&publish[..], &["--root", "1.root.json"], &SIGN].concat());
}

#[test]
fn a_wrong_sha512_is_noticed_by_verify_and_by_opening() {
    let world = World::new();
    world.repository();
    world.write("image", bytes(100_000));
    let added = world.json(&strs(&world.add(
        "image",
        "app.img",
        "1",
        &["--director", "kek.pub.pem"],
    )));
    let object = format!("repo/repo/targets/{}", added["object"].as_str().unwrap());
    let url = world.url();
    let at = ["--repository", url.as_str(), "--root", "1.root.json"];
    let verify = [&["repo", "verify", "--deep"], &at[..]].concat();
    let origin = ["--metadata-root", "1.root.json", "--repository", &url];
    let open = ["image", "open", "--key", "kek.pem", "--target", "app.img"];
    let open = [&open[..], &origin, &[object.as_str(), "-o"]].concat();
    let opened = |name| [&open[..], &[name]].concat();

    list_sha512(&world, 2, Sha512::digest(world.read(&object)));
    world.ok(&verify);
    world.ok(&opened("good"));
    assert_eq!(world.read("good"), bytes(100_000));

    list_sha512(&world, 3, [7; 64]);
    world.ok(&[&["repo", "verify"], &at[..]].concat());
    let told = world.run(&verify);
    assert_eq!(told.status.code(), Some(3));
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("its bytes are not the signed ones"), "{told}");
    let refused = world.fails(3, &opened("bad"));
    assert!(
        refused.contains("the sealed bytes are not the signed ones"),
        "{refused}"
    );
    assert!(!world.exists("bad"));
}

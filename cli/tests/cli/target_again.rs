//! A pipeline that is run again, twice at once, or only for show.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::kit::{SIGN, World, bytes, files, refused, strs};

const KEK: [&str; 2] = ["--director", "kek.pub.pem"];

fn world() -> World {
    let world = World::new();
    world.repository();
    world.write("image", bytes(200_000));
    world
}

/// Every file of the repository with its bytes.
fn tree(world: &World) -> BTreeMap<PathBuf, Vec<u8>> {
    let all = files(&world.path("repo")).into_iter();
    all.map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

fn add(world: &World, more: &[&str]) -> Value {
    world.json(&strs(&world.add("image", "app.img", "5", more)))
}

/// Whatever kind of release, published and asked for again.
fn unchanged(more: &[&str]) {
    let world = world();
    let first = add(&world, more);
    assert_eq!(first["changed"], true);
    let before = tree(&world);
    for again in [more, &[more, &["--replace"]].concat()] {
        let again = add(&world, again);
        assert_eq!(again["changed"], false);
        for field in ["target", "object", "length", "sha256", "sealift", "versions"] {
            assert_eq!(again[field], first[field], "{field}");
        }
    }
    assert_eq!(tree(&world), before, "nothing is written");
}

#[test]
fn a_release_that_is_published_already_is_left_as_it_is() {
    unchanged(&KEK);
    unchanged(&["--protection", "none"]);
    unchanged(&["--director", "kek.pub.pem", "--recipient", "kek.pub.pem"]);
}

#[test]
fn a_pipe_is_compared_too() {
    let world = world();
    let first = add(&world, &KEK);
    let args = world.add("-", "app.img", "5", &KEK);
    let args = [&strs(&args)[..], &["--json"]].concat();
    let output = world.run_piped(&args, &bytes(200_000));
    let again: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&again["changed"], &again["object"]),
        (&Value::from(false), &first["object"])
    );
    let output = world.run_piped(&args, &bytes(199_999));
    assert!(refused(6, &args, &output).contains("exists already"));
}

#[test]
fn what_was_sealed_elsewhere_is_compared_by_its_sealed_bytes() {
    let world = world();
    let url = world.url();
    let shown = world.json(&["repo", "show", "--repository", &url, "--root", "1.root.json"]);
    let id = shown["repository_id"].as_str().unwrap();
    let seal = |output: &str| {
        let place = ["--repository-id", id, "--target-path", "app.img", "-o", output];
        let seal = [&["image", "seal"][..], &KEK, &place, &["image"]].concat();
        let sealed = world.json(&seal);
        sealed["plain"]["sha256"].as_str().unwrap().to_owned()
    };
    let plain = seal("one.sealed");
    let presealed = |keys: &str, input: &str| {
        let more = ["--sealed", "--keys", keys, "--plain-sha256", &plain];
        world.add(input, "app.img", "5", &more)
    };
    let one: Vec<String> = presealed("one.sealed.keys", "one.sealed");
    assert_eq!(world.json(&strs(&one))["changed"], true);
    assert_eq!(world.json(&strs(&one))["changed"], false);
    // The same plaintext under another key is another release.
    let _ = seal("two.sealed");
    world.fails(6, &strs(&presealed("two.sealed.keys", "two.sealed")));
}

#[test]
fn anything_else_under_the_name_is_refused() {
    let world = world();
    let _ = add(&world, &KEK);
    let before = tree(&world);
    world.write("other", bytes(200_001));
    let other = world.fails(6, &strs(&world.add("other", "app.img", "5", &KEK)));
    assert!(other.contains("exists already"), "{other}");
    let version = world.add("image", "app.img", "5", &KEK);
    let version: Vec<&str> = version
        .iter()
        .map(|word| if word == "1.0" { "1.1" } else { word })
        .collect();
    world.fails(6, &version);
    let unsealed = world.add("image", "app.img", "5", &["--protection", "none"]);
    world.fails(6, &strs(&unsealed));
    world.fails(
        6,
        &strs(&world.add(
            "image",
            "app.img",
            "5",
            &[&KEK[..], &["--hardware-id", "hw-b"]].concat(),
        )),
    );
    assert_eq!(tree(&world), before, "nothing is written");
}

#[test]
fn a_release_that_a_named_key_cannot_open_is_not_the_one_asked_for() {
    let world = world();
    world.key("p256", "new");
    let _ = add(&world, &KEK);
    let director = ["--director", "kek.pub.pem", "--director", "new.pub.pem"];
    let said = world.fails(6, &strs(&world.add("image", "app.img", "5", &director)));
    assert!(
        said.contains("not for new.pub.pem") && said.contains("kek rotate"),
        "{said}"
    );
    let recipient = [&KEK[..], &["--recipient", "new.pub.pem"]].concat();
    let said = world.fails(6, &strs(&world.add("image", "app.img", "5", &recipient)));
    assert!(
        said.contains("not for new.pub.pem") && said.contains("--replace"),
        "{said}"
    );
}

#[test]
fn a_release_whose_object_is_gone_is_not_called_published() {
    let world = world();
    let _ = add(&world, &KEK);
    let [object] = files(&world.path("repo/repo/targets")).try_into().unwrap();
    let whole = std::fs::read(&object).unwrap();
    std::fs::write(&object, &whole[1..]).unwrap();
    let again = world.add("image", "app.img", "5", &KEK);
    let said = world.fails(5, &strs(&again));
    assert!(said.contains("missing or cut off"), "{said}");
    std::fs::remove_file(&object).unwrap();
    world.fails(5, &strs(&again));
}

#[test]
fn a_dry_run_writes_nothing_and_says_what_would_come() {
    let world = world();
    let before = tree(&world);
    let dry = add(&world, &[&KEK[..], &["--dry-run"]].concat());
    assert_eq!((&dry["dry_run"], &dry["changed"]), (&true.into(), &true.into()));
    assert_eq!(dry["input"]["length"], 200_000);
    assert_eq!(tree(&world), before);
    assert!(!world.exists("state/uploads"), "not even for a later run");

    let first = add(&world, &KEK);
    let listed = tree(&world);
    let again = add(&world, &[&KEK[..], &["--dry-run"]].concat());
    assert_eq!(
        (&again["changed"], &again["versions"]),
        (&false.into(), &first["versions"])
    );

    let url = world.url();
    let at = ["--repository", url.as_str(), "--root", "1.root.json"];
    let remove = ["target", "remove", "--path", "app.img", "--dry-run"];
    let removed = world.json(&[&remove[..], &at, &SIGN].concat());
    assert_eq!(
        (&removed["dry_run"], &removed["removed"]),
        (&true.into(), &"app.img".into())
    );
    assert_eq!(tree(&world), listed);
    let absent = ["target", "remove", "--path", "no.img", "--dry-run"];
    world.fails(5, &[&absent[..], &at, &SIGN].concat());
}

#[test]
fn a_key_that_the_root_does_not_name_is_noticed_before_the_work() {
    let world = world();
    world.key("ed25519", "stranger");
    let before = tree(&world);
    let add = world.add("image", "app.img", "5", &KEK);
    for role in ["targets", "snapshot", "timestamp"] {
        let own = format!("{role}.pem");
        let wrong = add
            .iter()
            .map(|word| if *word == own { "stranger.pem" } else { word });
        let said = world.fails(4, &wrong.collect::<Vec<_>>());
        assert!(
            said.contains(&format!("{role} needs the signatures of 1 of its keys")),
            "{said}"
        );
        assert_eq!(tree(&world), before, "nothing was sent");
    }
}

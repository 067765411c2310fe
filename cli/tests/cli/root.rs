//! Ceremonies: roots that several people sign, each on a machine of his own, and what becomes of the repository.

use serde_json::Value;

use crate::kit::{ONLINE, World};

/// The digest that signers compare, first digits.
fn digest(world: &World, file: &str, pin: &[&str]) -> String {
    let shown = world.json(&[&["draft", "show", file], pin].concat());
    shown["digest"].as_str().unwrap().to_owned()
}

/// `sign` of FILE with KEY on a machine of its own: into OUT.
pub(crate) fn sign(world: &World, file: &str, key: &str, out: &str, pin: &[&str]) -> Value {
    let yes = digest(world, file, pin);
    let key = format!("{key}.pem");
    let args = ["root", "sign", file, "--key", &key, "--yes", &yes, "-o", out];
    world.json(&[&args[..], pin].concat())
}

/// FILE signed by all of these, merged into OUT.
pub(crate) fn gather(world: &World, file: &str, keys: &[&str], out: &str, pin: &[&str]) {
    let copies: Vec<String> = keys.iter().map(|key| format!("{key}.copy")).collect();
    for (key, copy) in keys.iter().zip(&copies) {
        sign(world, file, key, copy, pin);
    }
    let mut args = vec!["root", "merge", file];
    args.extend(copies.iter().map(String::as_str));
    args.extend(["-o", out]);
    args.extend(pin);
    world.ok(&args);
    for copy in copies {
        std::fs::remove_file(world.path(&copy)).unwrap();
    }
}

/// A repository whose root needs two of three keys and whose Targets need two of two, made by requests alone.
pub(crate) fn founded() -> World {
    let world = World::new();
    for name in ["r1", "r2", "r3", "t1", "t2", "snapshot", "timestamp"] {
        world.key("ed25519", name);
    }
    let key = |role: &str, name: &str| format!("{role}={name}.pub.pem");
    let keys = [
        key("root", "r1"),
        key("root", "r2"),
        key("root", "r3"),
        key("targets", "t1"),
        key("targets", "t2"),
        key("snapshot", "snapshot"),
        key("timestamp", "timestamp"),
    ];
    let mut args = vec![
        "root",
        "new",
        "--production",
        "--threshold",
        "root=2",
        "--threshold",
        "targets=2",
    ];
    args.extend(["-o", "1.root", "--targets-output", "1.targets"]);
    args.extend(keys.iter().flat_map(|key| ["--key", key.as_str()]));
    let made = world.json(&args);
    assert_eq!(
        made["requests"][0]["digest"],
        made["requests"][1]["next_root_digest"]
    );
    gather(&world, "1.root", &["r3", "r1"], "1.root.signed", &[]);
    gather(&world, "1.targets", &["t2", "t1"], "1.targets.signed", &[]);
    let url = world.url();
    let publish = [
        "root",
        "publish",
        "1.root.signed",
        "--with",
        "1.targets.signed",
        "--repository",
        &url,
    ];
    world.ok(&[&publish[..], &ONLINE].concat());
    world
}

pub(crate) const PIN: [&str; 2] = ["--root", "1.root.json"];

fn at(url: &str) -> [&str; 4] {
    ["--repository", url, PIN[0], PIN[1]]
}

/// The key ids of a role, as `repo show` lists them.
fn keys(world: &World, role: &str) -> Vec<String> {
    let shown = world.json(&[&["repo", "show"], &at(&world.url())[..]].concat());
    let roles = shown["roles"].as_array().unwrap();
    let found = roles.iter().find(|found| found["role"] == role).unwrap();
    found["key_ids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect()
}

fn id(world: &World, key: &str) -> String {
    let shown = world.json(&["key", "show", &format!("{key}.pub.pem")]);
    shown["tuf_key_id"].as_str().unwrap().to_owned()
}

/// No private key of root or Targets was ever on the machine that made the repository, and it verifies.
#[test]
fn a_repository_is_founded_by_people() {
    let world = founded();
    let url = world.url();
    world.ok(&[&["repo", "verify"], &at(&url)[..]].concat());
    assert_eq!(keys(&world, "root").len(), 3);
    // The requests say what came about: the same files again found nothing else.
    let publish = [
        "root",
        "publish",
        "1.root.signed",
        "--with",
        "1.targets.signed",
        "--repository",
        &url,
    ];
    let again = world.fails(
        6,
        &[&publish[..], &ONLINE, &["--root-out", "again.json"]].concat(),
    );
    assert!(again.contains("a repository here already"), "{again}");
    assert!(!world.exists("again.json"), "the root of no repository");
}

/// Signatures missing is an outcome of its own, and the file says who may still sign.
#[test]
fn missing_signatures_are_told_with_their_own_code() {
    let world = founded();
    let url = world.url();
    let last = at(&url);
    world.ok(&[&["root", "edit", "-o", "2.root"], &last[..]].concat());
    sign(&world, "2.root", "r2", "b", &PIN);
    let merge = ["root", "merge", "2.root", "b", "-o", "merged"];
    let told = world.fails(11, &[&merge[..], &PIN].concat());
    assert!(told.contains("root, version 1 has 1 of 2"), "{told}");
    assert!(
        told.contains(&id(&world, "r1")) && !told.contains(&id(&world, "r2")),
        "{told}"
    );
    assert!(world.exists("merged"), "what was gathered is kept");
    let publish = [&["root", "publish", "merged"], &last[..], &ONLINE].concat();
    world.fails(11, &publish);
    let shown = world.json(&[&["root", "show", "merged"], &PIN[..]].concat());
    assert_eq!(
        (&shown["complete"], &shown["missing"][0]["found"]),
        (&false.into(), &1.into())
    );
    sign(&world, "merged", "r3", "both", &PIN);
    let publish = [&["root", "publish", "both"], &last[..], &ONLINE].concat();
    assert_eq!(world.json(&publish)["versions"]["root"], 2);
    assert_eq!(world.json(&publish)["changed"], false, "the same root again");
}

/// A root key and a Targets key are exchanged: two requests, old and new people sign, the root comes last.
#[test]
fn keys_are_rotated_by_old_and_new_people() {
    let world = founded();
    for name in ["r4", "t3"] {
        world.key("ed25519", name);
    }
    let url = world.url();
    let root = format!("root={}:r4.pub.pem", id(&world, "r1"));
    let targets = format!("targets={}:t3.pub.pem", &id(&world, "t1")[..12]);
    let rotate = [
        "root",
        "rotate",
        &root,
        &targets,
        "-o",
        "2.root",
        "--targets-output",
        "2.targets",
    ];
    let made = world.json(&[&rotate[..], &at(&url)].concat());
    let changes = &made["requests"][0]["changes"]["roles"];
    assert_eq!(changes[0]["added"][0], id(&world, "r4"));
    assert_eq!(changes[1]["removed"][0], id(&world, "t1"));
    assert_eq!(made["requests"][0]["changes"]["others"], serde_json::json!([]));
    // Two of the new set alone are not two of the old one.
    sign(&world, "2.root", "r4", "one", &PIN);
    sign(&world, "one", "r2", "two", &PIN);
    let told = world.fails(
        11,
        &[&["root", "publish", "two"], &at(&url)[..], &ONLINE].concat(),
    );
    assert!(
        told.contains("root, version 1 has 1 of 2") && !told.contains("root, version 2"),
        "{told}"
    );
    gather(&world, "2.root", &["r4", "r2", "r1"], "2.root.signed", &PIN);
    let early = [&["root", "publish", "2.root.signed"], &at(&url)[..], &ONLINE].concat();
    let told = world.fails(4, &early);
    assert!(told.contains("targets"), "the list has yet to be signed: {told}");
    assert_eq!(keys(&world, "root").len(), 3);
    gather(&world, "2.targets", &["t1", "t2", "t3"], "2.targets.signed", &PIN);
    let publish = [&early[..], &["--with", "2.targets.signed"]].concat();
    assert_eq!(world.json(&publish)["versions"]["root"], 2);
    assert!(keys(&world, "targets").contains(&id(&world, "t3")));
    assert!(!keys(&world, "targets").contains(&id(&world, "t1")));
    world.ok(&[&["repo", "verify"], &at(&url)[..]].concat());
}

/// A stolen key goes out of every role, and a role that could not sign any more is refused before anybody is asked.
#[test]
fn a_key_is_revoked_everywhere() {
    let world = founded();
    world.key("ed25519", "r4");
    let url = world.url();
    let stolen = id(&world, "t2");
    let revoke = ["root", "revoke", &stolen, "-o", "2.root"];
    let told = world.fails(4, &[&revoke[..], &at(&url)].concat());
    assert!(
        told.contains("targets has 1 keys, but a threshold of 2") && told.contains("--add"),
        "{told}"
    );
    assert!(!world.exists("2.root"));
    let replaced = ["--add", "targets=r4.pub.pem", "--threshold", "targets=1"];
    let made = world.json(&[&revoke[..], &at(&url), &replaced].concat());
    let change = &made["requests"][0]["changes"]["roles"][0];
    assert_eq!(
        (&change["role"], &change["removed"][0]),
        (&"targets".into(), &stolen.as_str().into())
    );
    assert_eq!(change["threshold"], serde_json::json!({"before": 2, "after": 1}));
    world.fails(
        5,
        &[&["root", "revoke", "deadbeef", "-o", "3"], &at(&url)[..]].concat(),
    );
    world.fails(
        2,
        &[&["root", "revoke", "dead", "-o", "3"], &at(&url)[..]].concat(),
    );
}

/// T-2.1.1-3: a root that one thief could replace is warned of, and refused where it is for production.
#[test]
fn one_root_key_is_warned_of() {
    let world = World::new();
    world.key("ed25519", "all");
    let keys = ["root", "targets", "snapshot", "timestamp"].map(|role| format!("{role}=all.pub.pem"));
    let mut args = vec!["root", "new", "-o", "1.root"];
    args.extend(keys.iter().flat_map(|key| ["--key", key.as_str()]));
    world.fails(2, &[&args[..], &["--production"]].concat());
    let told = String::from_utf8(world.run(&args).stderr).unwrap();
    assert!(told.contains("one root key alone"), "{told}");
    args.truncate(args.len() - 2);
    args.push("--force");
    let told = world.fails(4, &args);
    assert!(told.contains("timestamp"), "{told}");
    for wrong in ["root", "root=", "boss=all.pub.pem"] {
        world.fails(2, &["root", "new", "-o", "x", "--key", wrong]);
    }
}

/// A request that brings in a key whose private half everybody has is refused by everybody who is asked.
#[test]
fn demonstration_keys_are_not_signed_in() {
    let world = founded();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../keys-example/image");
    let add = format!("snapshot={folder}/snapshot.pub.pem");
    let url = world.url();
    let edit = [&["root", "edit", "--add", &add, "-o", "2.root"], &at(&url)[..]].concat();
    world.fails(9, &edit);
    world.ok(&[&edit[..], &["--demo"]].concat());
    for verb in [
        &["root", "show", "2.root"][..],
        &["root", "merge", "2.root", "-o", "x"],
    ] {
        world.fails(9, &[verb, &PIN].concat());
    }
    let sign = [
        "root",
        "sign",
        "2.root",
        "--key",
        "r1.pem",
        "--yes",
        &"0".repeat(64),
    ];
    world.fails(9, &[&sign[..], &PIN].concat());
    world.ok(&[&["root", "show", "2.root", "--demo"], &PIN[..]].concat());
}

/// Roots in files alone make the next one, without a repository: a Director's, or on a machine without a network.
#[test]
fn the_next_root_is_made_offline() {
    let world = founded();
    let edit = [
        "root",
        "edit",
        "--from",
        "1.root.json",
        "--threshold",
        "root=3",
        "-o",
        "2.root",
    ];
    world.ok(&[&edit[..], &PIN].concat());
    for key in ["r1", "r2", "r3"] {
        sign(&world, "2.root", key, key, &PIN);
    }
    let merge = [
        "root",
        "merge",
        "r1",
        "r2",
        "r3",
        "-o",
        "merged",
        "--document",
        "2.root.json",
    ];
    world.ok(&[&merge[..], &PIN].concat());
    let document: Value = serde_json::from_slice(&world.read("2.root.json")).unwrap();
    assert_eq!(document["signed"]["version"], 2);
    assert_eq!(document["signatures"].as_array().unwrap().len(), 3);
    let both = ["--from", "1.root.json", "--from", "2.root.json"];
    world.ok(&[&["root", "edit", "-o", "3.root"], &both[..], &PIN].concat());
    let gap = ["root", "edit", "-o", "4.root", "--from", "2.root.json"];
    world.fails(3, &[&gap[..], &PIN].concat());
}

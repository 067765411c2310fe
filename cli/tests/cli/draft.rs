//! Lists of targets that people sign: what a signer is told, what he refuses, and what happens when others were first.

use serde_json::{Value, json};

use crate::kit::{ONLINE, World, bytes};
use crate::root::{PIN, founded, gather, sign};

fn at(url: &str) -> [&str; 4] {
    ["--repository", url, PIN[0], PIN[1]]
}

/// A request to renew the list of targets of [`founded`].
fn renewal(world: &World, out: &str) {
    let url = world.url();
    world.ok(&[&["draft", "new", "--renew", "-o", out], &at(&url)[..]].concat());
}

/// What FILE holds after somebody changed its JSON.
fn altered(world: &World, file: &str, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&world.read(file)).unwrap();
    change(&mut value);
    world.write("altered", value.to_string());
}

/// From the request to the published list; the signed bytes are the published ones.
#[test]
fn people_sign_a_list_of_targets() {
    let world = founded();
    let url = world.url();
    let note = ["--note", "for Friday\u{1b}[2K"];
    let new = ["draft", "new", "--renew", "-o", "2"];
    world.ok(&[&new[..], &note, &at(&url)].concat());
    let told = world.ok(&[&["draft", "show", "2"], &PIN[..]].concat());
    assert!(told.contains("version") && told.contains("1 -> 2"), "{told}");
    assert!(told.contains("for Friday\\u{1b}[2K"), "{told}");
    assert!(told.contains("targets, root 1 has 0 of 2"), "{told}");
    gather(&world, "2", &["t1", "t2"], "2.signed", &PIN);
    let publish = [&["draft", "publish", "2.signed"], &at(&url)[..], &ONLINE].concat();
    assert_eq!(world.json(&publish)["versions"]["targets"], 2);
    let published: Value = serde_json::from_slice(&world.read("repo/repo/2.targets.json")).unwrap();
    let request: Value = serde_json::from_slice(&world.read("2.signed")).unwrap();
    assert_eq!(published, request["document"]);
    assert_eq!(world.json(&publish)["changed"], false, "the same list again");
    world.fails(11, &[&["draft", "publish", "2"], &at(&url)[..], &ONLINE].concat());
    world.fails(
        2,
        &[&["root", "publish", "2.signed"], &at(&url)[..], &ONLINE].concat(),
    );
}

/// A target that was removed is listed again only over an object that is in the store, and the difference names it.
#[test]
fn a_list_from_a_document_is_told_target_by_target() {
    let world = founded();
    let url = world.url();
    let entry = json!({"length": 3, "hashes": {"sha256": "00".repeat(32)}});
    let list = json!({"signed": {"_type": "targets", "spec_version": "1.0.34", "version": 1,
        "expires": "2030-01-01T00:00:00Z", "targets": {"a.img": entry}}, "signatures": []});
    world.write("list.json", list.to_string());
    let made = world.json(
        &[
            &["draft", "new", "--targets", "list.json", "-o", "2"],
            &at(&url)[..],
        ]
        .concat(),
    );
    let change = &made["changes"]["targets"][0];
    assert_eq!(
        (&change["path"], &change["before"]),
        (&"a.img".into(), &Value::Null)
    );
    assert_eq!(change["after"], entry);
    gather(&world, "2", &["t1", "t2"], "2.signed", &PIN);
    let publish = [&["draft", "publish", "2.signed"], &at(&url)[..], &ONLINE].concat();
    let told = world.fails(5, &publish);
    assert!(told.contains("upload it first"), "{told}");
    world.fails(
        5,
        &[&["draft", "new", "--remove", "b.img", "-o", "3"], &at(&url)[..]].concat(),
    );
}

/// Every kind of file that comes back wrong is named, and the good ones are kept in any order.
#[test]
fn merging_names_what_does_not_count() {
    let world = founded();
    world.key("ed25519", "stranger");
    renewal(&world, "2");
    sign(&world, "2", "t1", "good", &PIN);
    sign(&world, "2", "t2", "more", &PIN);
    let url = world.url();
    let older = [
        "draft",
        "new",
        "--renew",
        "--expires-targets",
        "99",
        "-o",
        "other",
    ];
    world.ok(&[&older[..], &at(&url)].concat());
    sign(&world, "other", "t2", "stale", &PIN);
    altered(&world, "more", |value| {
        let mut signature = value["document"]["signatures"][0].clone();
        signature["sig"] = "00".repeat(64).into();
        value["document"]["signatures"] = json!([signature]);
    });
    std::fs::rename(world.path("altered"), world.path("wrong")).unwrap();
    altered(&world, "good", |value| {
        value["document"]["signatures"][0]["keyid"] = "ab".repeat(32).into()
    });
    std::fs::rename(world.path("altered"), world.path("foreign")).unwrap();
    // What another tool signed is a document and no request.
    altered(&world, "good", |value| *value = value["document"].clone());
    std::fs::rename(world.path("altered"), world.path("document")).unwrap();

    let merge = [
        "draft", "merge", "2", "wrong", "foreign", "stale", "good", "document", "-o", "merged",
    ];
    let output = world.run(&[&merge[..], &PIN, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(11));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let standings: Vec<_> = told["signatures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| {
            (
                found["file"].as_str().unwrap(),
                found["standing"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        standings,
        [
            ("wrong", "wrong"),
            ("foreign", "foreign"),
            ("stale", "other-draft"),
            ("good", "counts"),
            ("document", "duplicate"),
        ]
    );
    let warned = String::from_utf8(output.stderr).unwrap();
    assert_eq!(warned.matches("\"warning\"").count(), 3, "{warned}");

    let orders = [
        ["wrong", "more", "good"],
        ["good", "wrong", "more"],
        ["more", "good", "wrong"],
    ];
    let mut merged = Vec::new();
    for order in orders {
        let args = [
            &["draft", "merge", "2"],
            &order[..],
            &["-o", "merged", "--force"],
            &PIN,
        ]
        .concat();
        world.ok(&args);
        merged.push(world.read("merged"));
    }
    assert!(
        merged[0] == merged[1] && merged[1] == merged[2],
        "the order does not matter"
    );
    world.write("junk", "no json");
    world.fails(
        3,
        &[&["draft", "merge", "2", "junk", "-o", "x"], &PIN[..]].concat(),
    );
}

/// What a signer refuses: keys that would not count, another digest, an altered request, a root that is not his.
#[test]
fn a_signer_is_kept_from_mistakes() {
    let world = founded();
    let stranger = World::new();
    stranger.repository();
    world.write("their.root.json", stranger.read("1.root.json"));
    renewal(&world, "2");
    let before = world.read("2");
    let shown = world.json(&[&["draft", "show", "2"], &PIN[..]].concat());
    let yes = shown["digest"].as_str().unwrap();
    let signing = |file: &'static str, key: &'static str| ["draft", "sign", file, "--key", key, "--yes"];
    let told = world.fails(4, &[&signing("2", "r1.pem")[..], &[yes], &PIN].concat());
    assert!(told.contains("may not sign this"), "{told}");
    let told = world.fails(
        3,
        &[&signing("2", "t1.pem")[..], &[&"0".repeat(64)], &PIN].concat(),
    );
    assert!(told.contains(yes), "{told}");
    // Of eight digits, another draft with the same ones is found in a second.
    for few in [8, 63] {
        world.fails(2, &[&signing("2", "t1.pem")[..], &[&yes[..few]], &PIN].concat());
    }
    let told = world.fails(
        2,
        &[&["draft", "sign", "2", "--key", "t1.pem"], &PIN[..]].concat(),
    );
    assert!(told.contains("--yes"), "{told}");
    let told = world.fails(2, &[&signing("2", "t1.pem")[..], &[yes]].concat());
    assert!(told.contains("--root"), "{told}");
    let theirs = ["--root", "their.root.json"];
    let told = world.fails(3, &[&signing("2", "t1.pem")[..], &[yes], &theirs].concat());
    assert!(told.contains("for another repository"), "{told}");
    assert_eq!(world.read("2"), before, "none of these touched the request");

    sign(&world, "2", "t2", "signed", &PIN);
    altered(&world, "signed", |value| {
        value["document"]["signed"]["expires"] = "2031-01-01T00:00:00Z".into()
    });
    let shown = world.json(&[&["draft", "show", "altered"], &PIN[..]].concat());
    assert_eq!(shown["signatures"][0]["standing"], "wrong");
    let yes = shown["digest"].as_str().unwrap();
    let told = world.fails(3, &[&signing("altered", "t1.pem")[..], &[yes], &PIN].concat());
    assert!(told.contains("altered"), "{told}");
    altered(&world, "2", |value| value["document"]["signed"]["x"] = 1.into());
    let told = world.fails(3, &[&["draft", "show", "altered"], &PIN[..]].concat());
    assert!(told.contains("do not give its draft"), "{told}");
    altered(&world, "2", |value| {
        value["document"]["signed"]["x"] = 1.into();
        value["operations"] = Value::Null;
    });
    let shown = world.json(&[&["draft", "show", "altered"], &PIN[..]].concat());
    assert_eq!(
        shown["changes"]["others"][0]["pointer"], "/x",
        "what has no name is shown as it stands"
    );
}

/// Two requests for one version: the second is stale, is rebased, signed anew and published.
#[test]
fn a_stale_request_is_rebased() {
    let world = founded();
    let url = world.url();
    let mine = ["draft", "new", "--renew", "--expires-targets", "99", "-o", "mine"];
    world.ok(&[&mine[..], &at(&url)].concat());
    renewal(&world, "theirs");
    for file in ["mine", "theirs"] {
        gather(&world, file, &["t1", "t2"], &format!("{file}.signed"), &PIN);
    }
    let publish = |file: &'static str| [&["draft", "publish", file], &at(&url)[..], &ONLINE].concat();
    world.ok(&publish("theirs.signed"));
    let told = world.fails(6, &publish("mine.signed"));
    assert!(told.contains("version 2 is current"), "{told}");
    let rebase = ["draft", "rebase", "mine.signed", "-o", "mine.again"];
    let rebased = world.json(&[&rebase[..], &at(&url)].concat());
    assert_eq!(
        (&rebased["version"], &rebased["signatures"]),
        (&3.into(), &json!([]))
    );
    world.fails(11, &publish("mine.again"));
    gather(&world, "mine.again", &["t2", "t1"], "mine.last", &PIN);
    assert_eq!(world.json(&publish("mine.last"))["versions"]["targets"], 3);
}

/// Images are sealed and uploaded one by one into one request, which people sign; no signing key is at hand before.
#[test]
fn images_are_collected_for_people_to_sign() {
    let world = founded();
    let url = world.url();
    world.key("p256", "kek");
    let image = [
        "--hardware-id",
        "hw-a",
        "--version",
        "1.0",
        "--director",
        "kek.pub.pem",
    ];
    let add = |name: &'static str, counter: &'static str| {
        world.write(name, bytes(10_000 + name.len()));
        let what = [
            "target",
            "add",
            "--draft",
            "2",
            "--path",
            name,
            "--release-counter",
            counter,
            name,
        ];
        [&what[..], &image, &at(&url)].concat()
    };
    world.ok(&add("a.img", "1"));
    sign(&world, "2", "t1", "early", &PIN);
    std::fs::rename(world.path("early"), world.path("2")).unwrap();
    let output = world.run(&[&add("bb.img", "1")[..], &["--json"]].concat());
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["changes"]["targets"].as_array().unwrap().len(), 2);
    assert_eq!(told["signatures"], json!([]));
    let warned = String::from_utf8(output.stderr).unwrap();
    assert!(warned.contains("the request had signatures"), "{warned}");
    assert!(
        world.fails(6, &add("a.img", "2")).contains("--replace"),
        "taken by the request itself"
    );
    world.ok(&[&add("a.img", "2")[..], &["--replace"]].concat());
    world.ok(&add("ccc.img", "1"));
    let remove = |name: &'static str| {
        let what = ["target", "remove", "--draft", "2", "--path", name];
        [&what[..], &at(&url)].concat()
    };
    world.ok(&remove("ccc.img"));
    world.fails(5, &remove("ccc.img"));
    gather(&world, "2", &["t1", "t2"], "2.signed", &PIN);
    let none = world.json(&[&["target", "list"], &at(&url)[..]].concat());
    assert_eq!(
        none["targets"],
        json!([]),
        "nothing is published before people have signed"
    );
    world.ok(&[&["draft", "publish", "2.signed"], &at(&url)[..], &ONLINE].concat());
    let list = world.json(&[&["target", "list"], &at(&url)[..]].concat());
    let paths: Vec<&str> = list["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| target["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["a.img", "bb.img"]);
    world.ok(&[&["repo", "verify", "--deep"], &at(&url)[..]].concat());

    let keyless = ["target", "remove", "--path", "a.img"];
    let told = world.fails(2, &[&keyless[..], &at(&url)].concat());
    assert!(told.contains("--targets-key"), "{told}");
    let both = ["--draft", "3", "--targets-key", "t1.pem"];
    world.fails(2, &[&keyless[..], &both, &at(&url)].concat());
}

/// A key that is no file signs a request like any other.
#[test]
fn a_key_in_a_variable_signs() {
    let world = founded();
    renewal(&world, "2");
    let shown = world.json(&[&["draft", "show", "2"], &PIN[..]].concat());
    let yes = shown["digest"].as_str().unwrap();
    let key = String::from_utf8(world.read("t1.pem")).unwrap();
    let sign = ["draft", "sign", "2", "--key", "env:KEY", "--yes", yes];
    let output = world.run_with_env(&[&sign[..], &PIN].concat(), "KEY", &key);
    assert!(output.status.success(), "{output:?}");
    let shown = world.json(&[&["draft", "show", "2"], &PIN[..]].concat());
    assert_eq!(shown["signatures"][0]["standing"], "counts");
}

/// Whatever a request holds, a signer sees one line for each change, last of all, and nothing that a terminal would turn round.
#[test]
fn what_a_stranger_wrote_forges_no_line() {
    let world = founded();
    renewal(&world, "2");
    let show = |file: &'static str| [&["draft", "show", file], &PIN[..]].concat();
    let digest = world.json(&show("2"))["digest"].as_str().unwrap().to_owned();
    altered(&world, "2", |value| {
        let forged = format!("00\n\nchanges\n  none {digest}");
        value["document"]["signatures"] = json!([{"keyid": forged, "sig": "00"}]);
    });
    let told = world.ok(&show("altered"));
    let (before, changes) = told.split_once("\nchanges\n").unwrap();
    assert!(before.contains("1 foreign, which count for nothing"), "{told}");
    assert_eq!(changes, "  none but version and expiry\n");
    altered(&world, "2", |value| {
        value["document"]["signatures"] = json!([{"keyid": "0".repeat(129), "sig": "00"}]);
    });
    world.fails(3, &show("altered"));
    altered(&world, "2", |value| {
        let member = "x\n  none but version and expiry\u{202e}\u{200b}";
        value["document"]["signed"]["custom"] = json!({member: 1});
        value["note"] = "fine\n\nchanges\n  none".into();
        value["operations"] = Value::Null;
    });
    let told = world.ok(&show("altered"));
    let (before, changes) = told.split_once("\nchanges\n").unwrap();
    assert!(before.contains("fine\\n\\nchanges\\n  none"), "{told}");
    assert_eq!(changes.lines().count(), 1, "{told}");
    assert!(!told.contains(['\u{202e}', '\u{200b}']), "{told}");
    assert!(changes.contains("\\u{202e}"), "{told}");
}

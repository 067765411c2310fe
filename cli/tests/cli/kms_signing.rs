//! Roles whose keys are in AWS KMS, against the stand-in for it.

use serde_json::Value;

use crate::kit::{World, bytes, files, refused, strs};
use crate::kms::stand_in::StandIn;
use crate::kms::{ok, run, uri};

/// Options that name these keys for Targets, Snapshot and Timestamp.
fn keys(service: &StandIn, aliases: [&str; 3]) -> Vec<String> {
    let roles = ["--targets-key", "--snapshot-key", "--timestamp-key"];
    let pairs = roles.iter().zip(aliases);
    pairs
        .flat_map(|(role, alias)| [(*role).to_owned(), uri(service, alias)])
        .collect()
}

fn found(world: &World, service: &StandIn) {
    let root = uri(service, "signs-ed25519");
    let url = world.url();
    let keys = keys(service, ["signs-rsa", "signs", "signs"]);
    let init = ["repo", "init", "--repository", &url, "--root-key", &root];
    ok(world, &[&init[..], &strs(&keys)].concat());
}

/// `target remove` with the keys of these names.
fn remove(world: &World, service: &StandIn, aliases: [&str; 3]) -> std::process::Output {
    let (url, keys) = (world.url(), keys(service, aliases));
    let at = ["target", "remove", "--path", "a.img", "--root", "1.root.json"];
    run(world, &[&at[..], &["--repository", &url], &strs(&keys)].concat())
}

fn add(world: &World, service: &StandIn) {
    world.key("p256", "kek");
    world.write("image", bytes(1000));
    let (url, keys) = (world.url(), keys(service, ["signs-rsa", "signs", "signs"]));
    let what = [
        &[
            "target",
            "add",
            "--path",
            "a.img",
            "--hardware-id",
            "hw-a",
            "--version",
            "1",
        ][..],
        &[
            "--release-counter",
            "1",
            "--director",
            "kek.pub.pem",
            "--root",
            "1.root.json",
        ],
        &["--repository", &url],
        &strs(&keys),
        &["image"],
    ]
    .concat();
    ok(world, &what);
}

#[test]
fn a_repository_is_founded_and_published_with_keys_in_kms() {
    let world = World::new();
    let service = StandIn::start();
    found(&world, &service);
    add(&world, &service);
    let (url, online) = (world.url(), keys(&service, ["", "signs", "signs"]));
    let at = ["--repository", url.as_str(), "--root", "1.root.json"];
    ok(
        &world,
        &[&["repo", "refresh"], &at[..], &strs(&online[2..])].concat(),
    );
    // Who reads needs none of them.
    let verified: Value = world.json(&[&["repo", "verify", "--deep"], &at[..]].concat());
    assert_eq!(verified["findings"], serde_json::json!([]), "{verified}");
    assert_eq!(service.complaints(), [""; 0]);
}

/// Whose fault it is, by the exit code; nothing is published with half the signatures.
#[test]
fn a_key_in_kms_that_does_not_sign_publishes_nothing() {
    let world = World::new();
    let service = StandIn::start();
    found(&world, &service);
    add(&world, &service);
    let current = std::fs::read(world.path("repo/repo/timestamp.json")).unwrap();
    for (timestamp, code, says) in [
        ("signs-other", 4, "does not verify"),
        ("signs-nothing", 4, "does not verify"),
        ("signs-fails-AccessDeniedException", 8, "kms:Sign"),
        ("signs-fails-DisabledException", 8, "enable-key"),
        ("signs-fails-ThrottlingException", 7, "quota"),
    ] {
        let output = remove(&world, &service, ["signs-rsa", "signs", timestamp]);
        let said = refused(code, &[timestamp], &output);
        assert!(said.contains(says), "{said}");
        let now = std::fs::read(world.path("repo/repo/timestamp.json")).unwrap();
        assert_eq!(now, current, "{timestamp}");
    }
    // Before anything is signed, where the key is for something else.
    let before = files(&world.path("repo"));
    let said = refused(4, &[], &remove(&world, &service, ["p256", "signs", "signs"]));
    assert!(said.contains("SIGN_VERIFY"), "{said}");
    assert_eq!(files(&world.path("repo")), before);
    // With the right ones it goes on.
    assert!(
        remove(&world, &service, ["signs-rsa", "signs", "signs"])
            .status
            .success()
    );
}

/// The public half of a key that never signed right would stand in a root for years.
#[test]
fn a_signing_key_in_kms_proves_itself_when_it_is_shown() {
    let world = World::new();
    let service = StandIn::start();
    for (alias, kind, proof) in [
        ("signs", "P-256", "signing"),
        ("signs-rsa", "RSA", "signing"),
        ("signs-ed25519", "Ed25519", "signing"),
        ("p256", "P-256", "unwrapping"),
    ] {
        let args = [
            "key",
            "show",
            &uri(&service, alias),
            "--force",
            "-o",
            "kms.pub.pem",
        ];
        let output = run(&world, &[&args[..], &["--json"]].concat());
        assert!(output.status.success(), "{output:?}");
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(shown["type"], kind, "{shown}");
        assert_eq!(shown["proven_by"], proof, "{shown}");
        assert_eq!(shown["held_elsewhere"], true, "{shown}");
        let written: Value = world.json(&["key", "show", "kms.pub.pem"]);
        assert_eq!(written["tuf_key_id"], shown["tuf_key_id"]);
        assert_eq!(written["proven_by"], Value::Null);
    }
    for (alias, code, says) in [
        ("signs-rsa-salt", 4, "does not verify"),
        ("signs-fails-AccessDeniedException", 8, "kms:Sign"),
        ("missing", 5, "alias/missing"),
        ("rsa2048", 4, "neither opens nor signs"),
    ] {
        let uri = uri(&service, alias);
        let args = ["key", "show", &uri, "-o", "never.pem"];
        let said = refused(code, &args, &run(&world, &args));
        assert!(said.contains(says), "{said}");
        assert!(!world.exists("never.pem"));
    }
}

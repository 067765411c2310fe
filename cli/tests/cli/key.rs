//! Key pairs and passphrases.

use crate::kit::{World, refused};

#[test]
fn every_kind_of_key_is_made_and_shown_with_the_same_ids() {
    let world = World::new();
    for kind in ["ed25519", "p256", "rsa-3072", "x-wing"] {
        let file = format!("{kind}.pem");
        let made = world.json(&["key", "generate", kind, "-o", &file, "--unencrypted"]);
        let private = world.json(&["key", "show", &file]);
        let public = world.json(&["key", "show", &format!("{kind}.pub.pem")]);
        assert_eq!(private["half"], "private");
        assert_eq!(public["half"], "public");
        for id in ["tuf_key_id", "recipient_key_id"] {
            assert_eq!(private[id], public[id], "{kind} {id}");
            assert_eq!(made[id], public[id], "{kind} {id}");
        }
        assert_eq!(public["tuf_key_id"].is_null(), kind == "x-wing");
        assert_eq!(public["recipient_key_id"].is_null(), kind == "ed25519");
        for id in ["tuf_key_id", "recipient_key_id"] {
            assert!(public[id].as_str().is_none_or(|text| text.len() == 64));
        }
    }
}

#[cfg(unix)]
#[test]
fn private_keys_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.key("ed25519", "release");
    let mode = world.path("release.pem").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(world.leftovers().is_empty());
}

#[test]
fn keys_are_encrypted_unless_the_opposite_is_said() {
    let world = World::new();
    world.write("pass", "correct horse\n");
    world.write("wrong", "battery staple\n");
    world.ok(&[
        "key",
        "generate",
        "p256",
        "-o",
        "k.pem",
        "--passphrase-file",
        "pass",
    ]);
    assert!(
        world
            .read("k.pem")
            .starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    );
    world.ok(&["key", "show", "k.pem", "--passphrase-file", "pass"]);
    world.ok(&[
        "key",
        "show",
        "k.pem",
        "--passphrase-file",
        "wrong",
        "--passphrase-file",
        "pass",
    ]);
    let args = ["key", "show", "k.pem", "--passphrase-env", "SECRET"];
    assert!(
        world
            .run_with_env(&args, "SECRET", "correct horse")
            .status
            .success()
    );
    refused(4, &args, &world.run_with_env(&args, "SECRET", "nonsense"));

    let message = world.fails(4, &["key", "show", "k.pem", "--passphrase-file", "wrong"]);
    assert!(
        message.contains("the passphrase does not open k.pem"),
        "{message}"
    );
    assert!(world.fails(4, &args).contains("SECRET is not set"));
    // No terminal, no source: refuse instead of hanging or writing in the clear.
    world.fails(4, &["key", "show", "k.pem"]);
    world.fails(4, &["key", "generate", "p256", "-o", "n.pem"]);
    assert!(!world.exists("n.pem"));
}

#[test]
fn existing_keys_are_never_overwritten_by_accident() {
    let world = World::new();
    world.key("p256", "k");
    let before = world.read("k.pem");
    let message = world.fails(6, &["key", "generate", "p256", "-o", "k.pem", "--unencrypted"]);
    assert!(message.contains("k.pem exists already"), "{message}");
    assert_eq!(world.read("k.pem"), before);
    world.ok(&[
        "key",
        "generate",
        "p256",
        "-o",
        "k.pem",
        "--unencrypted",
        "--force",
    ]);
    assert_ne!(world.read("k.pem"), before);
}

#[test]
fn what_is_no_key_is_told_so() {
    let world = World::new();
    world.write("text.pem", "hello\n");
    world.write("binary.pem", [0xff, 0xfe, 0x00]);
    world.write("cut.pem", "-----BEGIN PRIVATE KEY-----\nMIG\n");
    world.fails(4, &["key", "show", "text.pem"]);
    world.fails(3, &["key", "show", "binary.pem"]);
    world.fails(4, &["key", "show", "cut.pem"]);
    world.fails(5, &["key", "show", "absent.pem"]);
    world.fails(2, &["key", "generate", "dsa", "-o", "x.pem"]);
}

#[test]
fn certificates_are_issued_from_an_encrypted_authority() {
    let world = World::new();
    world.write("pass", "fleet\n");
    world.ok(&["ca", "create", "--out", "ca", "--passphrase-file", "pass"]);
    assert!(
        world
            .read("ca/ca.key.pem")
            .starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    );
    let issue = [
        "--ca-cert",
        "ca/ca.pem",
        "--ca-key",
        "ca/ca.key.pem",
        "--out",
        "tls",
    ];
    let mut server = vec!["ca", "issue-server", "--name", "localhost", "--ip", "127.0.0.1"];
    server.extend(issue);
    world.fails(4, &server);
    server.extend(["--passphrase-file", "pass"]);
    world.ok(&server);
    assert!(
        world
            .read("tls/server.pem")
            .starts_with(b"-----BEGIN CERTIFICATE-----")
    );
    let mut vehicle = vec!["ca", "issue-vehicle", "VIN-1", "--passphrase-file", "pass"];
    vehicle.extend(issue);
    world.ok(&vehicle);
    assert!(world.exists("tls/client.key.pem"));
    vehicle[2] = "not a vehicle";
    world.fails(2, &vehicle);
}

#[test]
fn demonstration_keys_are_refused_outside_a_demonstration() {
    let world = World::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../keys-example");
    let kek = format!("{folder}/kek.pub.pem");
    let root = format!("{folder}/image/root.pem");
    world.write("image", "bytes");
    let seal = ["image", "seal", "--recipient", &kek, "image"];
    let message = world.fails(9, &seal);
    assert!(message.contains("--demo"), "{message}");
    assert!(!world.exists("image.sealed"));
    world.ok(&[&seal[..], &["--demo"]].concat());
    world.fails(
        9,
        &[
            "director",
            "init",
            "--out",
            "d",
            "--root-key",
            &root,
            "--unencrypted",
        ],
    );
    world.fails(
        9,
        &[
            "image",
            "open",
            "--key",
            &format!("{folder}/kek.pem"),
            "image.sealed",
            "-o",
            "back",
        ],
    );
}

#[test]
fn demonstration_certificates_are_refused_outside_a_demonstration() {
    let world = World::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../keys-example");
    let (ca, key) = (
        format!("{folder}/fleet/ca.pem"),
        format!("{folder}/fleet/ca.key.pem"),
    );
    let issue = [
        "ca",
        "issue-vehicle",
        "VIN-1",
        "--ca-cert",
        &ca,
        "--ca-key",
        &key,
        "--out",
        "tls",
    ];
    let message = world.fails(9, &issue);
    assert!(message.contains("--demo"), "{message}");
    assert!(!world.exists("tls"));
    world.ok(&[&issue[..], &["--demo"]].concat());
    // The key counts as well as the certificate.
    world.ok(&["ca", "create", "--out", "own", "--unencrypted"]);
    let mixed = [
        "ca",
        "issue-vehicle",
        "VIN-1",
        "--ca-cert",
        "own/ca.pem",
        "--ca-key",
        &key,
        "--out",
        "two",
    ];
    world.fails(9, &mixed);
    // A server whose CA key is public could be anyone, and would be given the token.
    world.write("token", "secret");
    let tls = format!("{folder}/tls/ca.pem");
    let list = [
        "vehicle",
        "list",
        "--server",
        "https://127.0.0.1:1",
        "--token-file",
        "token",
        "--ca",
    ];
    world.fails(9, &[&list[..], &[&tls]].concat());
}

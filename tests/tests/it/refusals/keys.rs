//! Keys in the wrong place or of the wrong kind.

use std::fs;

use sealift_tests::process::Program;
use sealift_tests::world::World;

/// Exit code of `sealift-server` when a key is configured that must not be there.
const FORBIDDEN_KEY: i32 = 78;

/// T-2.1.1-2, T-6.1-1: the program itself, with a root or targets key of the Image repository.
#[test]
fn the_server_refuses_to_hold_offline_keys() {
    let world = World::new();
    for role in ["root", "targets"] {
        let config = world
            .server_config()
            .replace("keys/timestamp.pem", &format!("keys/{role}.pem"));
        fs::write(world.path("bad.toml"), config).unwrap();
        let program = world.surround(Program::binary("sealift-server"));
        let run = program
            .args(["--config", "bad.toml", "--ready-file", "ready.json"])
            .run()
            .exits(FORBIDDEN_KEY);
        let said = format!("{}{}", run.text(), run.stderr());
        assert!(said.contains(role), "{run}");
        assert!(!world.path("ready.json").exists());
    }
}

#[test]
fn a_key_that_does_not_sign_the_role_publishes_nothing() {
    let world = World::new();
    let image = world.image("app.img", &[1; 1000]);
    let _ = world
        .sealift()
        .args([
            "key",
            "generate",
            "ed25519",
            "--unencrypted",
            "--out",
            "keys/foreign.pem",
        ])
        .run()
        .ok();
    let before = fs::read(world.tree().served().join("timestamp.json")).unwrap();
    for role in ["targets", "snapshot", "timestamp"] {
        let honest = fs::read(world.path(&format!("keys/{role}.pem"))).unwrap();
        fs::copy(
            world.path("keys/foreign.pem"),
            world.path(&format!("keys/{role}.pem")),
        )
        .unwrap();
        let run = world.target_add("app.img", "hw", 1, &image).run().exits(4);
        assert!(
            world.tree().targets()["targets"].as_object().unwrap().is_empty(),
            "{run}"
        );
        fs::write(world.path(&format!("keys/{role}.pem")), honest).unwrap();
    }
    let after = fs::read(world.tree().served().join("timestamp.json")).unwrap();
    assert!(after == before, "what clients see is the same");
    world.publish("app.img", "hw", 1, &image);
}

#[test]
fn an_encrypted_key_needs_its_passphrase() {
    let world = World::new();
    fs::write(world.path("right"), "correct horse\n").unwrap();
    fs::write(world.path("wrong"), "battery staple\n").unwrap();
    let generate = [
        "key",
        "generate",
        "p256",
        "--passphrase-file",
        "right",
        "--out",
        "keys/locked.pem",
    ];
    let _ = world.sealift().args(generate).run().ok();
    let pem = fs::read_to_string(world.path("keys/locked.pem")).unwrap();
    assert!(
        pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"),
        "encrypted by default"
    );
    let _ = world.image("app.img", &[1; 1000]);
    let seal = [
        "image",
        "seal",
        "--recipient",
        "keys/locked.pub.pem",
        "-o",
        "app.sealed",
        "images/app.img",
    ];
    let _ = world.sealift().args(seal).run().ok();
    let open = |passphrase: &[&str]| {
        let words = ["image", "open", "--key", "keys/locked.pem", "-o", "-"];
        world
            .sealift()
            .args(words)
            .args(passphrase)
            .arg("app.sealed")
            .env("SECRET", "correct horse")
            .run()
    };
    assert_eq!(open(&["--passphrase-file", "right"]).ok().stdout(), [1; 1000]);
    assert_eq!(open(&["--passphrase-env", "SECRET"]).ok().stdout(), [1; 1000]);
    let run = open(&["--passphrase-file", "wrong"]).exits(4);
    assert!(
        !run.stderr().contains("battery"),
        "a passphrase is never shown\n{run}"
    );
    let _ = open(&[]).exits(4);
}

#[test]
fn keys_made_by_openssl_are_taken_as_they_are() {
    let world = World::new();
    if Program::new("openssl", "openssl")
        .arg("version")
        .run_if_there()
        .is_none()
    {
        return println!("left out: there is no openssl");
    }
    let plain = [5; 100_000];
    let _ = world.image("app.img", &plain);
    let kinds: [&[&str]; 2] = [
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    ];
    for (index, kind) in kinds.iter().enumerate() {
        let (private, public) = (format!("keys/o{index}.pem"), format!("keys/o{index}.pub.pem"));
        let openssl = |words: &[&str]| {
            world
                .surround(Program::new("openssl", "openssl"))
                .args(words)
                .run()
                .ok()
        };
        let _ = openssl(&[&["genpkey", "-out", &private], *kind].concat());
        let _ = openssl(&["pkey", "-in", &private, "-pubout", "-out", &public]);
        let seal = [
            "image",
            "seal",
            "--recipient",
            &public,
            "--force",
            "-o",
            "app.sealed",
            "images/app.img",
        ];
        let _ = world.sealift().args(seal).run().ok();
        let open = [
            "image",
            "open",
            "--key",
            &private,
            "--range",
            "16000-17000",
            "-o",
            "-",
            "app.sealed",
        ];
        assert_eq!(
            world.sealift().args(open).run().ok().stdout(),
            &plain[16000..=17000]
        );
    }
}

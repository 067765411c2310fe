//! Private keys in environment variables, as pipelines have them.

use crate::kit::{World, bytes, refused};

const PASSPHRASE: (&str, &str) = ("PASS", "correct horse battery staple");

/// Makes an encrypted key NAME.pem, gives back its text and removes the file.
fn taken(world: &World, command: &[&str], name: &str) -> String {
    let file = format!("{name}.pem");
    let made = [command, &["-o", &file, "--passphrase-env", PASSPHRASE.0]].concat();
    let output = world.run_with(&made, &[PASSPHRASE]);
    assert!(output.status.success(), "{output:?}");
    let pem = String::from_utf8(world.read(&file)).unwrap();
    std::fs::remove_file(world.path(&file)).unwrap();
    pem
}

#[test]
fn a_repository_needs_no_key_in_a_file() {
    let world = World::new();
    let keys = ["ROOT", "TARGETS", "SNAPSHOT", "TIMESTAMP"].map(|role| {
        (
            role,
            taken(&world, &["key", "generate", "ed25519"], &role.to_lowercase()),
        )
    });
    let kek = taken(&world, &["kek", "create"], "kek");
    let mut variables = vec![PASSPHRASE, ("KEK", kek.as_str())];
    variables.extend(keys.iter().map(|(role, pem)| (*role, pem.as_str())));
    let ok = |args: &[&str]| {
        let output = world.run_with(args, &variables);
        assert!(output.status.success(), "{args:?}: {output:?}");
    };
    let url = world.url();
    let online = [
        &[
            "--snapshot-key",
            "env:SNAPSHOT",
            "--timestamp-key",
            "env:TIMESTAMP",
        ][..],
        &["--repository", &url, "--passphrase-env", PASSPHRASE.0],
    ]
    .concat();
    let all = [&["--targets-key", "env:TARGETS"], &online[..]].concat();
    ok(&[&["repo", "init", "--root-key", "env:ROOT"], &all[..]].concat());
    world.write("image", bytes(3000));
    let target = [
        "--path",
        "a.img",
        "--hardware-id",
        "hw-a",
        "--release-counter",
        "1",
    ];
    let add = ["target", "add", "--version", "1", "--director", "kek.pub.pem"];
    let pin = ["--root", "1.root.json"];
    ok(&[&add[..], &target, &pin, &all, &["image"]].concat());
    ok(&[&["repo", "refresh"], &pin[..], &online].concat());
    ok(&["repo", "verify", "--root", "1.root.json", "--repository", &url]);
    // What opens is named alike.
    ok(&["image", "seal", "--recipient", "kek.pub.pem", "image"]);
    let unlock = ["--passphrase-env", PASSPHRASE.0];
    ok(&[
        &["image", "open", "-o", "back", "--key", "env:KEK"],
        &unlock[..],
        &["image.sealed"],
    ]
    .concat());
    assert_eq!(world.read("back"), bytes(3000));
    ok(&[&["key", "show", "env:ROOT"], &unlock[..]].concat());
}

#[test]
fn a_certificate_authority_signs_with_a_key_of_the_environment() {
    let world = World::new();
    world.ok(&["ca", "create", "--out", "tls", "--unencrypted"]);
    let key = String::from_utf8(world.read("tls/ca.key.pem")).unwrap();
    std::fs::remove_file(world.path("tls/ca.key.pem")).unwrap();
    let issue = [
        &[
            "ca",
            "issue-server",
            "--ca-cert",
            "tls/ca.pem",
            "--ca-key",
            "env:CA",
        ][..],
        &["--ip", "127.0.0.1", "--out", "server"],
    ]
    .concat();
    let output = world.run_with(&issue, &[("CA", &key)]);
    assert!(output.status.success(), "{output:?}");
    // It needs the key itself.
    let elsewhere = issue.iter().map(|arg| match *arg {
        "env:CA" => "awskms:///alias/ca",
        other => other,
    });
    let elsewhere: Vec<_> = elsewhere.chain(["--force"]).collect();
    let said = world.fails(2, &elsewhere);
    assert!(said.contains("env:NAME"), "{said}");
}

#[test]
fn a_variable_that_holds_no_key_says_so() {
    let world = World::new();
    world.key("ed25519", "signs");
    world.key("p256", "env:file");
    let variables = [
        ("EMPTY", ""),
        ("TEXT", "no key"),
        ("LONG", &"x".repeat(100_000)[..]),
    ];
    for (name, code, says) in [
        ("env:UNSET", 4, "UNSET is not set"),
        ("env:EMPTY", 4, "EMPTY is not set"),
        ("env:TEXT", 4, "env:TEXT is no usable signing key"),
        ("env:", 2, "name of a variable"),
        ("env:A B", 2, "name of a variable"),
    ] {
        let init = [
            &[
                "repo",
                "init",
                "--repository",
                "file:///nowhere",
                "--root-key",
                name,
            ][..],
            &["--targets-key", "signs.pem", "--snapshot-key", "signs.pem"],
            &["--timestamp-key", "signs.pem"],
        ]
        .concat();
        let said = refused(code, &init, &world.run_with(&init, &variables));
        assert!(said.contains(says), "{name}: {said}");
    }
    // A file of such a name.
    world.ok(&["key", "show", "./env:file.pem"]);
}

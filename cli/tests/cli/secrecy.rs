//! What the tool prints, on success and on failure, as text and as JSON, holds no key and no plaintext.

use std::process::Output;

use crate::kit::{World, bytes};

const PASSPHRASE: &str = "correct horse battery staple";

/// Whether nine bytes in a row of `secret` are in the output: as they are, in hexadecimal or in base64.
fn shows(output: &Output, secret: &[u8]) -> bool {
    use base64::Engine as _;
    let printed = [output.stdout.as_slice(), &output.stderr].concat();
    let text = String::from_utf8_lossy(&printed);
    let lower = text.to_lowercase();
    secret.windows(9).any(|nine| {
        lower.contains(&hex::encode(nine))
            || text.contains(&base64::engine::general_purpose::STANDARD_NO_PAD.encode(nine))
            || printed.windows(9).any(|window| window == nine)
    })
}

/// The private part of an unencrypted PKCS#8 key.
fn private_part(world: &World, name: &str) -> Vec<u8> {
    use base64::Engine as _;
    let pem = String::from_utf8(world.read(name)).unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
    // P-256: the scalar lies before the public key. Others end with what is private.
    if der.len() < 200 && der.len() > 100 {
        der[36..68].to_vec()
    } else {
        der[der.len() - 32..].to_vec()
    }
}

#[test]
fn nothing_printed_holds_a_secret() {
    let world = World::new();
    for (kind, name) in [
        ("p256", "k"),
        ("x-wing", "x"),
        ("rsa-3072", "r"),
        ("p256", "other"),
    ] {
        world.key(kind, name);
    }
    let plain = bytes(40_000);
    world.write("image", &plain);
    world.write("pass", PASSPHRASE);
    let mut secrets = vec![plain[..64].to_vec(), PASSPHRASE.as_bytes().to_vec()];
    secrets.extend(["k.pem", "x.pem", "r.pem", "other.pem"].map(|name| private_part(&world, name)));

    let seal = "image seal --recipient k.pub.pem --recipient x.pub.pem --recipient r.pub.pem --force image";
    let mut output = world.run(&seal.split(' ').collect::<Vec<_>>());
    assert!(output.status.success(), "{output:?}");
    let mut sealed = world.read("image.sealed");
    let last = sealed.len() - 1;
    sealed[last] ^= 1;
    world.write("altered", &sealed);

    let good = [
        seal,
        "image open --key k.pem -o back --force image.sealed",
        "image open --key x.pem -o back --force image.sealed",
        "image open --key r.pem -o back --force image.sealed",
        "image inspect image.sealed",
        "key generate p256 -o locked.pem --passphrase-file pass --force",
    ];
    let bad = [
        "image open --key other.pem -o back --force image.sealed",
        "image open --key k.pem -o back --force altered",
        "image open --key k.pub.pem -o back --force image.sealed",
        "image open --key locked.pem --passphrase-file k.pem -o back --force image.sealed",
        "image open --key image -o back --force image.sealed",
        "image open --key k.pem -o back --force image",
        "image open --key k.pem -o nowhere/back image.sealed",
    ];
    for (lines, success) in [(&good[..], true), (&bad[..], false)] {
        for line in lines {
            for more in ["", " --json"] {
                let line = format!("{line}{more}");
                output = world.run(&line.split(' ').collect::<Vec<_>>());
                assert_eq!(output.status.success(), success, "{line}: {output:?}");
                for secret in &secrets {
                    assert!(!shows(&output, secret), "{line}: {output:?}");
                }
            }
        }
    }
}

/// A key in a variable is no more to be seen than one in a file; nor one that was typed where its variable's name belongs.
#[test]
fn nothing_printed_holds_a_key_of_the_environment() {
    let world = World::new();
    for (kind, name) in [("p256", "k"), ("ed25519", "other")] {
        world.key(kind, name);
    }
    world.write("image", bytes(1000));
    world.ok(&["image", "seal", "--recipient", "k.pub.pem", "image"]);
    let pem = |name: &str| String::from_utf8(world.read(name)).unwrap();
    let (key, other) = (pem("k.pem"), pem("other.pem"));
    let variables = [("KEY", key.as_str()), ("OTHER", &other), ("DAMAGED", &key[..150])];
    let secrets = [private_part(&world, "k.pem"), private_part(&world, "other.pem")];
    let pasted = format!("env:{key}");
    for (name, success) in [
        ("env:KEY", true),
        ("env:OTHER", false),
        ("env:DAMAGED", false),
        (pasted.as_str(), false),
    ] {
        let open = [
            "image",
            "open",
            "--force",
            "-o",
            "back",
            "image.sealed",
            "--key",
            name,
        ];
        for args in [&open[..], &["key", "show", name]] {
            for more in [&[][..], &["--json"]] {
                let args = [args, more].concat();
                let output = world.run_with(&args, &variables);
                let shown_alone = args[0] == "key" && name == "env:OTHER";
                assert_eq!(
                    output.status.success(),
                    success || shown_alone,
                    "{args:?}: {output:?}"
                );
                for secret in &secrets {
                    assert!(!shows(&output, secret), "{args:?}: {output:?}");
                }
            }
        }
    }
}

/// A pipeline that forgets `env:` gives the key or the passphrase where a name belongs; its log must not have them.
#[test]
fn a_secret_in_the_place_of_a_name_is_not_repeated() {
    let world = World::new();
    world.key("ed25519", "k");
    let pem = String::from_utf8(world.read("k.pem")).unwrap();
    let line = pem.lines().nth(1).unwrap();
    let encoded = "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1DNENBUUF3";
    for key in [pem.as_str(), pem.trim_start_matches('-'), encoded] {
        for args in [
            &["key", "show", key][..],
            &["image", "open", "--key", key, "-o", "out", "k.pem"],
            &[
                "repo",
                "refresh",
                "--snapshot-key",
                key,
                "--timestamp-key",
                "k.pem",
            ],
        ] {
            let output = world.run(args);
            assert_eq!(output.status.code(), Some(2), "{output:?}");
            assert!(!shows(&output, line.as_bytes()), "{output:?}");
            assert!(!shows(&output, encoded.as_bytes()), "{output:?}");
        }
    }
    let args = [
        "key",
        "generate",
        "ed25519",
        "-o",
        "n.pem",
        "--passphrase-env",
        "hunter2secret",
    ];
    let output = world.run(&args);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(!shows(&output, b"hunter2secret"), "{output:?}");
}

#[test]
fn the_search_would_find_it() {
    let world = World::new();
    let secret = bytes(40);
    let output = |stdout: Vec<u8>| {
        let mut output = world.run(&["--version"]);
        output.stdout = stdout;
        output
    };
    assert!(shows(&output(secret.clone()), &secret));
    assert!(shows(
        &output(format!("key={}", hex::encode_upper(&secret)).into_bytes()),
        &secret
    ));
    assert!(!shows(&output(b"nothing".to_vec()), &secret));
}

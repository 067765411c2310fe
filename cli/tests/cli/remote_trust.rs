//! Whom `image open --range` talks to: the server that was named, with a certificate of a CA that is trusted, and nobody else.

use crate::kit::{World, bytes};
use crate::web::{SECRET, Web};

const OPEN: [&str; 6] = ["image", "open", "--key", "k.pem", "--range", "1000-1009"];

/// A key, a sealed image, and a CA with a server's certificate for this machine.
fn world() -> (World, Vec<u8>) {
    let world = World::new();
    world.key("p256", "k");
    world.write("image", bytes(50_000));
    world.ok(&["image", "seal", "--recipient", "k.pub.pem", "image"]);
    let sealed = world.read("image.sealed");
    (world, sealed)
}

fn authority(world: &World, folder: &str) {
    world.ok(&["ca", "create", "--out", folder, "--unencrypted"]);
}

#[test]
fn a_private_ca_is_trusted_when_it_is_named_and_no_other_then() {
    let (world, sealed) = world();
    for folder in ["ours", "others"] {
        authority(&world, folder);
    }
    let issue = ["ca", "issue-server", "--ip", "127.0.0.1", "--out", "tls"];
    let by = ["--ca-cert", "ours/ca.pem", "--ca-key", "ours/ca.key.pem"];
    world.ok(&[&issue[..], &by].concat());
    let web = Web::with_ranges_and_tls(&world, sealed);
    let url = web.url();

    let output = world.run(&[&OPEN[..], &["--ca", "ours/ca.pem", url]].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert_eq!(output.stdout, bytes(50_000)[1000..=1009]);
    assert!(web.asked() > 0);

    let asked = web.asked();
    for ca in [&[][..], &["--ca", "others/ca.pem"]] {
        let message = world.fails(7, &[&OPEN[..], ca, &[url]].concat());
        assert!(message.contains("certificate"), "{message}");
        assert!(message.contains("give that CA with --ca"), "{message}");
        assert!(!message.contains(SECRET), "{message}");
    }
    assert_eq!(
        web.asked(),
        asked,
        "nothing is asked of a server that is not trusted"
    );
}

#[test]
fn a_ca_that_cannot_be_used_is_not_passed_over() {
    let (world, sealed) = world();
    let web = Web::with_ranges(sealed);
    world.write("empty.pem", "");
    world.fails(
        3,
        &[&OPEN[..], &["--ca", "empty.pem", "https://127.0.0.1:1/"]].concat(),
    );
    world.fails(
        5,
        &[&OPEN[..], &["--ca", "absent.pem", "https://127.0.0.1:1/"]].concat(),
    );
    authority(&world, "ours");
    let ca = ["--ca", "ours/ca.pem"];
    for input in [web.url(), "image.sealed", "file:///images/a.img"] {
        let message = world.fails(2, &[&OPEN[..], &ca, &[input]].concat());
        assert!(
            message.contains("--ca is for images at an https:// address"),
            "{message}"
        );
    }
    assert_eq!(web.asked(), 0);
    world.fails(2, &[&OPEN[..4], &ca, &["image.sealed"]].concat());
}

#[test]
fn redirects_are_named_and_not_followed() {
    let (world, sealed) = world();
    let elsewhere = Web::with_ranges(sealed);
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let web = Web::redirect(status, elsewhere.url());
        let message = world.fails(3, &[&OPEN[..], &[web.url()]].concat());
        assert!(message.contains(&status[..3]), "{message}");
        assert!(message.contains("redirects are not followed"), "{message}");
        assert!(!message.contains(SECRET), "{message}");
        assert_eq!(web.asked(), 1);
    }
    assert_eq!(elsewhere.asked(), 0);
    // It would have answered.
    assert!(
        world
            .run(&[&OPEN[..], &[elsewhere.url()]].concat())
            .status
            .success()
    );
}

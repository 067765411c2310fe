//! Keys in AWS KMS, against the stand-in for it.

#[path = "../../../custody/tests/kms/stand_in.rs"]
pub(crate) mod stand_in;

use std::process::Output;

use self::stand_in::{ACCESS_KEY, REGION, SECRET_KEY, StandIn};
use crate::kek::{key_files, opens, sums};
use crate::kit::{World, bytes, refused, strs};

/// The stand-in's credentials.
const VARIABLES: [(&str, &str); 6] = [
    ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
    ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
    ("AWS_REGION", REGION),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_CONFIG_FILE", "/dev/null"),
    ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
];

pub(crate) fn uri(service: &StandIn, alias: &str) -> String {
    format!("awskms://{}/alias/{alias}", service.address())
}

pub(crate) fn run(world: &World, args: &[&str]) -> Output {
    world.run_with(args, &VARIABLES)
}

pub(crate) fn ok(world: &World, args: &[&str]) {
    let output = run(world, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "sealift {args:?}: {stderr}");
}

#[test]
fn an_image_opens_with_a_key_in_kms() {
    let world = World::new();
    let service = StandIn::start();
    world.write("image", bytes(50_000));
    for (alias, operation) in [("p256", "DeriveSharedSecret"), ("rsa", "Decrypt")] {
        let uri = uri(&service, alias);
        ok(&world, &["key", "show", &uri, "--force", "-o", "kms.pub.pem"]);
        let seal = ["image", "seal", "image", "--force", "--recipient", "kms.pub.pem"];
        world.ok(&seal);
        let before = service.asked().len();
        let open = ["image", "open", "--force", "-o", "back", "--key"];
        ok(&world, &[&open[..], &[&uri, "image.sealed"]].concat());
        assert!(world.read("back") == bytes(50_000));
        assert_eq!(service.asked()[before..], ["GetPublicKey", operation]);
    }
    assert_eq!(service.complaints(), [""; 0]);
}

#[test]
fn a_repository_is_rotated_away_from_a_key_in_kms() {
    let world = World::new();
    world.repository();
    let service = StandIn::start();
    let uri = uri(&service, "p256");
    ok(&world, &["key", "show", &uri, "-o", "kms.pub.pem"]);
    world.ok(&["kek", "create", "-o", "new.pem", "--unencrypted"]);
    world.write("image", bytes(1000));
    for path in ["a.img", "b.img"] {
        world.ok(&strs(&world.add(
            "image",
            path,
            "1",
            &["--director", "kms.pub.pem"],
        )));
    }
    let url = world.url();
    let at = ["kek", "rotate", "--repository", &url, "--root", "1.root.json"];
    let keys = ["--old", &uri, "--new", "new.pub.pem", "--remove-old"];
    let record = world.record_with(0, &[&at[..], &keys].concat(), &VARIABLES);
    sums(&record, &[("rotated", 2), ("old_left", 0)]);
    assert_eq!(record.last().unwrap()["old_may_be_destroyed"], true);
    for path in ["a.img", "b.img"] {
        assert_eq!(opens(&world, "new.pem", path), Some(0));
    }
    // And back, so that what was wrapped for it is tried by it.
    let keys = ["--old", "new.pem", "--new", "kms.pub.pem"];
    world.ok(&[&at[..], &keys].concat());
    let check = ["--check-new", &uri, "--remove-old"];
    let record = world.record_with(0, &[&at[..], &keys, &check].concat(), &VARIABLES);
    sums(&record, &[("rotated", 2), ("old_left", 0), ("present", 0)]);
    assert_eq!(service.complaints(), [""; 0]);
}

/// Whose fault it is, by the exit code, and what to do.
#[test]
fn a_key_in_kms_that_cannot_be_used_says_why() {
    let world = World::new();
    let service = StandIn::start();
    ok(
        &world,
        &["key", "show", &uri(&service, "p256"), "-o", "kms.pub.pem"],
    );
    world.write("image", bytes(1000));
    world.ok(&["image", "seal", "image", "--recipient", "kms.pub.pem"]);
    for (alias, code, says) in [
        ("missing", 5, "alias/missing"),
        ("signs", 4, "aws kms create-key"),
        ("fails-AccessDeniedException", 8, "kms:DeriveSharedSecret"),
        ("fails-ThrottlingException", 7, "quota"),
    ] {
        let uri = uri(&service, alias);
        let args = ["image", "open", "-o", "back", "--key", &uri, "image.sealed"];
        let said = refused(code, &args, &run(&world, &args));
        assert!(said.contains(says), "{said}");
        assert!(!world.exists("back"));
    }
    let uri = uri(&service, "p256");
    let args = ["image", "open", "-o", "back", "--key", &uri, "image.sealed"];
    let said = refused(8, &args, &world.run_with(&args, &VARIABLES[2..]));
    assert!(said.contains("AWS_ACCESS_KEY_ID"), "{said}");
}

/// A key that may not be used has not said that it does not open: nothing is made afresh, and the old key stays.
#[test]
fn a_check_that_cannot_be_made_changes_nothing() {
    let world = World::new();
    world.repository();
    let service = StandIn::start();
    let uri = uri(&service, "p256");
    ok(&world, &["key", "show", &uri, "-o", "kms.pub.pem"]);
    world.write("image", bytes(1000));
    let keys = ["--director", "kek.pub.pem", "--director", "kms.pub.pem"];
    world.ok(&strs(&world.add("image", "both.img", "1", &keys)));
    world.ok(&strs(&world.add(
        "image",
        "old.img",
        "1",
        &["--director", "kek.pub.pem"],
    )));
    let url = world.url();
    let rotate = [
        &["kek", "rotate", "--repository", &url, "--root", "1.root.json"][..],
        &["--old", "kek.pem", "--new", "kms.pub.pem", "--remove-old"],
    ]
    .concat();
    let before = key_files(&world);
    let denied = format!("awskms://{}/alias/fails-AccessDeniedException", service.address());
    let record = world.record_with(8, &[&rotate[..], &["--check-new", &denied]].concat(), &VARIABLES);
    sums(&record, &[("rotated", 0), ("failed", 2), ("old_left", 2)]);
    assert_eq!(record.last().unwrap()["old_may_be_destroyed"], false);
    assert!(key_files(&world) == before);
}

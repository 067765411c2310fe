//! Adding targets: from files, from pipes, replaced, refused.

use crate::kit::{SIGN, World, bytes, files, refused, strs};

fn world() -> World {
    let world = World::new();
    world.repository();
    world.write("image", bytes(200_000));
    world
}

fn open(world: &World, path: &str, sealed: &str) {
    let url = world.url();
    let origin = [
        "--metadata-root",
        "1.root.json",
        "--repository",
        url.as_str(),
        "--target",
        path,
    ];
    let args = ["image", "open", "--key", "kek.pem", "-o", "back", "--force"];
    let opened = world.json(&[&args[..], &origin, &[sealed]].concat());
    assert_eq!(opened["origin_verified"], true);
}

#[test]
fn a_published_image_opens_with_its_origin_verified() {
    let world = world();
    let added = world.json(&strs(&world.add(
        "image",
        "ecu/app.img",
        "1",
        &["--director", "kek.pub.pem"],
    )));
    let object = format!("repo/repo/targets/{}", added["object"].as_str().unwrap());
    open(&world, "ecu/app.img", &object);
    assert_eq!(world.read("back"), bytes(200_000));

    // The same bytes are refused as another target, and other bytes as this one.
    world.write("image2", bytes(100));
    let other = world.json(&strs(&world.add(
        "image2",
        "ecu/b.img",
        "1",
        &["--director", "kek.pub.pem"],
    )));
    let url = world.url();
    let origin = [
        "--metadata-root",
        "1.root.json",
        "--repository",
        &url,
        "--target",
        "ecu/app.img",
    ];
    let open = ["image", "open", "--key", "kek.pem", "-o", "stolen"];
    let other = format!("repo/repo/targets/{}", other["object"].as_str().unwrap());
    world.fails(3, &[&open[..], &origin, &[&other]].concat());
    let absent = [
        "--metadata-root",
        "1.root.json",
        "--repository",
        &url,
        "--target",
        "no/such",
    ];
    world.fails(5, &[&open[..], &absent, &[&object]].concat());
    let output = world.run_piped(
        &[&open[..2], &["--key", "kek.pem"], &origin].concat(),
        &world.read(&other),
    );
    refused(3, &["image", "open", "(piped)"], &output);
    assert!(!world.exists("stolen"));
}

#[test]
fn a_pipe_is_spooled_and_published() {
    let world = world();
    let args = world.add("-", "piped.img", "1", &["--director", "kek.pub.pem"]);
    let output = world.run_piped(&[&strs(&args)[..], &["--json"]].concat(), &bytes(123_456));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let added: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(added["sealift"]["plain"]["length"], 123_456);
    open(
        &world,
        "piped.img",
        &format!("repo/repo/targets/{}", added["object"].as_str().unwrap()),
    );
    assert_eq!(world.read("back"), bytes(123_456));
    let url = world.url();
    world.ok(&[
        "repo",
        "verify",
        "--repository",
        &url,
        "--root",
        "1.root.json",
        "--deep",
    ]);
}

#[test]
fn a_taken_path_is_replaced_only_on_demand_and_upwards() {
    let world = world();
    let kek = ["--director", "kek.pub.pem"];
    world.ok(&strs(&world.add("image", "app.img", "5", &kek)));
    let objects = files(&world.path("repo/repo/targets"));
    let message = world.fails(6, &strs(&world.add("image", "app.img", "6", &kek)));
    assert!(message.contains("--replace"), "{message}");
    let replace = ["--director", "kek.pub.pem", "--replace"];
    world.write("other", bytes(100));
    world.fails(6, &strs(&world.add("other", "app.img", "5", &replace)));
    // Refused before anything was sealed or uploaded.
    assert_eq!(files(&world.path("repo/repo/targets")), objects);
    world.ok(&strs(&world.add("image", "app.img", "6", &replace)));
    let url = world.url();
    world.ok(&[
        "repo",
        "verify",
        "--repository",
        &url,
        "--root",
        "1.root.json",
        "--deep",
    ]);
}

#[test]
fn unprotected_images_need_the_flag_and_must_be_plain() {
    let world = world();
    world.fails(2, &strs(&world.add("image", "app.img", "1", &[])));
    world.fails(
        2,
        &strs(&world.add(
            "image",
            "app.img",
            "1",
            &["--protection", "none", "--director", "kek.pub.pem"],
        )),
    );
    let args = world.add("image", "app.img", "1", &["--protection", "none"]);
    let output = world.run(&strs(&args));
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("without encryption"));
    let objects = files(&world.path("repo/repo/targets"));
    assert_eq!(std::fs::read(&objects[0]).unwrap(), bytes(200_000));
    world.ok(&["image", "seal", "--recipient", "kek.pub.pem", "image"]);
    world.fails(
        3,
        &strs(&world.add("image.sealed", "b.img", "1", &["--protection", "none"])),
    );
    let url = world.url();
    world.ok(&[
        "repo",
        "verify",
        "--repository",
        &url,
        "--root",
        "1.root.json",
        "--deep",
    ]);
}

#[test]
fn names_that_cannot_be_are_refused_at_once() {
    let world = world();
    let kek = ["--director", "kek.pub.pem"];
    for path in ["../up", "/abs", "a b", "a//b", ""] {
        world.fails(2, &strs(&world.add("image", path, "1", &kek)));
    }
    world.fails(2, &strs(&world.add("image", "a", "-1", &kek)));
    world.fails(2, &strs(&world.add("image", "a", "9007199254740992", &kek)));
    world.fails(
        2,
        &strs(&world.add(
            "image",
            "a",
            "1",
            &["--director", "kek.pub.pem", "--hardware-id", "no hw"],
        )),
    );
    world.fails(5, &strs(&world.add("absent", "a", "1", &kek)));
}

#[test]
fn a_failing_store_leaves_the_repository_as_it_was() {
    let world = world();
    let before = world.read("repo/repo/timestamp.json");
    // A file where the folder of target bytes belongs: every upload fails.
    world.write("repo/repo/targets", "in the way");
    let output = world.run(&strs(&world.add(
        "image",
        "app.img",
        "1",
        &["--director", "kek.pub.pem"],
    )));
    assert!(matches!(output.status.code(), Some(7 | 8 | 74)), "{output:?}");
    assert_eq!(world.read("repo/repo/timestamp.json"), before);
    let url = world.url();
    std::fs::remove_file(world.path("repo/repo/targets")).unwrap();
    world.ok(&["repo", "verify", "--repository", &url, "--root", "1.root.json"]);
    world.ok(&strs(&world.add(
        "image",
        "app.img",
        "1",
        &["--director", "kek.pub.pem"],
    )));
}

/// T-4.3-4
#[test]
fn an_unchanged_target_list_is_signed_again_on_request() {
    let world = world();
    let url = world.url();
    world.ok(&[
        &[
            "repo",
            "publish",
            "--resign",
            "--repository",
            &url,
            "--root",
            "1.root.json",
        ],
        &SIGN[..],
    ]
    .concat());
    let list = world.json(&["target", "list", "--repository", &url]);
    assert_eq!(list["targets_version"], 2);
    world.ok(&["repo", "verify", "--repository", &url, "--root", "1.root.json"]);
}

#[test]
fn a_target_list_can_be_published_again() {
    let world = world();
    world.ok(&strs(&world.add(
        "image",
        "app.img",
        "1",
        &["--director", "kek.pub.pem"],
    )));
    let url = world.url();
    let at = ["--repository", url.as_str(), "--root", "1.root.json"];
    let kept = files(&world.path("repo/repo"))
        .into_iter()
        .find(|path| path.ends_with("2.targets.json"))
        .unwrap();
    std::fs::copy(kept, world.path("kept.json")).unwrap();
    world.ok(&[&["target", "remove", "--path", "app.img"][..], &at, &SIGN].concat());
    world.ok(&[&["repo", "publish", "--targets", "kept.json"][..], &at, &SIGN].concat());
    let list = world.json(&["target", "list", "--repository", &url]);
    assert_eq!(list["targets"][0]["path"], "app.img");
    world.fails(2, &[&["repo", "publish"], &at[..], &SIGN].concat());
    world.fails(
        3,
        &[
            &[
                "repo",
                "publish",
                "--new-root",
                "1.root.json",
                "--targets",
                "image",
            ][..],
            &at,
            &SIGN,
        ]
        .concat(),
    );
}

#[test]
fn an_image_sealed_before_is_published_as_it_is() {
    let world = world();
    let url = world.url();
    let id = world.json(&["repo", "show", "--repository", &url])["repository_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let place = ["--repository-id", &id, "--target-path", "pre.img"];
    let seal = ["image", "seal", "--director", "kek.pub.pem", "image"];
    let sealed = world.json(&[&seal[..], &place].concat());
    let digest = sealed["plain"]["sha256"].as_str().unwrap();
    let sealed_here = [
        "--sealed",
        "--keys",
        "image.sealed.keys",
        "--plain-sha256",
        digest,
    ];
    let added = world.json(&strs(&world.add("image.sealed", "pre.img", "1", &sealed_here)));
    assert_eq!(added["sha256"], sealed["sealed"]["sha256"]);
    for part in ["plain", "header", "segments"] {
        assert_eq!(added["sealift"][part], sealed[part], "{part}");
    }
    open(&world, "pre.img", "image.sealed");
    assert_eq!(world.read("back"), bytes(200_000));
    world.ok(&[
        "repo",
        "verify",
        "--repository",
        &url,
        "--root",
        "1.root.json",
        "--deep",
    ]);

    // A download that broke off is not what is to be signed.
    let whole = world.read("image.sealed");
    world.write("cut.sealed", &whole[..100_000]);
    let said = world.fails(3, &strs(&world.add("cut.sealed", "b.img", "1", &sealed_here)));
    assert!(said.contains("has 100000 bytes"), "{said}");

    world.fails(3, &strs(&world.add("image", "b.img", "1", &sealed_here)));
    world.fails(2, &strs(&world.add("image.sealed", "b.img", "1", &["--sealed"])));
    world.write("other", "x");
    world.ok(&[
        &["image", "seal", "--director", "kek.pub.pem", "other"],
        &place[..],
    ]
    .concat());
    let foreign = [
        "--sealed",
        "--keys",
        "other.sealed.keys",
        "--plain-sha256",
        digest,
    ];
    world.fails(3, &strs(&world.add("image.sealed", "b.img", "1", &foreign)));
}

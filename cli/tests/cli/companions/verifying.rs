//! An image looked at with all that is beside it.

use super::*;

#[test]
fn what_is_published_beside_an_image_is_verified_with_it() {
    let world = world();
    let published = world.json(&strs(&add(&world, "5", &[&BOTH[..], &BELIEVED].concat())));
    let listed = published["companions"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(
        (&listed[0]["kind"], &listed[0]["media_type"]),
        (
            &json!("provenance"),
            &json!("application/vnd.in-toto.provenance+dsse")
        )
    );
    assert_eq!(listed[1]["sha256"], digest(&world, "image.spdx"));
    let url = world.url();
    let all = [&BELIEVED[..], &["--require", "provenance,sbom"]].concat();
    let verified = world.json(&verify(&url, &all));
    assert_eq!(
        (&verified["image"], &verified["problems"]),
        (&json!("object"), &json!([]))
    );
    let provenance = &verified["companions"][0];
    assert_eq!(
        (&provenance["signature"], &provenance["subject"]),
        (&json!("verified"), &json!("plain"))
    );
    assert_eq!(provenance["builder_id"], BUILDER);
    assert_eq!(verified["companions"][1]["form"], "SPDX 2.3");

    // Without a key the rest is looked at, and it is said what was not.
    let output = world.run(&verify(&url, &[]));
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("who signed the provenance was not looked at"));
    // A local file in place of the object.
    let from = |name: &str| world.json(&verify(&url, &["--file", name]))["image"].clone();
    assert_eq!(from("image"), "plain-file");
    let object = files(&world.path("repo/repo/targets")).pop().unwrap();
    assert_eq!(from(object.to_str().unwrap()), "sealed-file");
    assert_eq!(
        problems(&world, &["--file", "image.spdx"]),
        ["image: image.spdx is neither the signed object nor the image before it was sealed"]
    );
    // The rest of the repository goes on as before.
    world.ok(&[
        "repo",
        "verify",
        "--deep",
        "--repository",
        &url,
        "--root",
        "1.root.json",
    ]);
}

#[test]
fn every_problem_is_named() {
    let world = world();
    world.ok(&strs(&add(&world, "5", &BOTH)));
    let provenance = digest(&world, "image.provenance");
    let bill = digest(&world, "image.spdx");
    let (mark, other_mark) = (&provenance[..12], &bill[..12]);
    assert_eq!(
        problems(
            &world,
            &[
                "--builder-key",
                "stranger.pub.pem",
                "--builder-id",
                "https://elsewhere.example"
            ]
        ),
        [
            format!("provenance {mark}: its builder is {BUILDER}, not https://elsewhere.example"),
            format!("provenance {mark}: no --builder-key has signed it"),
            "provenance: there is none that could be verified".to_owned(),
        ]
    );
    let folder = world.path("repo/repo/companions");
    std::fs::remove_file(folder.join(&provenance)).unwrap();
    std::fs::write(folder.join(&bill), "other bytes").unwrap();
    let [object] = files(&world.path("repo/repo/targets")).try_into().unwrap();
    let mut damaged = std::fs::read(&object).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    std::fs::write(&object, damaged).unwrap();
    let found = problems(&world, &["--require", "sbom"]);
    let subjects: Vec<&str> = found
        .iter()
        .map(|line| line.split_once(": ").unwrap().0)
        .collect();
    assert_eq!(
        subjects,
        [
            "image",
            &format!("provenance {mark}"),
            &format!("sbom {other_mark}"),
            "sbom"
        ],
        "{found:?}"
    );
    assert!(
        found[1].ends_with("is missing") && found[2].ends_with("are not the signed ones"),
        "{found:?}"
    );
    std::fs::remove_file(&object).unwrap();
    assert!(problems(&world, &[])[0].ends_with("is missing"));
    let url = world.url();
    let absent = [
        "target",
        "verify",
        "--repository",
        &url,
        "--root",
        "1.root.json",
        "no.img",
    ];
    world.fails(5, &absent);
    world.fails(2, &["target", "verify", "--repository", &url, "app.img"]);
    world.fails(2, &verify(&url, &["--builder-id", BUILDER]));
    world.fails(2, &verify(&url, &["--require", "licence"]));
}

#[test]
fn a_check_of_the_whole_repository_misses_them() {
    let world = world();
    world.ok(&strs(&add(&world, "5", &BOTH)));
    let (url, bill) = (world.url(), digest(&world, "image.spdx"));
    let at = ["repo", "verify", "--repository", &url, "--root", "1.root.json"];
    let deep = [&at[..], &["--deep"]].concat();
    world.ok(&deep);
    let file = world.path("repo/repo/companions").join(&bill);
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    world.ok(&at);
    assert!(said(&world, &deep).contains(&format!("its sbom repo/companions/{bill} is not the signed one")));
    std::fs::remove_file(&file).unwrap();
    assert!(said(&world, &at).contains(&format!("its sbom repo/companions/{bill} is missing")));
}

/// What another publisher listed without looking.
#[test]
fn provenance_of_another_image_is_found_in_the_repository_too() {
    let world = world();
    world.ok(&strs(&add(&world, "5", &BOTH)));
    // The list is moved to another image by hand, signed with the right keys.
    let list = targets(&world)["targets"]["app.img"]["custom"]["companions"].clone();
    world.write("image", bytes(100_000));
    world.ok(&strs(&add(&world, "6", &["--replace"])));
    let mut signed = targets(&world);
    signed["targets"]["app.img"]["custom"]["companions"] = list;
    world.write(
        "targets.json",
        json!({"signatures": [], "signed": signed}).to_string(),
    );
    let url = world.url();
    let publish = [
        "repo",
        "publish",
        "--repository",
        &url,
        "--root",
        "1.root.json",
        "--targets",
        "targets.json",
    ];
    world.ok(&[&publish[..], &SIGN].concat());
    let found = problems(&world, &BELIEVED);
    assert!(found[0].contains("it is of another image"), "{found:?}");
    assert_eq!(found[1], "provenance: there is none that could be verified");
}

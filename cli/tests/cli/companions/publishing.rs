//! What is published beside an image, and what is refused.

use super::*;

#[test]
fn provenance_that_does_not_fit_is_refused_before_anything_is_sent() {
    let world = world();
    let objects = || files(&world.path("repo")).len();
    let before = objects();
    let refused = |more: &[&str], words: &str| {
        for dry in [&["--dry-run"][..], &[]] {
            let said = world.fails(3, &strs(&add(&world, "5", &[more, dry].concat())));
            assert!(said.contains(words), "{said}");
            assert_eq!(objects(), before, "nothing was sent");
        }
        let pipe = world.add("-", "app.img", "5", &[&KEK, more].concat());
        let output = world.run_piped(&strs(&pipe), &bytes(200_000));
        assert_eq!((output.status.code(), objects()), (Some(3), before));
    };
    attest(&world, "other.provenance", &"00".repeat(32), "builder.pem");
    let other = ["--companion", "provenance=other.provenance"];
    refused(&other, "it is of another image");
    let good = &BOTH[..2];
    refused(
        &[good, &["--builder-key", "stranger.pub.pem"]].concat(),
        "no --builder-key has signed it",
    );
    let elsewhere = [
        "--builder-key",
        "builder.pub.pem",
        "--builder-id",
        "https://elsewhere.example",
    ];
    refused(
        &[good, &elsewhere].concat(),
        "its builder is https://ci.example.com/builder, not https://elsewhere",
    );
    refused(&BELIEVED[..2], "no --companion is provenance");
    refused(&[&BOTH[2..], &BELIEVED].concat(), "no --companion is provenance");
    assert!(!world.exists("state/uploads") || files(&world.path("state/uploads")).is_empty());
    // And nothing of it is in the way of the right one.
    world.ok(&strs(&add(&world, "5", &[good, &BELIEVED].concat())));
}

#[test]
fn what_is_no_companion_is_refused() {
    let world = world();
    for (companion, code) in [
        ("sbom=image.provenance", 3),
        ("provenance=image.spdx", 3),
        ("sbom=image", 3),
        ("sbom=absent", 5),
        ("licence=image.spdx", 2),
        ("sbom=", 2),
        ("image.spdx", 2),
    ] {
        world.fails(code, &strs(&add(&world, "5", &["--companion", companion])));
    }
    let mut many = Vec::new();
    for number in 0..17 {
        let text = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": number}).to_string();
        world.write(&format!("{number}.cdx"), text);
        many.extend(["--companion".to_owned(), format!("sbom={number}.cdx")]);
    }
    let said = world.fails(2, &strs(&add(&world, "5", &strs(&many))));
    assert!(said.contains("17 companions"), "{said}");
    world.ok(&strs(&add(&world, "5", &strs(&many[..32]))));
}

#[test]
fn a_release_is_the_same_only_with_the_same_companions() {
    let world = world();
    let first = add(&world, "5", &BOTH);
    assert_eq!(world.json(&strs(&first))["changed"], true);
    // In another order, and one of them twice, they are the same.
    let turned = [&BOTH[2..], &BOTH[..2], &BOTH[2..]].concat();
    assert_eq!(world.json(&strs(&add(&world, "5", &turned)))["changed"], false);
    for fewer in [&BOTH[..2], &BOTH[2..], &[]] {
        let said = world.fails(6, &strs(&add(&world, "5", fewer)));
        assert!(said.contains("but with other companions"), "{said}");
    }
    // A builder that is asked for on the second run only must have signed as well.
    let unbelieved = [&BOTH[..], &["--builder-key", "stranger.pub.pem"]].concat();
    for dry in [&[][..], &["--dry-run"]] {
        let said = world.fails(3, &strs(&add(&world, "5", &[&unbelieved, dry].concat())));
        assert!(said.contains("no --builder-key has signed it"), "{said}");
    }
    // A release that goes without is none with them.
    let plain = world.add("image", "plain.img", "5", &KEK);
    world.ok(&strs(&plain));
    let said = world.fails(
        6,
        &strs(&world.add("image", "plain.img", "5", &[&KEK, &BOTH[..]].concat())),
    );
    assert!(said.contains("but with other companions"), "{said}");
    // What is gone is not called published.
    let bill = world
        .path("repo/repo/companions")
        .join(digest(&world, "image.spdx"));
    std::fs::remove_file(bill).unwrap();
    let said = world.fails(5, &strs(&first));
    assert!(said.contains("the sbom is listed, but"), "{said}");
}

#[test]
fn a_sigstore_bundle_is_kept_and_not_judged() {
    let world = world();
    let media = "application/vnd.dev.sigstore.bundle.v0.3+json";
    world.write(
        "bundle",
        json!({"mediaType": media, "dsseEnvelope": {}}).to_string(),
    );
    let published = world.json(&strs(&add(&world, "5", &["--companion", "provenance=bundle"])));
    assert_eq!(published["companions"][0]["media_type"], media);
    let url = world.url();
    let verified = world.json(&verify(&url, &[]));
    assert_eq!(verified["companions"][0]["signature"], "not verified");
    assert!(
        world
            .ok(&verify(&url, &[]))
            .contains("its signature is not judged")
    );
    for more in [&["--require", "provenance"][..], &BELIEVED[..2]] {
        assert_eq!(
            problems(&world, more),
            ["provenance: there is none that could be verified"]
        );
    }
}

/// A builder that only saw the sealed bytes.
#[test]
fn provenance_may_be_of_the_sealed_bytes() {
    let world = world();
    let url = world.url();
    let shown = world.json(&["repo", "show", "--repository", &url, "--root", "1.root.json"]);
    let id = shown["repository_id"].as_str().unwrap();
    let place = [
        "--repository-id",
        id,
        "--target-path",
        "app.img",
        "-o",
        "image.sealed",
    ];
    let sealed = world.json(&[&["image", "seal"][..], &KEK, &place, &["image"]].concat());
    attest(
        &world,
        "sealed.provenance",
        &digest(&world, "image.sealed"),
        "builder.pem",
    );
    let plain = sealed["plain"]["sha256"].as_str().unwrap();
    for provenance in ["provenance=sealed.provenance", "provenance=image.provenance"] {
        let more = [
            "--sealed",
            "--keys",
            "image.sealed.keys",
            "--plain-sha256",
            plain,
            "--companion",
            provenance,
        ];
        let args = world.add(
            "image.sealed",
            "app.img",
            "5",
            &[&more[..], &["--dry-run"]].concat(),
        );
        world.ok(&strs(&args));
    }
    let more = ["--sealed", "--keys", "image.sealed.keys", "--plain-sha256", plain];
    let companion = ["--companion", "provenance=sealed.provenance"];
    world.ok(&strs(&world.add(
        "image.sealed",
        "app.img",
        "5",
        &[&more[..], &companion].concat(),
    )));
    let verified = world.json(&verify(&url, &BELIEVED));
    assert_eq!(verified["companions"][0]["subject"], "sealed");
}

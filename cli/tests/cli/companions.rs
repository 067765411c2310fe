//! Provenance and bills of materials beside an image: published with it, and verified.

use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::kit::{SIGN, World, bytes, files, strs};

const KEK: [&str; 2] = ["--director", "kek.pub.pem"];
const BUILDER: &str = "https://ci.example.com/builder";
const BOTH: [&str; 4] = [
    "--companion",
    "provenance=image.provenance",
    "--companion",
    "sbom=image.spdx",
];
const BELIEVED: [&str; 4] = ["--builder-key", "builder.pub.pem", "--builder-id", BUILDER];

/// A repository, an image, a builder and what he says of the image.
fn world() -> World {
    let world = World::new();
    world.repository();
    world.key("p256", "builder");
    world.key("ed25519", "stranger");
    world.write("image", bytes(200_000));
    attest(
        &world,
        "image.provenance",
        &digest(&world, "image"),
        "builder.pem",
    );
    world.write(
        "image.spdx",
        json!({"spdxVersion": "SPDX-2.3", "name": "image"}).to_string(),
    );
    world
}

fn digest(world: &World, name: &str) -> String {
    hex::encode(Sha256::digest(world.read(name)))
}

/// What an OpenSSL that knows nothing of us signs: DSSE over an in-toto statement.
fn attest(world: &World, output: &str, sha256: &str, key: &str) {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "image", "digest": {"sha256": sha256}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {"buildDefinition": {}, "runDetails": {"builder": {"id": BUILDER}}},
    })
    .to_string();
    let pae = format!(
        "DSSEv1 28 application/vnd.in-toto+json {} {statement}",
        statement.len()
    );
    world.write("to-be-signed", pae);
    let openssl = Command::new("openssl")
        .args(["dgst", "-sha256", "-sign", key, "to-be-signed"])
        .current_dir(world.path(""))
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    assert!(
        openssl.status.success(),
        "{}",
        String::from_utf8_lossy(&openssl.stderr)
    );
    let envelope = json!({
        "payloadType": "application/vnd.in-toto+json",
        "payload": STANDARD.encode(statement),
        "signatures": [{"keyid": "", "sig": STANDARD.encode(openssl.stdout)}],
    });
    world.write(output, envelope.to_string());
}

fn add(world: &World, counter: &str, more: &[&str]) -> Vec<String> {
    world.add("image", "app.img", counter, &[&KEK, more].concat())
}

fn verify<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let at = ["target", "verify", "--repository", url, "--root", "1.root.json"];
    [&at, more, &["app.img"]].concat()
}

/// Verifies in vain; the problems.
fn problems(world: &World, more: &[&str]) -> Vec<String> {
    let url = world.url();
    let output = world.run(&[&verify(&url, more), &["--json"][..]].concat());
    assert_eq!(
        output.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let list = json["problems"].as_array().unwrap().iter();
    list.map(|problem| {
        format!(
            "{}: {}",
            problem["subject"].as_str().unwrap(),
            problem["what"].as_str().unwrap()
        )
    })
    .collect()
}

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

/// What a refusal says on stdout.
fn said(world: &World, args: &[&str]) -> String {
    let output = world.run(args);
    assert_eq!(output.status.code(), Some(3));
    String::from_utf8(output.stdout).unwrap()
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

/// The newest Targets.
fn targets(world: &World) -> Value {
    let newest = files(&world.path("repo/repo"))
        .into_iter()
        .filter(|path| path.to_str().unwrap().ends_with(".targets.json"))
        .max_by_key(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.split('.').next().unwrap().parse::<u64>().unwrap()
        });
    let document: Value = serde_json::from_slice(&std::fs::read(newest.unwrap()).unwrap()).unwrap();
    document["signed"].clone()
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

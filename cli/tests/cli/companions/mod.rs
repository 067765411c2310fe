//! Provenance and bills of materials beside an image: published with it, and verified.

mod publishing;
mod verifying;

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

/// What a refusal says on stdout.
fn said(world: &World, args: &[&str]) -> String {
    let output = world.run(args);
    assert_eq!(output.status.code(), Some(3));
    String::from_utf8(output.stdout).unwrap()
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

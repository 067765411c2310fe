//! What is said on stderr beside the result: to a pipeline in lines that it can parse, to people once and not too early.

use std::process::Output;

use crate::kit::{SIGN, World, bytes, strs};

const OPEN: [&str; 5] = ["image", "open", "--key", "k.pem", "--force"];
const ORIGIN: &str = "origin NOT verified";

fn world() -> World {
    let world = World::new();
    world.key("p256", "k");
    world.write("image", bytes(50_000));
    world.ok(&["image", "seal", "--recipient", "k.pub.pem", "image"]);
    world
}

/// The keys of the JSON objects on stderr, one a line; with what the remarks and failures say.
fn said(output: &Output) -> Vec<(String, serde_json::Value)> {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    let objects = stderr.lines().map(|line| {
        let object: serde_json::Map<_, _> = serde_json::from_str(line).expect(line);
        let (key, value) = object.into_iter().next().unwrap();
        (key, value)
    });
    objects.collect()
}

#[test]
fn with_json_every_line_of_stderr_is_an_object() {
    let world = world();
    let output = world.run(&[&OPEN[..], &["--json", "-o", "back", "image.sealed"]].concat());
    assert!(output.status.success());
    let lines = said(&output);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].0, "warning");
    assert!(lines[0].1.as_str().unwrap().starts_with(ORIGIN), "{lines:?}");

    // The artefact on stdout, a warning and the summary on stderr.
    let output = world.run(&[&OPEN[..], &["--json", "--range", "0-9", "image.sealed"]].concat());
    let kinds: Vec<_> = said(&output).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["warning", "origin_verified"]);

    // A note and a failure.
    let repository = World::new();
    repository.repository();
    let url = repository.url();
    let show = ["--json", "target", "list", "--repository", &url];
    let lines = said(&repository.run(&show));
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].0, "note");
    assert!(
        lines[0].1.as_str().unwrap().starts_with("no --root given"),
        "{lines:?}"
    );
    assert!(said(&repository.run(&[&show[..], &["--quiet"]].concat())).is_empty());
    std::fs::remove_file(repository.path("repo/repo/timestamp.json")).unwrap();
    let output = repository.run(&show);
    assert!(!output.status.success());
    let kinds: Vec<_> = said(&output).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["note", "error"]);
}

/// The libraries have a log of their own, and it speaks like the rest.
#[test]
fn the_log_is_said_in_the_same_way() {
    let world = World::new();
    world.repository();
    world.write("image", bytes(50_000));
    let url = world.url();
    let shown = world.json(&["repo", "show", "--repository", &url]);
    let id = shown["repository_id"].as_str().unwrap();
    let seal = [
        "image",
        "seal",
        "--director",
        "kek.pub.pem",
        "--target-path",
        "a.img",
    ];
    let sealed = world.json(&[&seal[..], &["--repository-id", id, "image"]].concat());
    let digest = sealed["plain"]["sha256"].as_str().unwrap();
    let sealed = [
        "--sealed",
        "--keys",
        "image.sealed.keys",
        "--plain-sha256",
        digest,
    ];
    let added = world.json(&strs(&world.add("image.sealed", "a.img", "1", &sealed)));
    let remove = ["target", "remove", "--path", "a.img", "--repository", &url];
    world.ok(&[&remove[..], &["--root", "1.root.json"], &SIGN].concat());

    let object = format!("repo/repo/targets/{}", added["object"].as_str().unwrap());
    for (json, counter) in [(None, "2"), (Some("--json"), "3")] {
        world.write(&object, "damaged");
        let again = world.add("image.sealed", "a.img", counter, &sealed);
        let more = json.into_iter().chain((counter == "3").then_some("--replace"));
        let output = world.run(&strs(&again).into_iter().chain(more).collect::<Vec<_>>());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        let text = match json {
            None => stderr.trim_end().strip_prefix("warning: ").map(str::to_owned),
            Some(_) => said(&output)[0].1.as_str().map(str::to_owned),
        };
        let text = text.expect(&stderr);
        assert!(text.starts_with("replacing a damaged object"), "{text}");
    }
}

#[test]
fn the_origin_is_warned_of_once_and_only_where_something_was_opened() {
    let world = world();
    let count = |args: &[&str]| {
        let output = world.run(&[&OPEN[..], args].concat());
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let both = String::from_utf8_lossy(&output.stdout).into_owned() + &stderr;
        (output.status.success(), both.matches(ORIGIN).count(), stderr)
    };
    for how in [
        &["-o", "back", "image.sealed"][..],
        &["-o", "-", "image.sealed"],
        &["--range", "0-9", "image.sealed"],
        &["--range", "0-9", "-o", "back", "image.sealed"],
        &["--quiet", "-o", "back", "image.sealed"],
        &["--quiet", "-o", "-", "image.sealed"],
    ] {
        let (opened, times, stderr) = count(how);
        assert!(opened && times == 1, "{how:?}: {stderr}");
    }
    world.write("bad.sealed", "SEALIFT");
    for how in [
        &["-o", "back", "bad.sealed"][..],
        &["--range", "9999999-", "image.sealed"],
    ] {
        let (opened, times, stderr) = count(how);
        assert!(!opened && times == 0, "{how:?}: {stderr}");
    }
}

#[test]
fn quiet_leaves_the_result_and_nothing_beside_it() {
    let world = world();
    let seal = ["--quiet", "image", "seal", "--force", "--recipient", "k.pub.pem"];
    let output = world.run(&[&seal[..], &["image"]].concat());
    assert!(output.status.success() && output.stderr.is_empty());
    assert!(String::from_utf8_lossy(&output.stdout).contains("sealed sha256"));
    // Where the image is the result, the summary is a remark, unless it was asked for by --json.
    let output = world.run(&[&seal[..], &["-o", "-", "image"]].concat());
    assert!(output.status.success() && output.stderr.is_empty());
    let output = world.run(&[&seal[..], &["--json", "-o", "-", "image"]].concat());
    assert_eq!(said(&output).len(), 1);
}

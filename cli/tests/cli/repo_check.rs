//! `repo check`: what a monitor sees, by exit code and in JSON.

use std::fs;

use serde_json::Value;

use crate::kit::{World, bytes, strs};

fn world() -> World {
    let world = World::new();
    world.repository();
    world.write("image", bytes(5_000));
    let add = world.add("image", "ecu/app.img", "1", &["--director", "kek.pub.pem"]);
    world.ok(&strs(&add));
    world
}

/// The result, which has to come with this exit code.
fn check(world: &World, code: i32, more: &[&str]) -> Value {
    let url = world.url();
    let at = [
        "repo",
        "check",
        "--json",
        "--repository",
        &url,
        "--root",
        "1.root.json",
    ];
    let output = world.run(&[&at[..], more].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{more:?}\n{stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn codes(report: &Value) -> Vec<(Value, Value)> {
    let findings = report["findings"].as_array().unwrap().iter();
    let of = |finding: &Value| (finding["code"].clone(), finding["subject"].clone());
    findings.map(of).collect()
}

#[test]
fn the_exit_code_says_whether_anyone_has_to_act() {
    let world = world();
    let sound = check(&world, 0, &[]);
    assert_eq!((codes(&sound), &sound["worst"]), (vec![], &Value::Null));

    let warned = check(&world, 12, &["--warn-days", "366"]);
    assert_eq!(codes(&warned), [("expires-soon".into(), "targets".into())]);
    assert_eq!(warned["worst"], "warning");
    let warned = check(&world, 12, &["--warn-hours", "25"]);
    assert_eq!(codes(&warned), [("expires-soon".into(), "timestamp".into())]);
    let failed = check(&world, 3, &["--fail-hours", "25"]);
    assert_eq!(codes(&failed), [("expires-too-soon".into(), "timestamp".into())]);
    assert_eq!(failed["worst"], "error");

    let object = format!("repo/repo/targets/ecu/{}", {
        let names = fs::read_dir(world.path("repo/repo/targets/ecu")).unwrap();
        let name = names.map(|entry| entry.unwrap().file_name()).next().unwrap();
        name.into_string().unwrap()
    });
    let mut damaged = world.read(&object);
    damaged[3000] ^= 1;
    world.write(&object, &damaged);
    check(&world, 0, &[]);
    let found = check(&world, 3, &["--deep"]);
    assert_eq!(
        codes(&found),
        [("wrong-bytes".into(), object.strip_prefix("repo/").unwrap().into())]
    );
}

#[test]
fn expiries_and_caps_are_forecast_for_each_role() {
    let world = world();
    let report = check(&world, 0, &[]);
    let roles = report["roles"].as_array().unwrap();
    let names: Vec<_> = roles.iter().map(|role| role["role"].as_str().unwrap()).collect();
    assert_eq!(names, ["root", "targets", "snapshot", "timestamp"]);
    let timestamp = roles[3]["expires_seconds"].as_i64().unwrap();
    assert!((86_000..=86_400).contains(&timestamp), "{timestamp}");
    let targets = &roles[1];
    assert_eq!(targets["grown_over_versions"], 1);
    let caps = targets["caps"].as_array().unwrap();
    let ours = caps.iter().find(|cap| cap["client"] == "sealift").unwrap();
    let left =
        (8 * 1024 * 1024 - targets["bytes"].as_u64().unwrap()) / targets["grown_bytes"].as_u64().unwrap();
    assert_eq!(ours["versions_left"], left);

    let near = check(&world, 12, &["--warn-versions", "32", "--for", "sigstore-tuf"]);
    assert_eq!(codes(&near), [("cap-near".into(), "root".into())]);
    let url = world.url();
    let plain = world.ok(&["repo", "check", "--repository", &url, "--root", "1.root.json"]);
    assert!(
        plain.contains("for sigstore-tuf; room for 31 more versions"),
        "{plain}"
    );
}

#[test]
fn other_clients_are_judged_by_name() {
    let world = world();
    check(&world, 0, &["--for", "tuf,python-tuf,tuf-js,go-tuf,sigstore-tuf"]);
    let report = check(&world, 3, &["--for", "tough,python-tuf"]);
    let found = report["clients"].as_array().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0]["client"], &found[0]["rule"]),
        (&"tough".into(), &"name-in-folder".into())
    );
    assert_eq!(
        (&found[0]["subject"], &found[0]["effect"]),
        (&"ecu/app.img".into(), &"not-found".into())
    );
    assert!(found[0]["remedy"].as_str().unwrap().contains("without a slash"));
    let url = world.url();
    let at = ["repo", "check", "--repository", &url, "--root", "1.root.json"];
    let unknown = world.fails(2, &[&at[..], &["--for", "nobody"]].concat());
    assert!(unknown.contains("aktualizr"), "the names are told: {unknown}");
}

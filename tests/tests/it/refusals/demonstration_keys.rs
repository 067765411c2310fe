//! The public demonstration keys, which everyone has, are refused unless the demonstration is announced.

use std::fs;
use std::path::PathBuf;

use sealift_tests::bins::package_dir;
use sealift_tests::process::Program;
use sealift_tests::world::World;

/// A file of `keys-example/`, or why the test is left out.
fn example(name: &str) -> Result<PathBuf, String> {
    let path = package_dir().parent().unwrap().join("keys-example").join(name);
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!("{} is missing", path.display()))
    }
}

#[test]
fn the_tool_signs_and_seals_with_none_of_them() {
    let world = World::new();
    let (root, kek) = match (example("image/root.pem"), example("kek.pub.pem")) {
        (Ok(root), Ok(kek)) => (root, kek),
        (Err(reason), _) | (_, Err(reason)) => return println!("left out: {reason}"),
    };
    let url = format!("file://{}", world.text("other"));
    let init = |program: Program| {
        let program = program.args([
            "repo",
            "init",
            "--repository",
            &url,
            "--root-out",
            "other.json",
            "--root-key",
        ]);
        let program = program.arg(&root).args(["--targets-key", "keys/targets.pem"]);
        program
            .args([
                "--snapshot-key",
                "keys/snapshot.pem",
                "--timestamp-key",
                "keys/timestamp.pem",
            ])
            .run()
    };
    init(world.sealift()).exits(9).complains("demo");
    assert!(!world.path("other/repo/timestamp.json").exists() && !world.path("other.json").exists());
    let _ = init(world.sealift().arg("--demo")).ok();

    let _ = world.image("app.img", &[1; 100]);
    let seal = |program: Program| {
        let program = program.args(["image", "seal", "--recipient"]).arg(&kek);
        program.args(["-o", "app.sealed", "images/app.img"]).run()
    };
    seal(world.sealift()).exits(9).complains("demo");
    assert!(!world.path("app.sealed").exists());
    let _ = seal(world.sealift().arg("--demo")).ok();
}

#[test]
fn the_server_does_not_start_with_one() {
    let world = World::new();
    let kek = match example("kek.pem") {
        Ok(kek) => kek,
        Err(reason) => return println!("left out: {reason}"),
    };
    let config = world
        .server_config()
        .replace("keys/kek.pem", &kek.display().to_string());
    fs::write(world.path("demo.toml"), config).unwrap();
    let program = world
        .surround(Program::binary("sealift-server"))
        .args(["--config", "demo.toml"]);
    let run = program.args(["--ready-file", "ready.json"]).run().exits(78);
    assert!(run.stderr().to_lowercase().contains("demo"), "{run}");
    assert!(!world.path("ready.json").exists());
}

#[test]
fn the_vehicle_does_not_open_with_one() {
    let mut world = World::new();
    let key = match example("ecu/gateway.sealing.pem") {
        Ok(key) => key,
        Err(reason) => return println!("left out: {reason}"),
    };
    world.publish("app.img", "hw", 1, &world.image("app.img", &[1; 1000]));
    world.start_server();
    let vehicle = world.provision("VIN-1", &["BRAIN-1,hardware=hw,primary"]);
    world.assign("VIN-1", "BRAIN-1", "app.img");
    fs::copy(key, vehicle.path("keys/BRAIN-1.sealing.pem")).unwrap();
    let run = vehicle.once().exits(12);
    assert!(
        format!("{}{}", run.text(), run.stderr())
            .to_lowercase()
            .contains("demo"),
        "{run}"
    );
    assert_eq!(vehicle.installed("BRAIN-1"), None);
}

//! Configuration with missing, foreign or wrong fields.

use sealift_tests::process::{Program, Run};
use sealift_tests::world::World;

/// Exit code of `sealift-server` when its configuration cannot be used.
const CONFIG: i32 = 64;

fn start(world: &World, config: &str) -> Run {
    std::fs::write(world.path("bad.toml"), config).unwrap();
    world
        .surround(Program::binary("sealift-server"))
        .args(["--config", "bad.toml", "--ready-file", "ready.json"])
        .run()
}

#[test]
fn foreign_and_wrong_fields_are_named() {
    let world = World::new();
    let good = world.server_config();
    let changes: &[(&str, &str, &str)] = &[
        (
            "data_dir = \"data\"",
            "data_dir = \"data\"\ncolour = \"red\"",
            "colour",
        ),
        (
            "[vehicles]\n",
            "[vehicles]\nlissten = \"127.0.0.1:0\"\n",
            "lissten",
        ),
        ("data_dir = \"data\"", "data_dir = 7", "data_dir"),
        ("listen = \"127.0.0.1:0\"", "listen = \"somewhere\"", "listen"),
        ("[limits]\n", "[limits]\nmax_connections = 0\n", "max_connections"),
        (
            "[limits]\n",
            "[limits]\nbody_timeout = \"soon\"\n",
            "body_timeout",
        ),
        ("[director]", "[director", "bad.toml"),
    ];
    for (from, to, named) in changes {
        let config = good.replacen(from, to, 1);
        assert_ne!(&config, &good, "{from}");
        let run = start(&world, &config).exits(CONFIG);
        let said = format!("{}{}", run.text(), run.stderr());
        assert!(said.contains(named), "wanted {named}\n{run}");
        assert!(!world.path("ready.json").exists());
    }
}

#[test]
fn missing_files_are_named() {
    let world = World::new();
    let good = world.server_config();
    for file in [
        "tls/server.pem",
        "tls/ca.pem",
        "keys/1.root.json",
        "director/1.root.json",
        "director/director-targets.pem",
        "keys/kek.pem",
    ] {
        let config = good.replace(file, "not/there.pem");
        let run = start(&world, &config).fails();
        let said = format!("{}{}", run.text(), run.stderr());
        assert!(said.contains("not/there.pem"), "{file}\n{run}");
        assert!(!world.path("ready.json").exists());
    }
    let run = world
        .surround(Program::binary("sealift-server"))
        .args(["--config", "none.toml"])
        .run()
        .fails();
    assert!(
        format!("{}{}", run.text(), run.stderr()).contains("none.toml"),
        "{run}"
    );
}

#[test]
fn a_vehicle_without_its_files_says_which() {
    let mut world = World::new();
    world.publish("app.img", "hw", 1, &world.image("app.img", &[1; 1000]));
    world.start_server();
    let vehicle = world.provision("VIN-1", &["BRAIN-1,hardware=hw,primary"]);
    world.assign("VIN-1", "BRAIN-1", "app.img");
    for file in [
        "trust/director/root.json",
        "trust/image/root.json",
        "tls/client.pem",
        "keys/BRAIN-1.signing.pem",
        "vehicle.toml",
    ] {
        let (path, away) = (vehicle.path(file), world.path("away"));
        std::fs::rename(&path, &away).unwrap();
        let run = vehicle.once().exits(12);
        let name = file.rsplit('/').next().unwrap();
        let said = format!("{}{}", run.text(), run.stderr());
        assert!(said.contains(name), "{file}\n{run}");
        std::fs::rename(&away, &path).unwrap();
    }
    let toml = std::fs::read_to_string(vehicle.path("vehicle.toml")).unwrap();
    std::fs::write(vehicle.path("vehicle.toml"), format!("colour = \"red\"\n{toml}")).unwrap();
    let run = vehicle.once().exits(12);
    assert!(
        format!("{}{}", run.text(), run.stderr()).contains("colour"),
        "{run}"
    );
}

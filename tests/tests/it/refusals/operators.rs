//! The operator API without the right to use it.

use std::fs;

use http::StatusCode;
use sealift_tests::process::Program;
use sealift_tests::world::World;

/// Exit code of `sealift` when the other side does not let us.
const DENIED: i32 = 8;

fn list(world: &World, token: &str) -> Program {
    fs::write(world.path("other.token"), token).unwrap();
    let server = format!("https://{}", world.server().operators());
    let program = world
        .sealift()
        .args(["vehicle", "list", "--server", &server, "--ca", "tls/ca.pem"]);
    program.args(["--token-file", "other.token"])
}

#[test]
fn wrong_and_missing_tokens() {
    let mut world = World::new();
    world.start_server();
    let _ = world.operator(&["vehicle", "list"]).run().ok();
    for token in [
        "nonsense",
        "slt_0000000000000000_0000000000000000000000000000000000000000000",
    ] {
        let run = list(&world, token).run().exits(DENIED);
        assert!(!run.stderr().contains(token), "a token is never shown\n{run}");
    }
    let client = world.client();
    let url = format!("https://{}/api/v1/vehicles", world.server().operators());
    let status = world.block_on(async { client.client().get(url).send().await.unwrap().status() });
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[test]
fn a_token_without_the_scope() {
    let mut world = World::new();
    world.start_server();
    let create = [
        "--config",
        "server.toml",
        "token",
        "create",
        "--name",
        "reader",
        "--scope",
        "vehicles:read",
    ];
    let program = world.surround(Program::binary("sealift-server")).args(create);
    let token = program.run().ok().text();
    let _ = list(&world, token.trim()).run().ok();
    let vehicle = world.provision("VIN-1", &["BRAIN-1,hardware=hw,primary"]);
    let server = format!("https://{}", world.server().operators());
    let program = world.sealift().args([
        "vehicle",
        "revoke",
        "VIN-1",
        "--server",
        &server,
        "--ca",
        "tls/ca.pem",
    ]);
    let run = program.args(["--token-file", "other.token"]).run().exits(DENIED);
    run.complains("vehicles:write");
    assert_eq!(world.inventory(vehicle.id())["state"], "active");
}

#[test]
fn a_vehicle_cannot_be_registered_twice() {
    let mut world = World::new();
    world.start_server();
    let first = world.provision("VIN-1", &["BRAIN-1,hardware=hw,primary"]);
    let before = world.inventory("VIN-1");
    let run = world
        .provision_program("VIN-1", &["BRAIN-1,hardware=hw,primary"], "again")
        .run()
        .exits(6);
    assert_eq!(world.inventory("VIN-1"), before, "{run}");
    let left = fs::read_dir(world.path("vehicles/again")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "no half directory\n{run}");
    let _ = first.once().ok();
}

#[test]
fn the_operator_door_asks_for_tls() {
    let mut world = World::new();
    world.start_server();
    let server = format!("http://{}", world.server().operators());
    let program = world
        .sealift()
        .args(["vehicle", "list", "--server", &server, "--ca", "tls/ca.pem"]);
    let _ = program.args(["--token-file", "operator.token"]).run().exits(2);
}

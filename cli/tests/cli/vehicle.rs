//! What `sealift vehicle` refuses before and without a server; the rest is in the cross-crate suites.

use crate::kit::World;

fn world() -> World {
    let world = World::new();
    world.ok(&["ca", "create", "--out", "ca", "--unencrypted"]);
    world.write("token", "secret\n");
    world
}

#[test]
fn a_server_that_is_not_there_is_unavailable() {
    let world = world();
    let server = ["--server", "https://127.0.0.1:1", "--ca", "ca/ca.pem"];
    world.fails(
        7,
        &[&["vehicle", "list", "--token-file", "token"], &server[..]].concat(),
    );
    world.fails(
        8,
        &[&["vehicle", "list", "--token-env", "NOT_SET"], &server[..]].concat(),
    );
    world.fails(
        5,
        &[&["vehicle", "list", "--token-file", "absent"], &server[..]].concat(),
    );
    world.fails(2, &[&["vehicle", "list"], &server[..]].concat());
}

#[test]
fn tokens_never_travel_in_the_clear() {
    let world = world();
    let args = [
        "vehicle",
        "list",
        "--token-file",
        "token",
        "--ca",
        "ca/ca.pem",
        "--server",
        "http://127.0.0.1:1",
    ];
    let message = world.fails(2, &args);
    assert!(message.contains("https"), "{message}");
    let ca = [
        "vehicle",
        "list",
        "--token-file",
        "token",
        "--ca",
        "token",
        "--server",
        "https://127.0.0.1:1",
    ];
    world.fails(3, &ca);
}

#[test]
fn an_impossible_vehicle_is_refused_before_anything_is_made() {
    let world = world();
    let server = [
        "--server",
        "https://127.0.0.1:1",
        "--ca",
        "ca/ca.pem",
        "--token-file",
        "token",
    ];
    let provision = |ecus: &[&str], id: &str| {
        let mut args = vec![
            "vehicle",
            "provision",
            id,
            "--out",
            "out",
            "--vehicle-url",
            "https://127.0.0.1:1",
        ];
        args.extend([
            "--fleet-ca-cert",
            "ca/ca.pem",
            "--fleet-ca-key",
            "ca/ca.key.pem",
            "--vehicle-ca",
            "ca/ca.pem",
        ]);
        args.extend([
            "--repository-root",
            "1.root.json",
            "--director-root",
            "director/1.root.json",
        ]);
        args.extend(server);
        for ecu in ecus {
            args.extend(["--ecu", ecu]);
        }
        world.fails(2, &args);
        assert!(!world.exists("out"));
    };
    provision(&["A,hardware=h"], "V");
    provision(&["A,hardware=h,primary", "B,hardware=h,primary"], "V");
    provision(&["A,hardware=h,primary", "A,hardware=h"], "V");
    provision(&["A,primary"], "V");
    provision(&["A,hardware=h,primary,key=dsa"], "V");
    provision(&["A,hardware=h,primary"], "not a name");
    provision(&[], "V");
}

#[test]
fn a_vehicle_is_not_provisioned_without_the_repository() {
    let world = world();
    world.repository();
    world.ok(&[
        "director",
        "init",
        "--out",
        "director",
        "--root-key",
        "root.pem",
        "--unencrypted",
    ]);
    let mut args = vec![
        "vehicle",
        "provision",
        "V",
        "--ecu",
        "A,hardware=h,primary",
        "--out",
        "deep/out",
    ];
    args.extend([
        "--fleet-ca-cert",
        "ca/ca.pem",
        "--fleet-ca-key",
        "ca/ca.key.pem",
        "--vehicle-ca",
        "ca/ca.pem",
    ]);
    args.extend([
        "--vehicle-url",
        "https://127.0.0.1:1",
        "--server",
        "https://127.0.0.1:1",
        "--ca",
        "ca/ca.pem",
    ]);
    args.extend([
        "--token-file",
        "token",
        "--director-root",
        "director/1.root.json",
        "--repository-root",
    ]);
    let with = |root: &'static str| [&args[..], &[root]].concat();
    world.fails(7, &with("1.root.json"));
    world.fails(3, &with("ca/ca.pem"));
    world.fails(5, &with("absent.json"));
    assert!(!world.exists("deep/out"));
}

//! The server's port belongs to someone else.

use std::net::{Ipv4Addr, TcpListener};

use sealift_tests::process::Program;
use sealift_tests::world::World;

/// Exit code of `sealift-server` when something it needs is not available.
const UNAVAILABLE: i32 = 69;

#[test]
fn a_port_in_use_is_named() {
    let world = World::new();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for section in ["vehicles", "operators", "telemetry"] {
        let config = world.server_config();
        let (head, tail) = config.split_once(&format!("[{section}]\n")).unwrap();
        let tail = tail.replacen("127.0.0.1:0", &address, 1);
        std::fs::write(world.path("taken.toml"), format!("{head}[{section}]\n{tail}")).unwrap();
        let program = world.surround(Program::binary("sealift-server"));
        let run = program
            .args(["--config", "taken.toml", "--ready-file", "ready.json"])
            .run()
            .exits(UNAVAILABLE);
        let said = format!("{}{}", run.text(), run.stderr());
        assert!(said.contains(&address) && said.contains(section), "{run}");
        assert!(!world.path("ready.json").exists(), "it never was ready");
    }
}

//! Ctrl-C and SIGTERM leave nothing behind.

use std::process::Command;
use std::time::Duration;

use crate::kit::World;

fn interrupted(signal: &str, code: i32) {
    let world = World::new();
    world.key("p256", "ecu");
    let mut child = world.start(&[
        "image",
        "seal",
        "--recipient",
        "ecu.pub.pem",
        "-o",
        "out.sealed",
        "-",
    ]);
    // The output's temporary file is the sign that the work has begun; the pipe stays open, so it cannot end.
    for _ in 0..1000 {
        if !world.leftovers().is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(world.leftovers().len(), 1, "sealing did not begin");
    let sent = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().unwrap().code(), Some(code));
    assert_eq!(world.leftovers(), Vec::<String>::new());
    assert!(!world.exists("out.sealed"));
}

#[test]
fn ctrl_c_removes_the_unfinished_file() {
    interrupted("-INT", 130);
}

#[test]
fn termination_removes_the_unfinished_file() {
    interrupted("-TERM", 143);
}

//! Ctrl-C and SIGTERM leave nothing behind.

use std::process::Command;
use std::time::Duration;

use crate::kit::World;

/// Starts a command that writes `out` from a pipe that stays open, and sends it a signal while it works.
fn interrupted(args: &[&str], signal: &str) -> (World, Option<i32>) {
    let world = World::new();
    world.key("p256", "ecu");
    let mut child = world.start(args);
    // The output's temporary file is the sign that the work has begun; the pipe stays open, so it cannot end.
    for _ in 0..1000 {
        if !world.leftovers().is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(world.leftovers().len(), 1, "the work did not begin");
    let sent = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    // Waiting would close the pipe, and the end of the input could be first.
    let pipe = child.stdin.take();
    let code = child.wait().unwrap().code();
    drop(pipe);
    assert!(!world.exists("out"));
    (world, code)
}

const SEAL: [&str; 7] = ["image", "seal", "--recipient", "ecu.pub.pem", "-o", "out", "-"];
const OPEN: [&str; 7] = ["image", "open", "--key", "ecu.pem", "-o", "out", "-"];

#[test]
fn ctrl_c_removes_the_unfinished_file() {
    for args in [SEAL, OPEN] {
        let (world, code) = interrupted(&args, "-INT");
        assert_eq!((code, world.leftovers()), (Some(130), Vec::new()), "{args:?}");
    }
}

#[test]
fn termination_removes_the_unfinished_file() {
    for args in [SEAL, OPEN] {
        let (world, code) = interrupted(&args, "-TERM");
        assert_eq!((code, world.leftovers()), (Some(143), Vec::new()), "{args:?}");
    }
}

/// Nothing can be removed then, but what is left says what it is, and never has the final name.
#[test]
fn sigkill_leaves_a_file_whose_name_says_partial() {
    for args in [SEAL, OPEN] {
        let (world, code) = interrupted(&args, "-KILL");
        assert_eq!(code, None);
        let left = world.leftovers();
        assert!(
            left[0].starts_with(".sealift-") && left[0].ends_with(".partial"),
            "{left:?}"
        );
    }
}

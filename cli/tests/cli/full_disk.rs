//! A file system that is really full: a small one in memory, mounted for the command alone.

use std::fs;
use std::io::Write;
use std::process::{Command, Output};

use crate::kit::{World, bytes};

/// Runs the script with a file system of 1 MiB at `disk`, and the tool's path as `$0`. What is left there goes to the file
/// `left` afterwards. `None` where the kernel lets nobody mount.
fn on_a_small_disk(world: &World, args: &str) -> Option<Output> {
    fs::create_dir_all(world.path("disk")).unwrap();
    let inside = |script: &str| {
        let mount = format!("mount -t tmpfs -o size=1m tmpfs disk || exit 99; {script}");
        Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", &mount])
            .arg(env!("CARGO_BIN_EXE_sealift"))
            .current_dir(world.path("."))
            .env("TMPDIR", world.path("disk"))
            .env("SEALIFT_STATE", world.path("state"))
            .output()
    };
    let why = match inside("true") {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(why) = why {
        // Written past the harness, which shows what is printed only when a test fails.
        let mut stderr = std::io::stderr();
        let _ = writeln!(
            stderr,
            "left out: no file system can be mounted here: unshare: {why}"
        );
        return None;
    }
    let output = inside(&format!("\"$0\" {args}; code=$?; ls -A disk > left; exit $code"));
    Some(output.unwrap())
}

#[test]
fn nothing_in_part_has_the_final_name_or_any_other() {
    let world = World::new();
    world.key("p256", "k");
    world.write("image", bytes(1_500_000));
    world.ok(&[
        "image",
        "seal",
        "--recipient",
        "k.pub.pem",
        "image",
        "-o",
        "image.sealed",
    ]);
    for args in [
        "image seal --recipient k.pub.pem image -o disk/image.sealed",
        "image open --key k.pem image.sealed -o disk/image",
    ] {
        let Some(output) = on_a_small_disk(&world, args) else {
            return;
        };
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(74), "{args}: {stderr}");
        assert!(stderr.contains("error"), "{stderr}");
        assert_eq!(world.read("left"), b"", "{args}");
    }
    // The same with less to write goes through, so it was the disk.
    world.write("image", bytes(500_000));
    let args = "image seal --recipient k.pub.pem image -o disk/image.sealed";
    let Some(output) = on_a_small_disk(&world, args) else {
        return;
    };
    assert!(output.status.success());
    assert_eq!(world.read("left"), b"image.sealed\nimage.sealed.segments\n");
}

//! Memory does not grow with the image: 4 GiB and one byte, sealed and opened, under 64 MiB each.

use std::fs::{self, File};
use std::io::Read;

use sealift_tests::process::Program;
use tempfile::TempDir;

const LENGTH: u64 = (4 << 30) + 1;
const MEMORY: u64 = 64 << 20;
/// Seconds that one direction may take on a slow machine.
const SECONDS: u64 = 1800;
const SWITCH: &str = "SEALIFT_BIG";

#[test]
fn four_gibibytes_and_a_byte_in_little_memory() {
    if std::env::var_os(SWITCH).is_none() {
        return println!("left out: takes minutes and 9 GB of disk; set {SWITCH}=1 (in release builds)");
    }
    let dir = TempDir::new().unwrap();
    let sealift = |words: &[&str]| Program::binary("sealift").current_dir(dir.path()).args(words);
    let _ = sealift(&["key", "generate", "p256", "--unencrypted", "--out", "me.pem"])
        .run()
        .ok();
    File::create(dir.path().join("big.img"))
        .unwrap()
        .set_len(LENGTH)
        .unwrap();

    let words = [
        "image",
        "seal",
        "--recipient",
        "me.pub.pem",
        "-o",
        "big.sealed",
        "big.img",
    ];
    let run = sealift(&words).run_within(SECONDS).ok();
    println!("seal: peak {} KiB", run.peak_rss() / 1024);
    assert!(
        run.peak_rss() > 0 && run.peak_rss() < MEMORY,
        "{}",
        run.peak_rss()
    );
    fs::remove_file(dir.path().join("big.img")).unwrap();

    let words = [
        "image",
        "open",
        "--key",
        "me.pem",
        "-o",
        "opened.img",
        "big.sealed",
    ];
    let run = sealift(&words).run_within(SECONDS).ok();
    println!("open: peak {} KiB", run.peak_rss() / 1024);
    assert!(
        run.peak_rss() > 0 && run.peak_rss() < MEMORY,
        "{}",
        run.peak_rss()
    );

    let mut opened = File::open(dir.path().join("opened.img")).unwrap();
    assert_eq!(opened.metadata().unwrap().len(), LENGTH);
    let mut block = vec![0; 1 << 20];
    let zeros = vec![0; 1 << 20];
    loop {
        let read = opened.read(&mut block).unwrap();
        if read == 0 {
            break;
        }
        assert!(block[..read] == zeros[..read], "the plaintext is all zeros");
    }

    let words = [
        "image",
        "open",
        "--key",
        "me.pem",
        "--range",
        "4294967290-4294967296",
        "-o",
        "-",
        "big.sealed",
    ];
    let run = sealift(&words).run().ok();
    assert_eq!(
        run.stdout(),
        [0; 7],
        "the last seven bytes, without reading the rest"
    );
}

//! Secrets are gone from memory when what held them is dropped.
//!
//! Each piece of work runs in a process of its own, on a thread that stays when the work is done; the process then looks
//! through all memory that it can read: heap, freed or not, stacks, statics. Work that leaks on purpose, and work that still
//! holds its secret, must be found.

mod scan;
mod work;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;

use scan::{Needle, Scanner};

/// Names the piece of work in the child, whose arguments belong to the test harness.
const WORK: &str = "SEALIFT_TEST_WORK";
const DIRECTORY: &str = "SEALIFT_TEST_DIRECTORY";

/// crypto-bigint erases a number in Montgomery form, but not the modulus that belongs to it; for RSA that is a prime. Where
/// freed memory is not used again, it is found.
const OF_THIRD_PARTIES: &[&str] = &["RSA prime 0, words: Elsewhere", "RSA prime 1, words: Elsewhere"];

/// The part of the child; in the parent it has nothing to do.
#[test]
fn child() {
    let (Some(name), Some(directory)) = (std::env::var_os(WORK), std::env::var_os(DIRECTORY)) else {
        return;
    };
    let (name, directory) = (name.into_string().unwrap(), Path::new(&directory).to_owned());
    let needles = fs::read_to_string(directory.join("needles")).unwrap();
    let scanner = Scanner::new(needles.lines().map(Needle::from_line).collect());
    let inputs = directory.clone();
    let (ready, done) = channel();
    let (_keep, end) = channel::<()>();
    thread::spawn(move || {
        let local = 0u8;
        let _held = work::run(&name, &inputs);
        ready.send((&raw const local).addr() as u64).unwrap();
        // Stays, with its stack as the work has left it.
        let _ = end.recv();
    });
    let found = scanner.scan(done.recv().unwrap());
    let lines: Vec<String> = found
        .iter()
        .map(|(name, place)| format!("{name}: {place:?}\n"))
        .collect();
    fs::write(directory.join("found"), lines.concat()).unwrap();
}

/// What pieces of work read, and what is looked for after them.
struct Inputs(tempfile::TempDir);

impl Inputs {
    /// `None` where memory cannot be looked through.
    fn new() -> Option<Self> {
        if !cfg!(target_os = "linux") {
            eprintln!("skipped: only Linux shows a process its own memory without unsafe code");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let needles = work::prepare(directory.path());
        let lines: String = needles.iter().map(Needle::to_line).collect();
        fs::write(directory.path().join("needles"), lines).unwrap();
        Some(Self(directory))
    }

    /// Name and place of every secret found after the work, sorted, once for each address.
    fn found_after(&self, name: &str) -> Vec<String> {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "memory::child", "--nocapture"])
            .env(WORK, name)
            .env(DIRECTORY, self.0.path())
            .output()
            .unwrap();
        let failure = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {failure}");
        let found = fs::read_to_string(self.0.path().join("found")).unwrap();
        let mut found: Vec<String> = found.lines().map(str::to_owned).collect();
        found.sort();
        found
    }
}

#[test]
fn what_leaks_or_is_still_held_is_found() {
    let Some(inputs) = Inputs::new() else { return };
    for (name, expected) in work::CONTROLS {
        let found = inputs.found_after(name);
        for line in *expected {
            assert!(
                found.iter().any(|f| f == line),
                "{name}: {line} is not in {found:#?}"
            );
        }
    }
}

#[test]
fn nothing_is_left_of_secrets() {
    let Some(inputs) = Inputs::new() else { return };
    let mut leaks = Vec::new();
    for name in work::CLEAN {
        let found = inputs.found_after(name);
        let ours = |line: &String| !OF_THIRD_PARTIES.iter().any(|known| line.starts_with(known));
        leaks.extend(
            found
                .into_iter()
                .filter(ours)
                .map(|line| format!("{name}: {line}")),
        );
    }
    assert!(leaks.is_empty(), "{leaks:#?}");
}

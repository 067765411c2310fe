//! Every committed input goes through its oracle on a stable compiler, and the seeds are what their generator makes.

use std::fs;
use std::path::{Path, PathBuf};

use sealift_oracles::TARGETS;

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../corpus")
        .join(target)
}

#[test]
fn every_committed_input_is_judged() {
    for target in TARGETS {
        let directory = corpus(target.name);
        let mut judged = 0;
        for entry in
            fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        {
            (target.judge)(&fs::read(entry.unwrap().path()).unwrap());
            judged += 1;
        }
        assert!(judged > 0, "{} has no seeds", target.name);
    }
}

#[test]
fn seeds_are_what_their_generator_makes() {
    for target in TARGETS {
        for seed in (target.seeds)() {
            let path = corpus(target.name).join(&seed.name);
            let committed = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(
                committed == seed.bytes,
                "{} is out of date; run `cargo xtask corpus`",
                path.display()
            );
        }
    }
}

/// A target that nobody builds, or an oracle that nobody calls, tests nothing.
#[test]
fn every_oracle_has_its_target() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml")).unwrap();
    let built: Vec<&str> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\""))
        .collect();
    let judged: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(built, judged);
}

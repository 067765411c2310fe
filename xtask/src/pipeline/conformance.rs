//! The TUF project's conformance suite against our verifier. It is on no registry, so it is fetched, at a fixed commit, where
//! that is possible.

use std::fs;
use std::process::Command;

use super::shell::Shell;
use super::steps::Done;
use crate::failure::Failure;

/// The suite, version 2.4.
const SUITE: &str =
    "git+https://github.com/theupdateframework/tuf-conformance@eec841c186f81f2d9d8d30460c7e7deefa615f9e";
/// Names another copy of the suite, such as a folder on a machine without a network.
const OTHER_SUITE: &str = "SEALIFT_TUF_CONFORMANCE";
const VENV: &str = "target/conformance";
/// Its tests. All of them have to pass; there is no list of exceptions.
const TESTS: u64 = 113;
/// One path, as the suite wants it.
const CLIENT: &str = "target/debug/sealift-conformance";

pub(super) fn run(shell: &Shell) -> Result<Done, Failure> {
    // Two repositories of the suite are snapshots of real ones, which are good only in their own time.
    if !Shell::has("faketime", &["--version"]) {
        return left_out("faketime is not installed");
    }
    let python = shell.root().join(VENV).join("bin/python");
    let suite = match std::env::var_os(OTHER_SUITE) {
        Some(other) => other.to_string_lossy().into_owned(),
        None => SUITE.to_owned(),
    };
    let stamp = shell.root().join(VENV).join("made-from");
    if fs::read_to_string(&stamp).ok().as_deref() != Some(&suite) {
        shell.run("python3", &["-m", "venv", "--clear", VENV])?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(["--retries", "1", "--timeout", "20", &suite]);
        if shell.finish(pip).is_err() {
            return left_out(&format!(
                "{suite} cannot be fetched; name a copy with {OTHER_SUITE}=FOLDER"
            ));
        }
        fs::write(&stamp, &suite)?;
    }
    shell.run(
        "cargo",
        &[
            "build",
            "--package",
            "sealift-tests",
            "--bin",
            "sealift-conformance",
        ],
    )?;
    let mut where_is_it = Command::new(&python);
    where_is_it.args(["-c", "import tuf_conformance; print(tuf_conformance.__path__[0])"]);
    let folder = shell.finish(where_is_it)?;
    let mut pytest = Command::new(&python);
    pytest
        .args([
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            folder.trim(),
            "--entrypoint",
        ])
        .arg(shell.root().join(CLIENT));
    let printed = shell.finish(pytest)?;
    let tally = printed.lines().last().unwrap_or_default();
    let passed = tally
        .split_once(" passed")
        .and_then(|(number, _)| number.parse().ok());
    match passed {
        Some(TESTS) => Ok(Done::Passed {
            said: format!("tuf-conformance: {tally}"),
            checks: TESTS,
        }),
        _ => Err(Failure::new(format!(
            "tuf-conformance has {TESTS} tests that must pass: {tally}"
        ))),
    }
}

fn left_out(why: &str) -> Result<Done, Failure> {
    Ok(Done::LeftOut { why: why.to_owned() })
}

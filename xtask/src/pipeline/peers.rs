//! The second implementation of the sealed image, in Python, against the first. The foreign TUF clients need a repository
//! made by the real binaries and run among the end-to-end tests.

use super::shell::Shell;
use super::steps::Done;
use super::tools::PYTHON;
use crate::failure::Failure;

const SCRIPT: &str = "tests/peers/envelope_interop.py";
/// The Rust side: an example that seals and opens at the script's bidding.
const PEER: &str = "target/debug/examples/peer";

pub(super) fn run(shell: &Shell) -> Result<Done, Failure> {
    if !shell.root().join(PYTHON).exists() {
        return Err(Failure::new(
            "the Python packages are missing: run the step `tools` first",
        ));
    }
    shell.run(
        "cargo",
        &["build", "--package", "sealift-envelope", "--example", "peer"],
    )?;
    let printed = shell.run(PYTHON, &[SCRIPT, PEER])?;
    let tally = printed.lines().last().unwrap_or_default();
    let checks = tally
        .split_once(" passed")
        .and_then(|(number, _)| number.parse().ok())
        .unwrap_or(0);
    if checks == 0 {
        return Err(Failure::new(format!("{SCRIPT} checked nothing: {tally}")));
    }
    Ok(Done::Passed {
        said: format!("sealed images, Rust and Python in both directions: {tally}"),
        checks,
    })
}

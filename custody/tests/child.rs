//! Tests that need environment variables run again in a child process that has them: a process cannot safely change its own.

use std::ffi::OsString;
use std::process::Command;

const INSIDE: &str = "SEALIFT_TEST_INSIDE";

/// Whether this process is the child for the test `name`.
pub(crate) fn is_inside(name: &str) -> bool {
    std::env::var_os(INSIDE).is_some_and(|inside| inside == *name)
}

/// Runs the test `name`, and no other, in a child with these variables and none of ours but `PATH`.
pub(crate) fn run(name: &str, variables: &[(&str, OsString)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env(INSIDE, name)
        .envs(variables.iter().map(|(name, value)| (*name, value)))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    // A name that fits no test would pass with none.
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}\n{errors}"
    );
}

//! Second implementations: whatever `tests/peers/` holds, each one a script that ends with status 0.

use std::fs;
use std::process::Command;

use super::shell::Shell;
use super::steps::Done;
use super::tools;
use crate::failure::Failure;

/// Each entry point is a shell script `run*.sh` that finds its packages in the environment.
const DIRECTORY: &str = "tests/peers";

pub(super) fn run(shell: &Shell) -> Result<Done, Failure> {
    let mut scripts = Vec::new();
    for entry in fs::read_dir(shell.root().join(DIRECTORY)).map_err(|error| Failure::at(DIRECTORY, error))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with("run") && name.ends_with(".sh") {
            scripts.push(name);
        }
    }
    scripts.sort();
    if scripts.is_empty() {
        return Ok(Done::LeftOut {
            why: format!("{DIRECTORY} has no run*.sh; the peers run inside the unit tests"),
        });
    }
    let mut checks = 0;
    for script in &scripts {
        let mut command = Command::new("bash");
        command.arg(format!("{DIRECTORY}/{script}"));
        tools::peer_environment(shell, &mut command);
        shell.finish(command)?;
        checks += 1;
    }
    Ok(Done::Passed {
        said: scripts.join(", "),
        checks,
    })
}

//! Running the real binaries: each step of the demonstration is a process of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use crate::failure::Failure;

/// The binaries under demonstration and the environment that they get.
#[derive(Debug)]
pub(super) struct Tools {
    bin: PathBuf,
    environment: Vec<(&'static str, String)>,
    directory: PathBuf,
}

impl Tools {
    /// Builds the three binaries in release mode and finds them.
    pub(super) fn build(environment: Vec<(&'static str, String)>, directory: &Path) -> Result<Self, Failure> {
        println!("building sealift, sealift-server and sealift-vehicle (release)");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args([
                "build",
                "--release",
                "--package",
                "sealift-cli",
                "--package",
                "sealift-server",
            ])
            .args(["--package", "sealift-vehicle", "--bins"])
            .status()
            .map_err(|error| Failure::at("cannot run cargo", error))?;
        if !status.success() {
            return Err(Failure::new("the binaries do not build, see above"));
        }
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
        let bin = target
            .join("release")
            .canonicalize()
            .map_err(|error| Failure::at("no build output", error))?;
        Ok(Self {
            bin,
            environment,
            directory: directory.to_owned(),
        })
    }

    /// A command of one of the binaries, with the demonstration's environment.
    pub(super) fn command(&self, binary: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.bin.join(binary));
        command
            .current_dir(&self.directory)
            .args(arguments)
            // What it remembers goes away with it.
            .env("SEALIFT_STATE", self.directory.join("state"))
            .envs(self.environment.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// The file of a binary, which is also a fine small image.
    pub(super) fn path(&self, binary: &str) -> PathBuf {
        self.bin.join(binary)
    }

    /// Runs a command that must succeed and returns its standard output.
    pub(super) fn run(&self, binary: &str, arguments: &[&str]) -> Result<String, Failure> {
        let output = self.output(binary, arguments)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(failure(binary, arguments, &output))
    }

    /// Runs a command that must be refused and returns what it said.
    pub(super) fn refused(&self, binary: &str, arguments: &[&str]) -> Result<String, Failure> {
        let output = self.output(binary, arguments)?;
        if output.status.success() {
            return Err(Failure::new(format!(
                "`{binary} {}` succeeded, it must be refused",
                arguments.join(" ")
            )));
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(format!(
            "exit {}: {}",
            output.status.code().unwrap_or(-1),
            said.lines()
                .next()
                .unwrap_or("")
                .trim_start_matches("error:")
                .trim()
        ))
    }

    /// Runs a command to its end, whatever that is.
    pub(super) fn output(&self, binary: &str, arguments: &[&str]) -> Result<Output, Failure> {
        self.command(binary, arguments)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Failure::at(format!("cannot run {binary}"), error))
    }

    /// Runs a command that reads its standard input from `feed`; returns what `feed` returned.
    pub(super) fn fed<T>(
        &self,
        binary: &str,
        arguments: &[&str],
        feed: impl FnOnce(&mut dyn Write) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut child = self
            .command(binary, arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::at(format!("cannot run {binary}"), error))?;
        let fed = match child.stdin.take() {
            Some(mut stdin) => feed(&mut stdin),
            None => Err(Failure::new(format!("{binary} has no standard input"))),
        };
        let output = child
            .wait_with_output()
            .map_err(|error| Failure::at(format!("cannot wait for {binary}"), error))?;
        if !output.status.success() {
            return Err(failure(binary, arguments, &output));
        }
        fed
    }
}

/// The moment from which a step is measured.
#[expect(
    clippy::disallowed_methods,
    reason = "the demonstration measures real time, nothing depends on it"
)]
pub(super) fn start() -> Instant {
    Instant::now()
}

/// A path as an argument.
pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn failure(binary: &str, arguments: &[&str], output: &Output) -> Failure {
    Failure::new(format!(
        "`{binary} {}` failed ({})\n{}{}",
        arguments.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}

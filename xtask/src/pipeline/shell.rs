//! Commands of a step: their output goes to a log of the step, and its end onto the terminal when one fails.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// How much of a failed command's output is shown.
const SHOWN_LINES: usize = 60;

/// Where commands run and where their output goes.
#[derive(Debug, Clone)]
pub(super) struct Shell {
    root: PathBuf,
    log: PathBuf,
    /// `git status` before the first step; `None` outside of a checkout.
    status_before: Option<String>,
}

impl Shell {
    pub(super) fn new(root: &Path) -> Result<Self, Failure> {
        let logs = root.join("target/xtask/logs");
        fs::create_dir_all(&logs).map_err(|error| Failure::at(logs.display(), error))?;
        let mut shell = Self {
            root: root.to_path_buf(),
            log: logs.join("start.log"),
            status_before: None,
        };
        shell.status_before = shell.git_status();
        Ok(shell)
    }

    /// The same shell with an empty log for `step`.
    pub(super) fn for_step(&self, step: &str) -> Self {
        let log = self.log.with_file_name(format!("{step}.log"));
        // A log that is not there yet is as good as an empty one.
        drop(fs::remove_file(&log));
        Self { log, ..self.clone() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether `program` can be started at all.
    pub(super) fn has(program: &str, args: &[&str]) -> bool {
        let mut command = Command::new(program);
        command
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .stdin(Stdio::null());
        scrub(&mut command);
        command.status().is_ok_and(|status| status.success())
    }

    /// Runs `program` in the root of the workspace and gives back all that it printed.
    ///
    /// # Errors
    /// It could not be started, or ended with another status than 0.
    pub(super) fn run(&self, program: &str, args: &[&str]) -> Result<String, Failure> {
        let mut command = Command::new(program);
        command.args(args);
        self.finish(command)
    }

    /// Runs a prepared command; its directory is the root of the workspace unless it says otherwise.
    pub(super) fn finish(&self, mut command: Command) -> Result<String, Failure> {
        scrub(&mut command);
        if command.get_current_dir().is_none() {
            command.current_dir(&self.root);
        }
        let line = words(&command);
        let mut log = self.open_log()?;
        writeln!(log, "$ {line}")?;
        let begin = log.metadata()?.len();
        let status = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .status()
            .map_err(|error| Failure::at(format!("cannot start `{line}`"), error))?;
        let printed = self.printed_since(begin)?;
        if status.success() {
            return Ok(printed);
        }
        let lines: Vec<&str> = printed.lines().collect();
        let tail = lines
            .get(lines.len().saturating_sub(SHOWN_LINES)..)
            .unwrap_or_default()
            .join("\n");
        Err(Failure::new(format!(
            "`{line}` ended with {status}; whole log {}\n{tail}",
            self.log.display()
        )))
    }

    fn open_log(&self) -> Result<File, Failure> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        log.map_err(|error| Failure::at(self.log.display(), error))
    }

    fn printed_since(&self, begin: u64) -> Result<String, Failure> {
        let bytes = fs::read(&self.log)?;
        let begin = usize::try_from(begin)?;
        Ok(String::from_utf8_lossy(bytes.get(begin..).unwrap_or_default()).into_owned())
    }

    /// What git says about the tree, without the ignored files.
    pub(super) fn git_status(&self) -> Option<String> {
        let output = Command::new("git")
            .args(["status", "--porcelain"])
            .current_dir(&self.root)
            .output()
            .ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    pub(super) fn status_before(&self) -> Option<&str> {
        self.status_before.as_deref()
    }
}

/// Takes away what `cargo run` set for us: an inner cargo would take it for a change of its inputs.
fn scrub(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let set_by_cargo = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
            "CARGO_PRIMARY_",
        ]
        .iter()
        .any(|prefix| text.starts_with(prefix));
        if set_by_cargo
            || matches!(
                text.as_ref(),
                "CARGO" | "LD_LIBRARY_PATH" | "RUSTUP_TOOLCHAIN" | "RUST_RECURSION_COUNT"
            )
        {
            command.env_remove(&name);
        }
    }
}

fn words(command: &Command) -> String {
    let mut line: OsString = command.get_program().to_owned();
    for arg in command.get_args() {
        line.push(" ");
        line.push(arg);
    }
    line.to_string_lossy().into_owned()
}

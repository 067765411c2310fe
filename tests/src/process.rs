//! Running the real binaries: to the end, or in the background until they are killed.

mod daemon;
mod run;

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use crate::deadline::Deadline;

pub use daemon::Daemon;
pub use run::Run;

/// Longest that a command may take, unless it says otherwise.
pub const COMMAND_SECONDS: u64 = 240;

/// A command with its arguments, not yet started.
#[derive(Debug)]
pub struct Program {
    name: String,
    command: Command,
    input: Option<Vec<u8>>,
}

impl Program {
    /// The program at `path`; `name` is what failures call it.
    #[must_use]
    pub fn new(name: &str, path: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(path);
        command
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1")
            .env("RUST_BACKTRACE", "0");
        Self {
            name: name.to_owned(),
            command,
            input: None,
        }
    }

    /// One of the project's binaries.
    #[must_use]
    pub fn binary(name: &str) -> Self {
        Self::new(name, crate::bins::binary(name))
    }

    /// The same program under a limit on the size of every file it writes, as `ulimit -f` sets it.
    ///
    /// A write past `bytes` (rounded down to 512) then fails with "file too large", which stands in for a full disk
    /// and needs no rights to set up. SIGXFSZ is ignored, so that the program sees the error.
    #[must_use]
    pub fn binary_with_file_limit(name: &str, bytes: u64) -> Self {
        let mut limited = Self::new(name, "/bin/sh");
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", bytes / 512);
        limited
            .command
            .arg("-c")
            .arg(script)
            .arg("sh")
            .arg(crate::bins::binary(name));
        limited
    }

    /// The same command under a limit on the size of files, see [`Self::binary_with_file_limit`].
    #[must_use]
    pub fn limited_to(self, bytes: u64) -> Self {
        let mut limited = Self::binary_with_file_limit(&self.name, bytes);
        limited.take_over(&self.command);
        limited
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, args: I) -> Self {
        self.command.args(args);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs in `dir`.
    #[must_use]
    pub fn current_dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Gives `bytes` on standard input; without it the input is empty.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Some(bytes.into());
        self
    }

    /// Reads standard input from a pipe that `cat` fills with a file, so that the input has no length and no end to seek to.
    #[must_use]
    pub fn reading(self, file: &Path) -> Self {
        let mut piped = Self::new(&self.name, "/bin/bash");
        let script = "exec \"$@\" < <(cat \"$0\")";
        piped
            .command
            .arg("-c")
            .arg(script)
            .arg(file)
            .arg(self.command.get_program());
        piped.take_over(&self.command);
        piped
    }

    /// Arguments, environment and directory of another command.
    fn take_over(&mut self, other: &Command) {
        self.command.args(other.get_args());
        for (name, value) in other.get_envs() {
            self.command.env(name, value.expect("no variable is removed"));
        }
        if let Some(dir) = other.get_current_dir() {
            self.command.current_dir(dir);
        }
    }

    /// The command line as a person would read it.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = self.name.clone();
        for arg in self.command.get_args() {
            write!(line, " {}", arg.to_string_lossy()).expect("writing to a string");
        }
        line
    }

    /// Runs to the end and collects everything.
    ///
    /// # Panics
    /// When it cannot be started, or takes longer than [`COMMAND_SECONDS`].
    #[must_use]
    pub fn run(self) -> Run {
        self.run_within(COMMAND_SECONDS)
    }

    /// As [`Self::run`]; `None` when there is no such program.
    #[must_use]
    pub fn run_if_there(mut self) -> Option<Run> {
        let there = self
            .command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .stdin(Stdio::null())
            .status();
        there.is_ok().then(|| self.run())
    }

    /// As [`Self::run`] with another bound.
    ///
    /// # Panics
    /// When it cannot be started, or takes longer than `seconds`.
    #[must_use]
    pub fn run_within(mut self, seconds: u64) -> Run {
        let line = self.line();
        self.command.stdin(if self.input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        });
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self
            .command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {line}: {error}"));
        let feeder = self.input.take().map(|bytes| {
            let mut pipe = child.stdin.take().expect("asked for a pipe");
            // A program that refuses its input early closes the pipe; that is its right.
            thread::spawn(move || drop(std::io::Write::write_all(&mut pipe, &bytes)))
        });
        let stdout = collect(child.stdout.take().expect("asked for a pipe"));
        let stderr = collect(child.stderr.take().expect("asked for a pipe"));
        let mut peak_rss = 0;
        let deadline = Deadline::seconds(seconds);
        let status = loop {
            peak_rss = peak_rss.max(peak_rss_bytes(child.id()).unwrap_or(0));
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                break status;
            }
            if deadline.passed() {
                child.kill().expect("a child can be killed");
                let stderr = String::from_utf8_lossy(&stderr.join().expect("reader")).into_owned();
                panic!("{line} did not end within {seconds} s\n{stderr}");
            }
            deadline.pause();
        };
        if let Some(feeder) = feeder {
            feeder.join().expect("the feeder does not panic");
        }
        let run = Run {
            line,
            code: status.code(),
            stdout: stdout.join().expect("the reader does not panic"),
            stderr: String::from_utf8_lossy(&stderr.join().expect("the reader does not panic")).into_owned(),
            peak_rss,
        };
        assert!(!run.stderr.contains("panicked at"), "a panic in\n{run}");
        run
    }

    /// Starts in the background; both outputs go to files under `logs`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn spawn(mut self, logs: &Path, label: &str) -> Daemon {
        let line = self.line();
        let out = logs.join(format!("{label}.out"));
        let err = logs.join(format!("{label}.err"));
        self.command.stdin(Stdio::null());
        self.command
            .stdout(File::create(&out).expect("a log can be created"));
        self.command
            .stderr(File::create(&err).expect("a log can be created"));
        let child = self
            .command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {line}: {error}"));
        Daemon {
            line,
            child,
            out,
            err,
            ended: false,
        }
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}

/// The largest resident set that the living process ever had (`VmHWM`), in bytes; Linux only.
fn peak_rss_bytes(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

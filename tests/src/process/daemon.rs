//! A program in the background.

use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread;

use super::COMMAND_SECONDS;
use crate::deadline::Deadline;

/// A program in the background. Dropping it kills it.
#[derive(Debug)]
pub struct Daemon {
    pub(super) line: String,
    pub(super) child: Child,
    pub(super) out: PathBuf,
    pub(super) err: PathBuf,
    pub(super) ended: bool,
}

impl Daemon {
    /// What it has written to standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        std::fs::read_to_string(&self.out).unwrap_or_default()
    }

    /// What it has written to standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        std::fs::read_to_string(&self.err).unwrap_or_default()
    }

    /// Its process id, for signals.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Command line and both outputs, for failures.
    #[must_use]
    pub fn log(&self) -> String {
        format!(
            "$ {}\n--- stdout\n{}\n--- stderr\n{}",
            self.line,
            self.stdout(),
            self.stderr()
        )
    }

    /// The exit code, once it has ended.
    pub fn ended(&mut self) -> Option<Option<i32>> {
        let status = self.child.try_wait().expect("a child can be waited for");
        self.ended |= status.is_some();
        status.map(|status| status.code())
    }

    /// Waits for something the daemon brings about; fails at once if it ends meanwhile.
    ///
    /// # Panics
    /// When the deadline passes or the daemon ends first.
    #[track_caller]
    pub fn wait_until<T>(&mut self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let deadline = Deadline::seconds(60);
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            if let Some(code) = self.ended() {
                if let Some(found) = look(self) {
                    return found;
                }
                panic!("ended with {code:?} while waiting for {what}\n{}", self.log());
            }
            assert!(
                !deadline.passed(),
                "no {what} within the deadline\n{}",
                self.log()
            );
            deadline.pause();
        }
    }

    /// As [`Self::wait_for`] with another bound.
    ///
    /// # Panics
    /// When the deadline passes.
    #[track_caller]
    pub fn wait_within<T>(
        &mut self,
        seconds: u64,
        what: &str,
        mut look: impl FnMut(&mut Self) -> Option<T>,
    ) -> T {
        let deadline = Deadline::seconds(seconds);
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(
                !deadline.passed(),
                "no {what} within the deadline\n{}",
                self.log()
            );
            deadline.pause();
        }
    }

    /// As [`Self::wait_until`], where its end may be what is waited for.
    ///
    /// # Panics
    /// When the deadline passes.
    #[track_caller]
    pub fn wait_for<T>(&mut self, what: &str, look: impl FnMut(&mut Self) -> Option<T>) -> T {
        self.wait_within(60, what, look)
    }

    /// Waits for its own end.
    ///
    /// # Panics
    /// When the deadline passes first.
    #[track_caller]
    pub fn wait(&mut self) -> Option<i32> {
        let deadline = Deadline::seconds(COMMAND_SECONDS);
        loop {
            if let Some(code) = self.ended() {
                return code;
            }
            assert!(
                !deadline.passed(),
                "still running at the deadline\n{}",
                self.log()
            );
            deadline.pause();
        }
    }

    /// SIGKILL, and waits for the end.
    pub fn kill(&mut self) {
        if !self.ended {
            // Ended by itself meanwhile: nothing to kill.
            let _ = self.child.kill();
            self.child.wait().expect("a child can be waited for");
            self.ended = true;
        }
    }

    /// SIGTERM, and waits for the end.
    ///
    /// # Panics
    /// When it does not end.
    #[track_caller]
    pub fn terminate(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill")
            .arg("-TERM")
            .arg(pid)
            .status()
            .expect("kill is on every system");
        assert!(sent.success(), "SIGTERM could not be sent\n{}", self.log());
        self.wait()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
        let log = self.log();
        if thread::panicking() {
            eprintln!("{log}");
        }
    }
}

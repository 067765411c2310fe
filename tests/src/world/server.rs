//! The real server in the background.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde::Deserialize;

use crate::process::{Daemon, Program};

/// What the server writes once every listener is bound.
#[derive(Debug, Deserialize)]
struct ReadyFile {
    vehicles: SocketAddr,
    operators: SocketAddr,
    telemetry: SocketAddr,
}

/// A running `sealift-server`. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    daemon: Daemon,
    ready: ReadyFile,
}

impl Server {
    /// Starts `program` with a ready file and waits until every listener is bound.
    ///
    /// # Panics
    /// When it ends or stays silent.
    #[track_caller]
    #[must_use]
    pub fn start(program: Program, ready_file: &Path, logs: &Path) -> Self {
        let _ = fs::remove_file(ready_file);
        let mut daemon = program.arg("--ready-file").arg(ready_file).spawn(logs, "server");
        let ready = daemon.wait_until("ready file", |_| {
            serde_json::from_slice(&fs::read(ready_file).ok()?).ok()
        });
        Self { daemon, ready }
    }

    /// Where vehicles connect.
    #[must_use]
    pub fn vehicles(&self) -> SocketAddr {
        self.ready.vehicles
    }

    /// Where operators connect.
    #[must_use]
    pub fn operators(&self) -> SocketAddr {
        self.ready.operators
    }

    /// Where health and metrics are.
    #[must_use]
    pub fn telemetry(&self) -> SocketAddr {
        self.ready.telemetry
    }

    /// Both outputs so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.daemon.log()
    }

    /// SIGTERM, and the exit code.
    ///
    /// # Panics
    /// When it does not end.
    #[track_caller]
    pub fn terminate(mut self) -> Option<i32> {
        self.daemon.terminate()
    }
}

//! A provisioned vehicle and its program.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::https::Identity;
use crate::process::{Daemon, Program, Run};

/// A directory that `sealift vehicle provision` wrote.
#[derive(Clone, Debug)]
pub struct Vehicle {
    dir: PathBuf,
    logs: PathBuf,
    id: String,
}

impl Vehicle {
    /// The vehicle in `dir`.
    #[must_use]
    pub fn new(dir: PathBuf, logs: PathBuf, id: &str) -> Self {
        Self {
            dir,
            logs,
            id: id.to_owned(),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A path in its directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Its directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The program, one cycle.
    #[must_use]
    pub fn program(&self) -> Program {
        self.arguments(Program::binary("sealift-vehicle"))
    }

    /// The program under a limit on the size of files, see [`Program::binary_with_file_limit`].
    #[must_use]
    pub fn program_with_file_limit(&self, bytes: u64) -> Program {
        self.arguments(Program::binary_with_file_limit("sealift-vehicle", bytes))
    }

    fn arguments(&self, program: Program) -> Program {
        program.arg("--dir").arg(&self.dir).args(["--once", "--json"])
    }

    /// Runs one cycle.
    #[must_use]
    pub fn once(&self) -> Run {
        self.program().run()
    }

    /// Starts one cycle in the background.
    #[must_use]
    pub fn spawn(&self) -> Daemon {
        self.program().spawn(&self.logs, &format!("vehicle-{}", self.id))
    }

    /// The installed image of an ECU, if there is one.
    #[must_use]
    pub fn installed(&self, serial: &str) -> Option<Vec<u8>> {
        fs::read(self.path(&format!("installed/{serial}.img"))).ok()
    }

    /// Sends the vehicle to another address.
    ///
    /// # Panics
    /// When its configuration has no `server_url`.
    pub fn talk_to(&self, address: SocketAddr) {
        self.configure("server_url", &format!("\"https://{address}\""));
    }

    /// Replaces the value of one line of `vehicle.toml`.
    ///
    /// # Panics
    /// When there is no such line.
    pub fn configure(&self, field: &str, value: &str) {
        let path = self.path("vehicle.toml");
        let text = fs::read_to_string(&path).unwrap();
        let start = format!("{field} = ");
        assert!(
            text.lines().any(|line| line.starts_with(&start)),
            "no {field} in\n{text}"
        );
        let line = |line: &str| {
            if line.starts_with(&start) {
                format!("{start}{value}")
            } else {
                line.to_owned()
            }
        };
        let changed: Vec<String> = text.lines().map(line).collect();
        fs::write(&path, changed.join("\n") + "\n").unwrap();
    }

    /// Its client certificate.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity::read(&self.path("tls/client.pem"), &self.path("tls/client.key.pem"))
    }
}

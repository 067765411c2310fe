//! The operator's side of the demonstration: keys, certificates, repository, Director, server.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::failure::Failure;
use super::tools::{Tools, text};

/// Name of the environment variable that holds the passphrase of every key made here.
pub(super) const PASSPHRASE: &str = "SEALIFT_DEMO_PASSPHRASE";

/// Where everything lies, under one directory.
#[derive(Debug)]
pub(super) struct Site {
    /// The directory.
    pub(super) root: PathBuf,
    /// Operator API, `https://127.0.0.1:PORT`; empty until the server runs.
    pub(super) operators: String,
    /// Vehicle listener, `https://127.0.0.1:PORT`; empty until the server runs.
    pub(super) vehicles: String,
}

impl Site {
    /// An empty site under `root`, whose earlier content is removed.
    pub(super) fn new(root: &Path) -> Result<Self, Failure> {
        if root.exists() {
            fs::remove_dir_all(root).map_err(|error| Failure::at(format!("cannot clear {}", root.display()), error))?;
        }
        fs::create_dir_all(root).map_err(|error| Failure::at(format!("cannot make {}", root.display()), error))?;
        let root = root.canonicalize().map_err(|error| Failure::at(format!("cannot find {}", root.display()), error))?;
        Ok(Self { root, operators: String::new(), vehicles: String::new() })
    }

    /// A path below the site, as an argument.
    pub(super) fn path(&self, name: &str) -> String {
        text(&self.root.join(name))
    }

    /// The Image repository's URL.
    pub(super) fn repository(&self) -> String {
        format!("file://{}", self.path("store"))
    }

    /// Makes every key and certificate, the Image repository and the Director's root.
    pub(super) fn found(&self, tools: &Tools) -> Result<(), Failure> {
        fs::create_dir_all(self.root.join("keys")).map_err(|error| Failure::at("cannot make keys/", error))?;
        for role in ["root", "targets", "snapshot", "timestamp", "director-root"] {
            let file = self.path(&format!("keys/{role}.pem"));
            tools.run("sealift", &["key", "generate", "ed25519", "-o", &file, "--passphrase-env", PASSPHRASE])?;
        }
        let keys = ["root", "targets", "snapshot", "timestamp"].map(|role| self.path(&format!("keys/{role}.pem")));
        let [root, targets, snapshot, timestamp] = &keys;
        tools.run("sealift", &[
            "repo", "init", "--repository", &self.repository(), "--root-key", root, "--targets-key", targets,
            "--snapshot-key", snapshot, "--timestamp-key", timestamp, "--passphrase-env", PASSPHRASE,
        ])?;
        tools.run("sealift", &["kek", "create", "-o", &self.path("keys/kek.pem"), "--passphrase-env", PASSPHRASE])?;
        tools.run("sealift", &["director", "init", "--out", &self.path("director"), "--root-key", &self.path("keys/director-root.pem"), "--passphrase-env", PASSPHRASE])?;
        for authority in ["server-ca", "fleet-ca"] {
            let name = format!("Sealift demonstration {authority}");
            tools.run("sealift", &["ca", "create", "--out", &self.path(authority), "--name", &name, "--unencrypted"])?;
        }
        tools.run("sealift", &[
            "ca", "issue-server", "--ca-cert", &self.path("server-ca/ca.pem"), "--ca-key",
            &self.path("server-ca/ca.key.pem"), "--name", "localhost", "--ip", "127.0.0.1", "--out", &self.path("tls"),
        ])?;
        fs::write(self.root.join("server.toml"), self.config()).map_err(|error| Failure::at("cannot write server.toml", error))
    }

    /// The server's configuration: every port is chosen by the system.
    fn config(&self) -> String {
        format!(
            r#"data_dir = "{data}"

[vehicles]
listen = "127.0.0.1:0"
certificate = "{tls}/server.pem"
key = "{tls}/server.key.pem"
client_ca = "{fleet_ca}/ca.pem"

[operators]
listen = "127.0.0.1:0"
certificate = "{tls}/server.pem"
key = "{tls}/server.key.pem"

[telemetry]
listen = "127.0.0.1:0"

[repository]
url = "{url}"
root = "{store}/repo/1.root.json"
snapshot_key = "{keys}/snapshot.pem"
snapshot_passphrase_env = "{PASSPHRASE}"
timestamp_key = "{keys}/timestamp.pem"
timestamp_passphrase_env = "{PASSPHRASE}"

[director]
root = "{director}/1.root.json"
targets_key = "{director}/director-targets.pem"
targets_passphrase_env = "{PASSPHRASE}"
snapshot_key = "{director}/director-snapshot.pem"
snapshot_passphrase_env = "{PASSPHRASE}"
timestamp_key = "{director}/director-timestamp.pem"
timestamp_passphrase_env = "{PASSPHRASE}"
keks = ["{keys}/kek.pem"]
kek_passphrase_env = "{PASSPHRASE}"
"#,
            data = self.path("server"),
            tls = self.path("tls"),
            fleet_ca = self.path("fleet-ca"),
            url = self.repository(),
            store = self.path("store"),
            keys = self.path("keys"),
            director = self.path("director"),
        )
    }

    /// Issues an operator token and starts the server; it serves until the guard is dropped.
    pub(super) fn serve(&mut self, tools: &Tools) -> Result<Server, Failure> {
        let config = self.path("server.toml");
        let token = tools.run("sealift-server", &[
            "--config", &config, "token", "create", "--name", "demonstration", "--expires", "1", "--scope",
            "vehicles:read", "--scope", "vehicles:write", "--scope", "assignments:write", "--scope", "repository:refresh",
        ])?;
        fs::write(self.root.join("token"), token.trim()).map_err(|error| Failure::at("cannot write token", error))?;
        let ready = self.root.join("ready.json");
        let log = fs::File::create(self.root.join("server.log")).map_err(|error| Failure::at("cannot make server.log", error))?;
        let child = tools
            .command("sealift-server", &["--config", &config, "--ready-file", &text(&ready)])
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(|error| Failure::at("cannot share server.log", error))?)
            .stderr(log)
            .spawn()
            .map_err(|error| Failure::at("cannot start sealift-server", error))?;
        let mut server = Server { child };
        let bound = server.wait_ready(&ready, &self.root.join("server.log"))?;
        let address = |name: &str| {
            bound.get(name).and_then(|value| value.as_str()).map(|address| format!("https://{address}"))
                .ok_or_else(|| Failure::new(format!("{} names no {name} address", ready.display())))
        };
        self.vehicles = address("vehicles")?;
        self.operators = address("operators")?;
        Ok(server)
    }

    /// Arguments that every call of the operator API needs.
    pub(super) fn api(&self) -> [String; 6] {
        [
            "--server".to_owned(), self.operators.clone(), "--ca".to_owned(), self.path("server-ca/ca.pem"),
            "--token-file".to_owned(), self.path("token"),
        ]
    }
}

/// The running server; killed when dropped.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
}

impl Server {
    /// Waits until the server has written its addresses.
    fn wait_ready(&mut self, ready: &Path, log: &Path) -> Result<serde_json::Value, Failure> {
        for _ in 0..600 {
            if let Ok(bytes) = fs::read(ready)
                && let Ok(value) = serde_json::from_slice(&bytes)
            {
                return Ok(value);
            }
            if self.child.try_wait().map_err(|error| Failure::at("cannot watch the server", error))?.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut said = String::new();
        if let Ok(mut file) = fs::File::open(log) {
            let _ = file.read_to_string(&mut said);
        }
        Err(Failure::new(format!("sealift-server did not become ready; it said:\n{said}")))
    }

    /// Leaves the server running and returns its process id.
    pub(super) fn leave(self) -> u32 {
        let id = self.child.id();
        std::mem::forget(self);
        id
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

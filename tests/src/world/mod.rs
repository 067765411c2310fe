//! A whole fleet on one machine: repository, Director, server and vehicles, made by the real binaries.

mod founding;
mod server;
mod vehicle;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::front::Front;
use crate::https::{Https, Identity};
use crate::process::{Program, Run};
use crate::tree::Tree;

use founding::{ROOT, SIGNING};

pub use server::Server;
pub use vehicle::Vehicle;

/// The operator token's file, and every scope it has.
const TOKEN: &str = "operator.token";
const SCOPES: [&str; 4] = [
    "vehicles:read",
    "vehicles:write",
    "assignments:write",
    "repository:refresh",
];

/// Everything a test needs, in a directory of its own that goes away with it.
#[derive(Debug)]
pub struct World {
    dir: TempDir,
    repository: String,
    server: Option<Server>,
    runtime: tokio::runtime::Runtime,
    environment: Vec<(String, String)>,
    named: Vec<(String, String)>,
}

impl World {
    /// Keys, an empty repository on disk, a Director and certificates; no server yet.
    ///
    /// # Panics
    /// When a step fails.
    #[must_use]
    pub fn new() -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let url = format!("file://{}", dir.path().join("store").display());
        Self::with_repository(dir, url, Vec::new())
    }

    /// As [`Self::new`] with the repository somewhere else, for example on S3.
    ///
    /// # Panics
    /// When a step fails.
    #[must_use]
    pub fn on_store(url: &str, environment: &[(String, String)]) -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        Self::with_repository(dir, url.to_owned(), environment.to_vec())
    }

    fn with_repository(dir: TempDir, repository: String, environment: Vec<(String, String)>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        let runtime = runtime.expect("a runtime can be built");
        let world = Self {
            dir,
            repository,
            server: None,
            runtime,
            environment,
            named: Vec::new(),
        };
        for name in ["keys", "images", "logs", "store", "vehicles"] {
            fs::create_dir(world.path(name)).expect("a directory can be made");
        }
        world.make_keys();
        world.make_certificates();
        world.make_repository();
        world.make_director();
        world
    }

    /// A path inside the world.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The same as text, for arguments made of several parts.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// URL of the repository.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The repository's files, when it is on disk.
    #[must_use]
    pub fn tree(&self) -> Tree {
        Tree::new(self.path("store"))
    }

    /// Where processes leave their output.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.path("logs")
    }

    /// Runs something asynchronous.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// The release engineer's tool, run inside the world's directory.
    #[must_use]
    pub fn sealift(&self) -> Program {
        self.surround(Program::binary("sealift"))
    }

    /// Adds the world's directory and environment to a program.
    #[must_use]
    pub fn surround(&self, program: Program) -> Program {
        let program = program
            .current_dir(self.dir.path())
            .env("SEALIFT_STATE", self.path("state"));
        self.environment
            .iter()
            .fold(program, |program, (name, value)| program.env(name, value))
    }

    /// Writes an image file.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn image(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path("images").join(name);
        fs::write(&path, bytes).expect("an image can be written");
        path
    }

    /// The command that seals an image for the Director's key and publishes it as `target`.
    #[must_use]
    pub fn target_add(&self, target: &str, hardware: &str, counter: u64, image: &Path) -> Program {
        let (counter, version) = (counter.to_string(), format!("1.{counter}"));
        self.sealift()
            .args(["target", "add", "--repository", self.repository(), "--root", ROOT])
            .args(SIGNING)
            .args([
                "--director",
                "keys/kek.pub.pem",
                "--hardware-id",
                hardware,
                "--path",
                target,
            ])
            .args(["--release-counter", &counter, "--version", &version])
            .arg(image)
    }

    /// The command that publishes an image as it is, readable for everyone.
    #[must_use]
    pub fn target_add_unsealed(&self, target: &str, hardware: &str, counter: u64, image: &Path) -> Program {
        self.sealift()
            .args(["target", "add", "--repository", self.repository(), "--root", ROOT])
            .args(SIGNING)
            .args([
                "--protection",
                "none",
                "--hardware-id",
                hardware,
                "--path",
                target,
            ])
            .args(["--release-counter", &counter.to_string(), "--version", "open"])
            .arg(image)
    }

    /// The command that takes a target off the list.
    #[must_use]
    pub fn target_remove(&self, target: &str) -> Program {
        let program = self.sealift().args(["target", "remove", "--path", target]);
        program
            .args(["--repository", self.repository(), "--root", ROOT])
            .args(SIGNING)
    }

    /// Seals and publishes.
    ///
    /// # Panics
    /// When that fails.
    #[track_caller]
    pub fn publish(&self, target: &str, hardware: &str, counter: u64, image: &Path) -> Run {
        self.target_add(target, hardware, counter, image).run().ok()
    }

    /// The command that wraps every content key anew.
    #[must_use]
    pub fn kek_rotate(&self, old: &str, new_public: &str) -> Program {
        self.sealift()
            .args(["kek", "rotate", "--repository", self.repository(), "--root", ROOT])
            .args(["--old", old, "--new", new_public])
    }

    /// Says what an ECU is to install.
    ///
    /// # Panics
    /// When the server refuses.
    #[track_caller]
    pub fn assign(&self, vehicle: &str, serial: &str, target: &str) -> Run {
        let words = ["vehicle", "assign", vehicle, "--ecu", serial, "--target", target];
        self.operator(&words).run().ok()
    }

    /// A `sealift vehicle …` command with the server's address and the token.
    #[must_use]
    pub fn operator(&self, words: &[&str]) -> Program {
        let server = format!("https://{}", self.server().operators());
        self.sealift()
            .args(words)
            .args(["--server", &server, "--ca", "tls/ca.pem", "--token-file", TOKEN])
    }

    /// What the server knows about a vehicle.
    ///
    /// # Panics
    /// When the server does not know it.
    #[track_caller]
    #[must_use]
    pub fn inventory(&self, vehicle: &str) -> serde_json::Value {
        self.operator(&["--json", "vehicle", "show", vehicle])
            .run()
            .ok()
            .json()
    }

    /// One ECU of [`Self::inventory`].
    ///
    /// # Panics
    /// When there is no such ECU.
    #[track_caller]
    #[must_use]
    pub fn ecu(&self, vehicle: &str, serial: &str) -> serde_json::Value {
        let inventory = self.inventory(vehicle);
        let ecus = inventory["ecus"].as_array().expect("a list of ECUs");
        ecus.iter()
            .find(|ecu| ecu["serial"] == serial)
            .unwrap_or_else(|| panic!("no {serial}: {inventory}"))
            .clone()
    }

    /// Makes, registers and provisions a vehicle; each ECU as `--ecu` of `sealift vehicle provision`.
    ///
    /// # Panics
    /// When that fails.
    #[track_caller]
    #[must_use]
    pub fn provision(&self, id: &str, ecus: &[&str]) -> Vehicle {
        let _ = self.provision_program(id, ecus, id).run().ok();
        Vehicle::new(self.path("vehicles").join(id), self.logs(), id)
    }

    /// The command of [`Self::provision`] with another name for the directory.
    #[must_use]
    pub fn provision_program(&self, id: &str, ecus: &[&str], dir: &str) -> Program {
        let url = format!("https://{}", self.server().vehicles());
        self.operator(&["vehicle", "provision", id])
            .args([
                "--repository-root",
                ROOT,
                "--director-root",
                "director/1.root.json",
            ])
            .args([
                "--fleet-ca-cert",
                "tls/ca.pem",
                "--fleet-ca-key",
                "tls/ca.key.pem",
            ])
            .args(["--vehicle-url", &url, "--vehicle-ca", "tls/ca.pem"])
            .args(ecus.iter().flat_map(|ecu| ["--ecu", *ecu]))
            .arg("--out")
            .arg(self.path("vehicles").join(dir))
    }

    /// The running server.
    ///
    /// # Panics
    /// When none was started.
    #[must_use]
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("start_server comes first")
    }

    /// Starts the server, makes the operator token if there is none, and waits until it listens.
    ///
    /// # Panics
    /// When it does not get ready.
    #[track_caller]
    pub fn start_server(&mut self) {
        let config = self.server_config();
        fs::write(self.path("server.toml"), config).expect("a file can be written");
        if !self.path(TOKEN).exists() {
            let scopes = SCOPES.iter().flat_map(|scope| ["--scope", scope]);
            let program = self
                .surround(Program::binary("sealift-server"))
                .args(["--config", "server.toml"]);
            let program = program
                .args(["token", "create", "--name", "tests", "--expires", "1"])
                .args(scopes);
            let token = program.run().ok().text();
            fs::write(self.path(TOKEN), token.trim()).expect("a file can be written");
        }
        let program = self
            .surround(Program::binary("sealift-server"))
            .args(["--config", "server.toml"]);
        self.server = Some(Server::start(program, &self.path("ready.json"), &self.logs()));
    }

    /// Names a key otherwise than by its file to the server that starts next: by another file, a variable, or a URI.
    pub fn name_key(&mut self, file: &str, name: &str) {
        self.named.push((format!("\"{file}\""), format!("\"{name}\"")));
    }

    /// Ends the server at once, as a power cut does.
    pub fn kill_server(&mut self) {
        self.server = None;
    }

    /// Ends the server as a supervisor does; gives its exit code.
    ///
    /// # Panics
    /// When none runs, or it does not end.
    #[track_caller]
    pub fn stop_server(&mut self) -> Option<i32> {
        self.server.take().expect("start_server comes first").terminate()
    }

    /// The certificate that the server shows.
    #[must_use]
    pub fn server_identity(&self) -> Identity {
        Identity::read(&self.path("tls/server.pem"), &self.path("tls/server.key.pem"))
    }

    /// A client with a vehicle's certificate.
    #[must_use]
    pub fn client_of(&self, vehicle: &Vehicle) -> Https {
        Https::new(&self.path("tls/ca.pem"), Some(&vehicle.identity()))
    }

    /// A client without a certificate.
    #[must_use]
    pub fn client(&self) -> Https {
        Https::new(&self.path("tls/ca.pem"), None)
    }

    /// A dishonest front end before the server, and `vehicle` sent there.
    ///
    /// # Panics
    /// When the front cannot be started.
    #[must_use]
    pub fn front_for(&self, vehicle: &Vehicle) -> Front {
        let client = self.client_of(vehicle);
        let front = self.block_on(Front::start(
            self.server().vehicles(),
            &self.server_identity(),
            client,
        ));
        vehicle.talk_to(front.address());
        front
    }

    /// Sends `vehicle` straight to the server.
    pub fn direct(&self, vehicle: &Vehicle) {
        vehicle.talk_to(self.server().vehicles());
    }

    /// Address of the vehicles' listener.
    #[must_use]
    pub fn vehicles_address(&self) -> SocketAddr {
        self.server().vehicles()
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

//! A project with a pipeline: its secrets, its source tree on a runner, its repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_tests::bins;
use sealift_tests::process::Program;
use sealift_tests::tree::walk;
use sealift_tests::world::World;
use serde_json::{Value, json};

use super::pipeline::{SCRIPTS, folder, lines};

pub(super) const TARGET: &str = "ecu/brake.img";
const PASSPHRASE: &str = "a passphrase from the settings";

/// What a runner gets from the pipeline file and the project's settings.
pub(super) const VARIABLES: [&str; 16] = [
    "SEALIFT_REPOSITORY",
    "SEALIFT_ROOT",
    "BUILDER_ID",
    "BUILDER_PRIVATE_KEY",
    "KEY_PASSPHRASE",
    "SOURCE",
    "COMMIT",
    "RUN_ID",
    "DRY_RUN",
    "TARGET",
    "HARDWARE_ID",
    "RELEASE_VERSION",
    "RELEASE_COUNTER",
    "TARGETS_KEY",
    "SNAPSHOT_KEY",
    "TIMESTAMP_KEY",
];

/// The project's repository and settings.
pub(super) struct Project {
    world: World,
    /// The command lines of the pipeline: two that build, and the one that publishes.
    lines: Vec<String>,
}

/// A runner with a fresh copy of the source tree.
pub(super) struct Checkout<'a> {
    project: &'a Project,
    pub(super) name: String,
    counter: String,
}

impl Project {
    pub(super) fn new(file: &str) -> Self {
        let world = World::new();
        let _ = world
            .sealift()
            .args(["key", "generate", "ed25519", "-o", "keys/builder.pem"])
            .args(["--passphrase-env", "KEY_PASSPHRASE"])
            .env("KEY_PASSPHRASE", PASSPHRASE)
            .run()
            .ok();
        fs::create_dir(world.path("tmp")).unwrap();
        Self {
            world,
            lines: lines(file),
        }
    }

    /// A source tree in which `build.sh` makes `image`.
    pub(super) fn checkout(&self, name: &str, image: &[u8]) -> Checkout<'_> {
        let checkout = Checkout {
            project: self,
            name: name.to_owned(),
            counter: "7".to_owned(),
        };
        fs::create_dir_all(checkout.path("ci")).unwrap();
        for script in SCRIPTS {
            fs::copy(folder().join(script), checkout.path("ci").join(script)).unwrap();
        }
        for key in ["1.root.json", "kek.pub.pem", "builder.pub.pem"] {
            fs::copy(self.world.path("keys").join(key), checkout.path("ci").join(key)).unwrap();
        }
        let build = "#!/bin/sh\ncp source.img \"$1.img\"\ncp source.spdx.json \"$1.spdx.json\"\n";
        fs::write(checkout.path("ci/build.sh"), build).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(checkout.path("ci/build.sh"), executable).unwrap();
        fs::write(checkout.path("source.img"), image).unwrap();
        checkout.set_bill(100);
        checkout
    }

    /// The whole repository is as it should be.
    pub(super) fn verify(&self) {
        let words = [
            "repo",
            "verify",
            "--deep",
            "--root",
            "keys/1.root.json",
            "--repository",
        ];
        let _ = self
            .world
            .sealift()
            .args(words)
            .arg(self.world.repository())
            .run()
            .ok();
    }

    /// Every file of the repository.
    pub(super) fn tree(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = walk(&self.world.path("store")).into_iter();
        files
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect()
    }

    pub(super) fn targets(&self) -> Value {
        self.world.tree().targets()
    }

    pub(super) fn logs(&self) -> PathBuf {
        self.world.logs()
    }

    /// Private keys that jobs left lying about.
    pub(super) fn leftover_keys(&self) -> Vec<PathBuf> {
        walk(&self.world.path("tmp"))
    }

    fn secret(&self, name: &str) -> String {
        STANDARD.encode(fs::read(self.world.path(name)).unwrap())
    }
}

impl Checkout<'_> {
    /// The same tree, of another release.
    pub(super) fn release(mut self, counter: &str) -> Self {
        counter.clone_into(&mut self.counter);
        self
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.project.world.path(&self.name).join(name)
    }

    /// Has `build.sh` make a bill of materials of about so many bytes.
    pub(super) fn set_bill(&self, bytes: usize) {
        let bill = json!({"spdxVersion": "SPDX-2.3", "comment": "x".repeat(bytes)});
        fs::write(self.path("source.spdx.json"), bill.to_string()).unwrap();
    }

    /// Runs the lines of the build job.
    pub(super) fn build(&self) {
        for line in &self.project.lines[..2] {
            let _ = self.job(line, "keys/builder.pem", "").run().ok();
        }
    }

    /// Runs them with another builder's key; gives the provenance.
    pub(super) fn build_as(&self, key: &str) -> Vec<u8> {
        for line in &self.project.lines[..2] {
            let _ = self.job(line, key, "").run().ok();
        }
        fs::read(self.path("brake.provenance.json")).unwrap()
    }

    /// What the build job made, where the publish job finds it. A hostile build adds scripts and keys of its own; where
    /// artifacts are unpacked apart, they change nothing.
    fn hand_over(&self) {
        if !self.project.lines[2].contains("from-build/") {
            return;
        }
        let apart = self.path("from-build");
        fs::create_dir_all(apart.join("ci")).unwrap();
        fs::write(apart.join("ci/publish.sh"), "exit 99\n").unwrap();
        fs::write(apart.join("ci/builder.pub.pem"), "another builder\n").unwrap();
        for made in ["brake.img", "brake.spdx.json", "brake.provenance.json"] {
            fs::copy(self.path(made), apart.join(made)).unwrap();
        }
    }

    /// The line of the publish job.
    pub(super) fn publish(&self, dry_run: &str) -> Program {
        self.hand_over();
        self.job(&self.project.lines[2], "keys/builder.pem", dry_run)
    }

    /// The same, killed when it writes a file past so many bytes.
    pub(super) fn publish_limited(&self, bytes: u64) -> Program {
        self.hand_over();
        let line = format!(
            "ulimit -c 0; ulimit -f {}; {}",
            bytes / 1024,
            self.project.lines[2]
        );
        self.job(&line, "keys/builder.pem", "")
    }

    fn job(&self, line: &str, builder: &str, dry_run: &str) -> Program {
        let world = &self.project.world;
        let program = Program::new("job", "/bin/bash").args(["-e", "-o", "pipefail", "-c", line]);
        let program = VARIABLES.into_iter().fold(program, |program, name| {
            program.env(name, self.variable(name, builder, dry_run))
        });
        program
            .current_dir(&self.path(""))
            .env("PATH", path_with_sealift())
            .env("TMPDIR", world.path("tmp"))
            .env("SEALIFT_STATE", self.path("state"))
            .env("SEALIFT_MEMORY", self.path("memory"))
    }

    fn variable(&self, name: &str, builder: &str, dry_run: &str) -> String {
        let project = self.project;
        match name {
            "SEALIFT_REPOSITORY" => project.world.repository().to_owned(),
            "SEALIFT_ROOT" => "ci/1.root.json".to_owned(),
            "BUILDER_ID" => "https://ci.example.com/brake".to_owned(),
            "BUILDER_PRIVATE_KEY" => project.secret(builder),
            "KEY_PASSPHRASE" => PASSPHRASE.to_owned(),
            "SOURCE" => "git+https://git.example.com/brake@refs/tags/v4.2.0".to_owned(),
            "COMMIT" => "0123456789abcdef0123456789abcdef01234567".to_owned(),
            "RUN_ID" => format!("https://ci.example.com/runs/{}", self.counter),
            "DRY_RUN" => dry_run.to_owned(),
            "TARGET" => TARGET.to_owned(),
            "HARDWARE_ID" => "brake-2".to_owned(),
            "RELEASE_VERSION" => "v4.2.0".to_owned(),
            "RELEASE_COUNTER" => self.counter.clone(),
            "TARGETS_KEY" => project.secret("keys/targets.pem"),
            "SNAPSHOT_KEY" => project.secret("keys/snapshot.pem"),
            "TIMESTAMP_KEY" => project.secret("keys/timestamp.pem"),
            other => panic!("{other} has no value here"),
        }
    }
}

fn path_with_sealift() -> std::ffi::OsString {
    let binary = bins::binary("sealift");
    let folder = binary.parent().map(Path::to_path_buf).unwrap();
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder).chain(std::env::split_paths(&rest));
    std::env::join_paths(folders).unwrap()
}

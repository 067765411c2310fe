//! How a world begins: keys, certificates, repository, Director, and what the server is told of them.

use super::World;
use crate::process::Program;

/// The Image repository's first root, as the engineer keeps it.
pub(super) const ROOT: &str = "keys/1.root.json";
/// The keys that sign a publication.
pub(super) const SIGNING: [&str; 6] = [
    "--targets-key",
    "keys/targets.pem",
    "--snapshot-key",
    "keys/snapshot.pem",
    "--timestamp-key",
    "keys/timestamp.pem",
];

impl World {
    /// The configuration that [`Self::start_server`] writes.
    #[must_use]
    pub fn server_config(&self) -> String {
        let config = format!(
            r#"data_dir = "data"
[vehicles]
listen = "127.0.0.1:0"
certificate = "tls/server.pem"
key = "tls/server.key.pem"
client_ca = "tls/ca.pem"
[operators]
listen = "127.0.0.1:0"
certificate = "tls/server.pem"
key = "tls/server.key.pem"
[telemetry]
listen = "127.0.0.1:0"
[repository]
url = "{repository}"
root = "keys/1.root.json"
snapshot_key = "keys/snapshot.pem"
timestamp_key = "keys/timestamp.pem"
[director]
root = "director/1.root.json"
targets_key = "director/director-targets.pem"
snapshot_key = "director/director-snapshot.pem"
timestamp_key = "director/director-timestamp.pem"
keks = ["keys/kek.pem"]
[limits]
vehicle_requests_per_minute = 100000
"#,
            repository = self.repository,
        );
        let named = self.named.iter();
        named.fold(config, |config, (file, name)| config.replace(file, name))
    }

    /// A command that publishes, with the repository, its root, and the keys that sign.
    #[must_use]
    pub fn publishing(&self, words: &[&str]) -> Program {
        let program = self.sealift().args(words);
        program
            .args(["--repository", self.repository(), "--root", ROOT])
            .args(SIGNING)
    }

    /// The command that signs Snapshot and Timestamp again.
    #[must_use]
    pub fn refresh(&self) -> Program {
        let program = self.sealift().args(["repo", "refresh"]);
        program
            .args(["--repository", self.repository(), "--root", ROOT])
            .args(&SIGNING[2..])
    }

    /// The command that makes a repository at `url` and keeps its root in `root_out`.
    #[must_use]
    pub fn repo_init(&self, root_out: &str, url: &str) -> Program {
        let program = self.sealift().args(["repo", "init", "--repository", url]);
        program
            .args(["--root-key", "keys/root.pem", "--root-out", root_out])
            .args(SIGNING)
    }

    pub(super) fn make_keys(&self) {
        for name in ["root", "targets", "snapshot", "timestamp"] {
            let _ = self
                .sealift()
                .args(["key", "generate", "ed25519", "--unencrypted", "--out"])
                .arg(format!("keys/{name}.pem"))
                .run()
                .ok();
        }
        let _ = self
            .sealift()
            .args(["kek", "create", "--unencrypted", "--out", "keys/kek.pem"])
            .run()
            .ok();
    }

    pub(super) fn make_certificates(&self) {
        let _ = self
            .sealift()
            .args(["ca", "create", "--out", "tls", "--unencrypted"])
            .run()
            .ok();
        let issue = [
            "ca",
            "issue-server",
            "--ca-cert",
            "tls/ca.pem",
            "--ca-key",
            "tls/ca.key.pem",
        ];
        let _ = self
            .sealift()
            .args(issue)
            .args(["--ip", "127.0.0.1", "--out", "tls"])
            .run()
            .ok();
    }

    pub(super) fn make_repository(&self) {
        let _ = self.repo_init(ROOT, self.repository()).run().ok();
    }

    pub(super) fn make_director(&self) {
        let program = self
            .sealift()
            .args(["director", "init", "--root-key", "keys/root.pem"]);
        let _ = program.args(["--unencrypted", "--out", "director"]).run().ok();
    }
}

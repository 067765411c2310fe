//! How a world begins: keys, certificates, repository, Director, and what the server is told of them.

use super::World;

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
        let program = self
            .sealift()
            .args(["repo", "init", "--repository", self.repository()]);
        let program = program.args(["--root-key", "keys/root.pem", "--root-out", ROOT]);
        let _ = program.args(SIGNING).run().ok();
    }

    pub(super) fn make_director(&self) {
        let program = self
            .sealift()
            .args(["director", "init", "--root-key", "keys/root.pem"]);
        let _ = program.args(["--unencrypted", "--out", "director"]).run().ok();
    }
}

//! Documents signed by someone who stole online keys, or who may sign one repository and lies in it.

use std::path::Path;

use sealift_metadata::{FileSigner, Signer, canonical};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The three documents that change with every publication, and the keys that sign them.
pub struct Forger {
    targets_key: FileSigner,
    snapshot_key: FileSigner,
    timestamp_key: FileSigner,
}

impl std::fmt::Debug for Forger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Forger(…)")
    }
}

/// Signed parts of the documents in force.
#[derive(Clone, Debug)]
pub struct InForce {
    /// Targets.
    pub targets: Value,
    /// Snapshot.
    pub snapshot: Value,
    /// Timestamp.
    pub timestamp: Value,
}

/// Complete files under the names that a client asks for.
#[derive(Clone, Debug)]
pub struct Forged {
    /// Name ("7.targets.json") and bytes; the timestamp is last.
    pub files: Vec<(String, Vec<u8>)>,
}

impl InForce {
    /// Follows the chain from `timestamp.json` with `read`.
    ///
    /// # Panics
    /// When a document does not name the next one.
    #[must_use]
    pub fn read(mut read: impl FnMut(&str) -> Vec<u8>) -> Self {
        let mut signed = |name: &str| -> Value {
            let document: Value = serde_json::from_slice(&read(name)).unwrap();
            document["signed"].clone()
        };
        let version = |signed: &Value, name: &str| signed["meta"][name]["version"].as_u64().unwrap();
        let timestamp = signed("timestamp.json");
        let snapshot = signed(&format!("{}.snapshot.json", version(&timestamp, "snapshot.json")));
        let targets = signed(&format!("{}.targets.json", version(&snapshot, "targets.json")));
        Self {
            targets,
            snapshot,
            timestamp,
        }
    }
}

impl Forger {
    /// Reads the three unencrypted private keys.
    ///
    /// # Panics
    /// When one cannot be used.
    #[must_use]
    pub fn new(targets: &Path, snapshot: &Path, timestamp: &Path) -> Self {
        let key = |path: &Path| {
            let pem =
                std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            FileSigner::from_pem(&pem, None).unwrap()
        };
        Self {
            targets_key: key(targets),
            snapshot_key: key(snapshot),
            timestamp_key: key(timestamp),
        }
    }

    /// Signs the next version of all three with the Targets as the forger wants them.
    ///
    /// # Panics
    /// When a key fails.
    pub async fn next(&self, mut now: InForce, change: impl FnOnce(&mut Value)) -> Forged {
        change(&mut now.targets);
        let targets_version = raise(&mut now.targets);
        let targets = sign(&now.targets, &self.targets_key).await;
        now.snapshot["meta"]["targets.json"] = meta(targets_version, &targets);
        let snapshot_version = raise(&mut now.snapshot);
        let snapshot = sign(&now.snapshot, &self.snapshot_key).await;
        now.timestamp["meta"]["snapshot.json"] = meta(snapshot_version, &snapshot);
        let _ = raise(&mut now.timestamp);
        let timestamp = sign(&now.timestamp, &self.timestamp_key).await;
        Forged {
            files: vec![
                (format!("{targets_version}.targets.json"), targets),
                (format!("{snapshot_version}.snapshot.json"), snapshot),
                ("timestamp.json".to_owned(), timestamp),
            ],
        }
    }
}

impl Forged {
    /// The bytes under a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.files
            .iter()
            .find(|(file, _)| file == name)
            .map(|(_, bytes)| bytes.as_slice())
    }
}

fn raise(signed: &mut Value) -> u64 {
    let version = signed["version"].as_u64().expect("every role has a version") + 1;
    signed["version"] = version.into();
    version
}

fn meta(version: u64, bytes: &[u8]) -> Value {
    json!({"version": version, "length": bytes.len(), "hashes": {"sha256": hex::encode(Sha256::digest(bytes))}})
}

async fn sign(signed: &Value, key: &FileSigner) -> Vec<u8> {
    let signature = key
        .sign(&canonical::to_vec(signed))
        .await
        .expect("a key on disk signs");
    let signatures = json!([{"keyid": key.public().keyid().to_string(), "sig": hex::encode(signature)}]);
    serde_json::to_vec(&json!({"signatures": signatures, "signed": signed})).expect("JSON can be written")
}

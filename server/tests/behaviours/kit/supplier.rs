use super::{TestRng, World};
use jiff::{SignedDuration, Timestamp};
use sealift_metadata::authoring::{next_targets, sign_document};
use sealift_metadata::timestamp::MetaFile;
use sealift_metadata::trust::{Limits, TrustStore};
use sealift_metadata::{FileSigner, KeyType, RoleFile, Signer, TargetFile, TargetPath};
use sealift_repository::walk;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A supplier with a role of its own, to which the top-level Targets delegate.
#[derive(Debug)]
pub struct Supplier {
    pub name: &'static str,
    /// The patterns of what it may sign.
    pub paths: Vec<&'static str>,
    /// The hardware that it may sign for; any, if empty.
    pub hardware: Vec<&'static str>,
    /// What it lists.
    pub listed: BTreeMap<TargetPath, TargetFile>,
    /// When its document expires.
    pub expires: Timestamp,
    /// Listed in the Snapshot and delegated to no longer.
    pub revoked: bool,
    signer: FileSigner,
}

impl Supplier {
    fn file(&self) -> RoleFile {
        RoleFile::Delegated(self.name.parse().unwrap())
    }

    async fn sign(&self, version: u64) -> Vec<u8> {
        let mut draft = next_targets(None, version, self.expires).unwrap();
        for (path, file) in &self.listed {
            draft.put(path, file);
        }
        let draft = draft.finish().unwrap();
        sign_document(draft.signed(), &[&self.signer]).await.unwrap()
    }

    /// The terms of the delegation, put into a Targets document.
    fn enter(&self, targets: &mut Value) {
        let key = self.signer.public();
        let keyid = key.keyid().as_str();
        targets["delegations"]["keys"][keyid] = key.to_value();
        let roles = targets["delegations"]["roles"].as_array_mut().unwrap();
        roles.push(json!({
            "name": self.name, "keyids": [keyid], "threshold": 1, "terminating": false, "paths": self.paths,
        }));
        if !self.hardware.is_empty() {
            targets["custom"]["sealift_delegations"]["hardware_ids"][self.name] = json!(self.hardware);
        }
    }
}

impl World {
    /// A supplier who may sign under these paths.
    pub fn supplier(&self, name: &'static str, paths: &[&'static str]) -> Supplier {
        let mut rng = TestRng::new(&format!("supplier/{name}"));
        Supplier {
            name,
            paths: paths.to_vec(),
            hardware: Vec::new(),
            listed: BTreeMap::new(),
            expires: self.clock.now() + SignedDuration::from_hours(24 * 30),
            revoked: false,
            signer: FileSigner::generate(KeyType::Ed25519, &mut rng).unwrap(),
        }
    }

    /// Where a supplier's document of this version is.
    pub fn role_file(&self, supplier: &Supplier, version: u64) -> PathBuf {
        self.metadata(&supplier.file().requested(Some(version)))
    }

    fn metadata(&self, name: &str) -> PathBuf {
        self.dir.path().join("data/repository/repo").join(name)
    }

    fn key(&self, name: &str) -> FileSigner {
        let pem = std::fs::read_to_string(self.dir.path().join(name)).unwrap();
        FileSigner::from_pem(&pem, None).unwrap()
    }

    /// Publishes a set that delegates to `suppliers`, in this order, and returns its version. What `hand_over` names moves from the
    /// top-level Targets to the supplier of that number.
    pub async fn delegate(&mut self, suppliers: &mut [Supplier], hand_over: &[(&str, usize)]) -> u64 {
        let trust = TrustStore {
            root: std::fs::read(self.dir.path().join("image-root.json")).unwrap(),
            ..TrustStore::default()
        };
        let walked = walk(&self.store, &trust, self.clock.time(), Limits::IMAGE).await;
        let current = walked.unwrap().repository;
        let mut targets = current.targets().signed().clone();
        let version = current.targets().version() + 1;
        for (path, to) in hand_over {
            let path = TargetPath::new(*path).unwrap();
            let file = current.target(&path).unwrap().clone();
            targets["targets"].as_object_mut().unwrap().remove(path.as_str());
            suppliers[*to].listed.insert(path, file);
        }
        targets["version"] = version.into();
        targets["delegations"] = json!({"keys": {}, "roles": []});
        targets.as_object_mut().unwrap().remove("custom");
        let mut snapshot = current.snapshot().signed().clone();
        let snapshot_version = current.snapshot().version() + 1;
        snapshot["version"] = snapshot_version.into();
        for supplier in suppliers.iter() {
            if !supplier.revoked {
                supplier.enter(&mut targets);
            }
            let bytes = supplier.sign(version).await;
            snapshot["meta"][supplier.file().listed()] = MetaFile::of(version, &bytes).to_value();
            std::fs::write(self.role_file(supplier, version), bytes).unwrap();
        }
        let targets = sign_document(&targets, &[&self.key("image-targets.pem")])
            .await
            .unwrap();
        snapshot["meta"]["targets.json"] = MetaFile::of(version, &targets).to_value();
        std::fs::write(self.metadata(&format!("{version}.targets.json")), targets).unwrap();
        let snapshot = sign_document(&snapshot, &[&self.key("image-snapshot.pem")])
            .await
            .unwrap();
        let mut timestamp = current.timestamp().signed().clone();
        timestamp["version"] = (current.timestamp().version() + 1).into();
        timestamp["meta"]["snapshot.json"] = MetaFile::of(snapshot_version, &snapshot).to_value();
        std::fs::write(
            self.metadata(&format!("{snapshot_version}.snapshot.json")),
            snapshot,
        )
        .unwrap();
        let timestamp = sign_document(&timestamp, &[&self.key("image-timestamp.pem")])
            .await
            .unwrap();
        std::fs::write(self.metadata("timestamp.json"), timestamp).unwrap();
        version
    }
}

//! A supplier with a role of its own in the Image repository.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sealift_metadata::authoring::{next_targets, sign_document};
use sealift_metadata::{FileSigner, KeyType, RoleFile, Signer as _, TargetFile, TargetPath};
use serde_json::{Value, json};

use super::Fleet;
use super::rng::SameBytes;

/// A role that the top-level Targets delegate to.
#[derive(Debug)]
pub(crate) struct Supplier {
    name: String,
    signer: FileSigner,
    /// The patterns of what it may sign.
    pub(crate) paths: Vec<&'static str>,
    /// The hardware that it may sign for; any, if empty.
    pub(crate) hardware: Vec<&'static str>,
    /// What it lists.
    pub(crate) listed: BTreeMap<TargetPath, TargetFile>,
    /// When its document expires, if not with the others.
    pub(crate) expires: Option<Timestamp>,
    /// Listed in the Snapshot, as every role that ever was, and delegated to no longer.
    pub(crate) revoked: bool,
}

impl Supplier {
    pub(crate) fn new(name: &str, paths: &[&'static str]) -> Self {
        Self {
            name: name.to_owned(),
            signer: FileSigner::generate(KeyType::Ed25519, &mut SameBytes::of(name)).unwrap(),
            paths: paths.to_vec(),
            hardware: Vec::new(),
            listed: BTreeMap::new(),
            expires: None,
            revoked: false,
        }
    }

    pub(crate) fn file(&self) -> RoleFile {
        RoleFile::Delegated(self.name.parse().unwrap())
    }

    /// Its document.
    pub(crate) async fn sign(&self, version: u64, expires: Timestamp) -> Vec<u8> {
        let mut draft = next_targets(None, version, self.expires.unwrap_or(expires)).unwrap();
        for (path, file) in &self.listed {
            draft.put(path, file);
        }
        let draft = draft.finish().unwrap();
        sign_document(draft.signed(), &[&self.signer]).await.unwrap()
    }

    /// Makes a Targets document delegate to `suppliers`.
    pub(crate) fn delegate(suppliers: &[Self], targets: &mut Value) {
        for supplier in suppliers.iter().filter(|supplier| !supplier.revoked) {
            let key = supplier.signer.public();
            let keyid = key.keyid().as_str();
            if targets.get("delegations").is_none() {
                targets["delegations"] = json!({"keys": {}, "roles": []});
            }
            let delegations = &mut targets["delegations"];
            delegations["keys"][keyid] = key.to_value();
            delegations["roles"].as_array_mut().unwrap().push(json!({
                "name": supplier.name, "keyids": [keyid], "threshold": 1, "terminating": false, "paths": supplier.paths,
            }));
            if !supplier.hardware.is_empty() {
                targets["custom"]["sealift_delegations"]["hardware_ids"][supplier.name.as_str()] =
                    json!(supplier.hardware);
            }
        }
    }
}

impl Fleet {
    /// Delegates to one supplier more.
    pub(crate) async fn delegate(&mut self, supplier: Supplier) {
        self.image.suppliers.push(supplier);
        self.publish_image().await;
    }

    pub(crate) fn supplier(&mut self, name: &str) -> &mut Supplier {
        let mut all = self.image.suppliers.iter_mut();
        all.find(|supplier| supplier.name == name).unwrap()
    }

    /// Lists in a supplier's role what the top-level Targets listed.
    pub(crate) async fn hand_over(&mut self, path: &str, name: &str) {
        let path = TargetPath::new(path).unwrap();
        let file = self.listed.remove(&path).unwrap();
        self.supplier(name).listed.insert(path, file);
        self.publish_image().await;
    }

    /// The entry of a target, by the first who lists it.
    pub(crate) fn entry(&self, path: &TargetPath) -> &TargetFile {
        let suppliers = self.image.suppliers.iter().map(|supplier| &supplier.listed);
        let mut lists = [&self.listed].into_iter().chain(suppliers);
        lists.find_map(|listed| listed.get(path)).unwrap()
    }
}

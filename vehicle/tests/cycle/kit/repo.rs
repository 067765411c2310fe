//! One TUF repository with four Ed25519 keys.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sealift_metadata::authoring::{
    RootDraft, complete, next_snapshot, next_targets, next_timestamp, sign_document,
};
use sealift_metadata::root::RoleName;
use sealift_metadata::timestamp::MetaFile;
use sealift_metadata::{
    FileSigner, KeyType, Root, Signer, Snapshot, TargetFile, TargetPath, Targets, Verified,
};
use serde_json::Value;

use super::Supplier;
use super::rng::SameBytes;

#[derive(Debug)]
pub(crate) struct Repo {
    signers: [FileSigner; 4],
    root: Verified<Root>,
    /// Version of the newest set.
    pub(crate) version: u64,
    /// Every file ever served, by name.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// The roles that the next set delegates to, in order.
    pub(crate) suppliers: Vec<Supplier>,
}

impl Repo {
    pub(crate) async fn new(rng: &mut SameBytes, root_expires: Timestamp) -> Self {
        let signers = [(); 4].map(|()| FileSigner::generate(KeyType::Ed25519, rng).unwrap());
        let mut draft = RootDraft::new(root_expires);
        let roles = [
            RoleName::Root,
            RoleName::Targets,
            RoleName::Snapshot,
            RoleName::Timestamp,
        ];
        for (role, signer) in roles.into_iter().zip(&signers) {
            draft.set_role(role, &[signer.public().clone()], 1).unwrap();
        }
        let bytes = draft.sign(&[&signers[0]]).await.unwrap();
        let keys = sealift_metadata::Document::<Root>::parse(&bytes)
            .unwrap()
            .role()
            .keys(RoleName::Root)
            .clone();
        let root = complete::<Root>(&bytes, &[&keys]).unwrap();
        let files = BTreeMap::from([("1.root.json".to_owned(), bytes)]);
        Self {
            signers,
            root,
            version: 0,
            files,
            suppliers: Vec::new(),
        }
    }

    pub(crate) fn first_root(&self) -> &[u8] {
        &self.files["1.root.json"]
    }

    /// Signs and serves the next set.
    pub(crate) async fn publish(
        &mut self,
        targets: &BTreeMap<TargetPath, TargetFile>,
        custom: Option<Value>,
        expires: Timestamp,
    ) {
        self.version += 1;
        let version = self.version;
        let keys = |role| self.root.role().keys(role);
        let [_, targets_signer, snapshot_signer, timestamp_signer] = &self.signers;

        let mut draft = next_targets(None, version, expires).unwrap();
        draft.set_custom(custom.clone());
        for (path, file) in targets {
            draft.put(path, file);
        }
        let mut signed = draft.finish().unwrap().signed().clone();
        Supplier::delegate(&self.suppliers, &mut signed);
        let targets = sign_document(&signed, &[targets_signer]).await.unwrap();
        let document = complete::<Targets>(&targets, &[keys(RoleName::Targets)]).unwrap();

        let mut draft = next_snapshot(None, &document, version, expires).unwrap();
        if let Some(custom) = &custom {
            draft = draft.with_custom(custom.clone()).unwrap();
        }
        let mut signed = draft.signed().clone();
        for supplier in &self.suppliers {
            let bytes = supplier.sign(version, expires).await;
            signed["meta"][supplier.file().listed()] = MetaFile::of(version, &bytes).to_value();
            self.files.insert(supplier.file().requested(Some(version)), bytes);
        }
        let snapshot = sign_document(&signed, &[snapshot_signer]).await.unwrap();
        let document = complete::<Snapshot>(&snapshot, &[keys(RoleName::Snapshot)]).unwrap();

        let mut draft = next_timestamp(None, &document, version, expires).unwrap();
        if let Some(custom) = custom {
            draft = draft.with_custom(custom).unwrap();
        }
        let timestamp = draft
            .sign(keys(RoleName::Timestamp), &[timestamp_signer])
            .await
            .unwrap();

        self.files.insert(format!("{version}.targets.json"), targets);
        self.files.insert(format!("{version}.snapshot.json"), snapshot);
        self.files.insert("timestamp.json".to_owned(), timestamp);
    }

    /// The trust store that is provisioned from the newest set.
    pub(crate) fn trust(&self) -> [(&'static str, &[u8]); 4] {
        [
            ("root.json", self.first_root()),
            ("timestamp.json", &self.files["timestamp.json"]),
            (
                "snapshot.json",
                &self.files[&format!("{}.snapshot.json", self.version)],
            ),
            (
                "targets.json",
                &self.files[&format!("{}.targets.json", self.version)],
            ),
        ]
    }
}

//! A repository with fixed keys at a fixed time, and those who publish into it.

use std::sync::Arc;

use base64::Engine;
use jiff::SignedDuration;
use sealift_metadata::authoring::RootDraft;
use sealift_metadata::root::RoleName;
use sealift_metadata::signer::{FileSigner, Signer};
use sealift_metadata::targets::{TargetFile, TargetPath};
use sealift_metadata::time::{TimeSource, TrustedTime};
use sealift_metadata::trust::{Limits, TrustStore, TrustedRepository};
use sealift_repository::{
    Lifetimes, Operation, Publisher, Signers, Store, WalkError, paths, trust_walk, upload_bytes,
};
use sha2::{Digest, Sha256};

/// The Ed25519 key number `n`. Everybody knows it.
pub(crate) fn key(n: u8) -> Arc<dyn Signer> {
    let mut der = hex::decode("302e020100300506032b657004220420").unwrap();
    der.extend([n; 32]);
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    Arc::new(FileSigner::from_pem(&pem, None).unwrap())
}

/// When every story begins.
pub(crate) fn start() -> TrustedTime {
    TrustedTime::new("2026-06-01T00:00:00Z".parse().unwrap(), TimeSource::SystemClock)
}

/// So many hours after the beginning.
pub(crate) fn later(hours: i64) -> TrustedTime {
    TrustedTime::new(
        start().instant() + SignedDuration::from_hours(hours),
        TimeSource::SystemClock,
    )
}

/// Keys 1 to 4 sign root, targets, snapshot and timestamp.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) root: Vec<u8>,
    pub(crate) signers: Signers,
}

impl World {
    /// The keys, and a store in which nothing is yet.
    pub(crate) async fn empty(store: Store) -> Self {
        let mut draft = RootDraft::new("2028-06-01T00:00:00Z".parse().unwrap());
        for (role, n) in RoleName::ALL.into_iter().zip([1, 4, 3, 2]) {
            draft.set_role(role, &[key(n).public().clone()], 1).unwrap();
        }
        let root = draft
            .finish()
            .unwrap()
            .sign_some(&[key(1).as_ref()])
            .await
            .unwrap();
        let signers = Signers {
            targets: vec![key(2)],
            snapshot: vec![key(3)],
            timestamp: vec![key(4)],
        };
        Self { store, root, signers }
    }

    /// A repository without targets.
    pub(crate) async fn new(store: Store) -> Self {
        let world = Self::empty(store).await;
        world.init_in(&world.store).await.unwrap();
        world
    }

    pub(crate) async fn init_in(&self, store: &Store) -> Result<Publisher, sealift_repository::InitError> {
        Publisher::init(
            store.clone(),
            &self.root,
            None,
            self.signers.clone(),
            Lifetimes::default(),
            start(),
        )
        .await
    }

    /// What someone holds who knows the first root only.
    pub(crate) fn pinned(&self) -> TrustStore {
        TrustStore {
            root: self.root.clone(),
            ..TrustStore::default()
        }
    }

    /// A publisher who knows the first root only.
    pub(crate) fn publisher(&self) -> Publisher {
        self.publisher_in(&self.store)
    }

    /// The same, seeing the store through a decorator.
    pub(crate) fn publisher_in(&self, store: &Store) -> Publisher {
        Publisher::new(
            store.clone(),
            self.pinned(),
            self.signers.clone(),
            Lifetimes::default(),
        )
    }

    /// The repository as a new client sees it.
    pub(crate) async fn seen(&self, now: TrustedTime) -> Result<TrustedRepository, WalkError> {
        trust_walk(&self.store, &self.pinned(), now, Limits::IMAGE).await
    }

    /// The paths of the targets that a new client sees.
    pub(crate) async fn targets(&self, now: TrustedTime) -> Vec<String> {
        let seen = self.seen(now).await.unwrap();
        seen.targets()
            .role()
            .targets()
            .keys()
            .map(ToString::to_string)
            .collect()
    }

    /// A target whose bytes are in the store.
    pub(crate) async fn target(&self, path: &str, bytes: &[u8]) -> Operation {
        let (path, file) = target_file(path, bytes);
        upload_bytes(
            &self.store,
            paths::target(&path, file.object_digest().unwrap()).unwrap(),
            bytes,
        )
        .await
        .unwrap();
        Operation::Add { path, file }
    }

    /// The raw bytes of a metadata file.
    pub(crate) async fn file(&self, name: &str) -> Option<Vec<u8>> {
        let path = paths::metadata(name).unwrap();
        self.store
            .read(&path, 1 << 20)
            .await
            .unwrap()
            .map(|stored| stored.bytes.to_vec())
    }
}

/// A target, wherever its bytes are.
pub(crate) fn target_file(path: &str, bytes: &[u8]) -> (TargetPath, TargetFile) {
    let sha256: [u8; 32] = Sha256::digest(bytes).into();
    let file = TargetFile {
        length: bytes.len() as u64,
        hashes: sha256.into(),
        custom: None,
    };
    (TargetPath::new(path).unwrap(), file)
}

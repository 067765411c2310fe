//! What clients see of a repository: ours, new and returning, and others on every tree that has not been seen before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use futures::TryStreamExt;
use sealift_metadata::trust::{Limits, TrustStore, TrustedRepository};
use sealift_repository::{paths, walk};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::sync::Mutex;
use tough::{IntoVec, TargetName};

use super::verb::{IMAGES, Listed};
use crate::kit::{World, clients, later};

/// A repository as it was accepted.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) root: u64,
    pub(super) targets: u64,
    pub(super) snapshot: u64,
    pub(super) timestamp: u64,
    pub(super) listed: Listed,
}

impl Seen {
    fn of(repository: &TrustedRepository) -> Self {
        let listed = repository.targets().role().targets();
        Self {
            root: repository.root().version(),
            targets: repository.targets().version(),
            snapshot: repository.snapshot().version(),
            timestamp: repository.timestamp().version(),
            listed: listed
                .iter()
                .map(|(path, file)| (path.to_string(), hex::encode(file.object_digest().unwrap())))
                .collect(),
        }
    }
}

/// One who has seen the repository before, and accepts nothing that is older.
#[derive(Clone, Debug)]
pub(super) struct Client(TrustStore);

impl Client {
    pub(super) fn new(world: &World) -> Self {
        Self(world.pinned())
    }

    /// What a new client sees, whom this one and all others have to agree with; `None` when nobody accepts anything.
    pub(super) async fn look(
        &mut self,
        world: &World,
        hour: i64,
        trees: &Trees,
        label: &str,
    ) -> Option<Seen> {
        let now = later(hour);
        let new = walk(&world.store, &world.pinned(), now, Limits::IMAGE).await;
        let seen = new.ok().map(|walk| Seen::of(&walk.repository));
        trees.judge(world, hour, seen.as_ref(), label).await;
        let seen = seen?;
        let again = walk(&world.store, &self.0, now, Limits::IMAGE).await;
        let again = again.unwrap_or_else(|e| panic!("{label}: a client that came back: {e:?}"));
        assert_eq!(Seen::of(&again.repository).listed, seen.listed, "{label}");
        self.0 = again.trust;
        Some(seen)
    }
}

/// Every tree of files that clients can ask for, each one once.
#[derive(Debug)]
pub(super) struct Trees {
    folder: TempDir,
    /// By the digest of all files.
    known: Mutex<BTreeMap<[u8; 32], Tree>>,
}

/// One tree of files.
#[derive(Debug)]
struct Tree {
    /// The folder in which it is written down.
    name: String,
    /// What has to be found in it; nothing where it has to be refused.
    listed: Option<Listed>,
}

impl Trees {
    pub(super) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            known: Mutex::default(),
        }
    }

    /// Has clients of others look at the tree, if it is a new one.
    async fn judge(&self, world: &World, hour: i64, seen: Option<&Seen>, label: &str) {
        let files = served(world).await;
        let mut digest = Sha256::new();
        for (name, bytes) in &files {
            digest.update(name);
            digest.update([0]);
            digest.update(Sha256::digest(bytes));
        }
        let listed = seen.map(|seen| seen.listed.clone());
        let folder = {
            let mut known = self.known.lock().await;
            let name = known.len().to_string();
            let tree = known.entry(digest.finalize().into()).or_insert_with(|| Tree {
                name: name.clone(),
                listed: listed.clone(),
            });
            assert_eq!(tree.listed, listed, "{label}: the same tree, another verdict");
            if tree.name != name {
                return;
            }
            self.folder.path().join(name)
        };
        write(&folder, &files, &world.root);
        assert_eq!(sigstore_tuf(world, hour).await, listed, "{label}: sigstore-tuf");
        assert_eq!(tough(&folder, &world.root).await, listed, "{label}: tough");
    }

    /// The folder, with a line for each tree in `trees.json`; and how many they are, and how many nobody accepts.
    pub(super) async fn written(&self) -> (PathBuf, usize, usize) {
        let known = self.known.lock().await;
        let trees: BTreeMap<_, _> = known.values().map(|tree| (&tree.name, &tree.listed)).collect();
        let json = serde_json::to_vec(&trees).unwrap();
        std::fs::write(self.folder.path().join("trees.json"), json).unwrap();
        let refused = trees.values().filter(|listed| listed.is_none()).count();
        (self.folder.path().to_owned(), trees.len(), refused)
    }
}

/// Everything that a server would hand out.
async fn served(world: &World) -> BTreeMap<String, Vec<u8>> {
    let listed: Vec<_> = world
        .store
        .list(&paths::public_folder())
        .try_collect()
        .await
        .unwrap();
    let mut files = BTreeMap::new();
    for entry in listed {
        let stored = world.store.read(&entry.path, entry.size).await.unwrap().unwrap();
        let name = entry.path.as_str().strip_prefix("repo/").unwrap().to_owned();
        files.insert(name, stored.bytes.to_vec());
    }
    files
}

fn write(folder: &Path, files: &BTreeMap<String, Vec<u8>>, root: &[u8]) {
    std::fs::create_dir_all(folder.join("targets")).unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    std::fs::write(folder.join("pinned.json"), root).unwrap();
}

async fn sigstore_tuf(world: &World, hour: i64) -> Option<Listed> {
    let mut client = clients::sigstore_tuf(&world.store, &world.root);
    let now = later(hour).instant();
    client.refresh(now).await.ok()?;
    let mut found = Listed::new();
    for (path, _) in IMAGES {
        if let Ok(bytes) = client.get_target(path, now).await {
            found.insert(path.to_owned(), hex::encode(Sha256::digest(bytes)));
        }
    }
    Some(found)
}

async fn tough(folder: &Path, root: &[u8]) -> Option<Listed> {
    let client = clients::tough(folder, root).await.ok()?;
    let mut found = Listed::new();
    for (path, _) in IMAGES {
        let stream = client.read_target(&TargetName::new(path).unwrap()).await.unwrap();
        if let Some(stream) = stream {
            let bytes = stream.into_vec().await.unwrap();
            found.insert(path.to_owned(), hex::encode(Sha256::digest(bytes)));
        }
    }
    Some(found)
}

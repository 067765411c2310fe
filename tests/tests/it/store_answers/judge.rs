//! What clients make of a repository in a folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use sealift_metadata::trust::{Limits, TrustStore};
use sealift_metadata::{Signer, TimeSource, TrustedTime};
use sealift_repository::{Lifetimes, Publisher, RepositoryUrl, Resign, Signers, Store, trust_walk};
use sealift_tests::world::World;

use super::commands::signer;
use crate::foreign_clients::in_process;

/// A repository as it was accepted.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) root: u64,
    pub(super) targets: u64,
    pub(super) timestamp: u64,
    /// The SHA-256 of the bytes, by target.
    pub(super) listed: BTreeMap<String, String>,
}

/// The state that our client, sigstore-tuf and tough accept, with every byte of every target.
pub(super) fn accepted(tree: &Path, root: &[u8], label: &str) -> State {
    let walk = block_on(trust_walk(&store(tree), &pinned(root), now(), Limits::IMAGE));
    let seen = walk.unwrap_or_else(|error| panic!("{error:?}\n{label}"));
    let listed = seen.targets().role().targets().iter();
    let listed = listed.map(|(path, file)| (path.to_string(), hex::encode(file.object_digest().unwrap())));
    let state = State {
        root: seen.root().version(),
        targets: seen.targets().version(),
        timestamp: seen.timestamp().version(),
        listed: listed.collect(),
    };
    let served = tree.join("repo");
    for (name, digest) in &state.listed {
        let others = [
            in_process::sigstore_tuf(&served, name, now().instant()),
            in_process::tough(&served, name),
        ];
        assert_eq!(
            others,
            [Ok(digest.clone()), Ok(digest.clone())],
            "{name}\n{label}"
        );
    }
    state
}

/// The next publisher publishes.
pub(super) fn goes_on(world: &World, tree: &Path, root: &[u8], label: &str) {
    let keys = |names: &[&str]| {
        let keys = names
            .iter()
            .map(|name| Arc::new(signer(world, name)) as Arc<dyn Signer>);
        keys.collect()
    };
    let signers = Signers {
        targets: keys(&["targets"]),
        snapshot: keys(&["snapshot"]),
        timestamp: keys(&["timestamp", "timestamp-2"]),
    };
    let mut publisher = Publisher::new(store(tree), pinned(root), signers, Lifetimes::default());
    let next = block_on(publisher.publish(&Resign, now()));
    let next = next.unwrap_or_else(|error| panic!("{error:?}\n{label}"));
    assert!(next.changed, "{label}");
}

fn store(tree: &Path) -> Store {
    let url = format!("file://{}", tree.display());
    RepositoryUrl::parse(&url).unwrap().open().unwrap()
}

fn pinned(root: &[u8]) -> TrustStore {
    TrustStore {
        root: root.to_vec(),
        ..TrustStore::default()
    }
}

fn now() -> TrustedTime {
    #[expect(
        clippy::disallowed_methods,
        reason = "the commands and the foreign clients go by the real clock"
    )]
    TrustedTime::new(jiff::Timestamp::now(), TimeSource::SystemClock)
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(work)
}

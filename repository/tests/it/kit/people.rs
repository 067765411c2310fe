//! People who sign away from the store, and a key whose holder does something else first.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::future::BoxFuture;
use sealift_metadata::authoring::next_targets;
use sealift_metadata::document::Document;
use sealift_metadata::keys::PublicKey;
use sealift_metadata::signer::{SignError, Signer};
use sealift_metadata::targets::Targets;
use sealift_repository::Operation;

use super::{World, key};

/// The Targets after `base` with `additions` in it, signed by the keys of these numbers.
pub(crate) async fn signed_targets(
    base: Option<&Document<Targets>>,
    additions: &[Operation],
    keys: &[u8],
    expires: &str,
) -> Vec<u8> {
    let version = base.map_or(1, |base| base.version() + 1);
    let mut draft = next_targets(base, version, expires.parse().unwrap()).unwrap();
    for addition in additions {
        let Operation::Add { path, file } = addition else {
            panic!("an addition")
        };
        draft.put(path, file);
    }
    let keys: Vec<_> = keys.iter().map(|n| key(*n)).collect();
    let signers: Vec<&dyn Signer> = keys.iter().map(AsRef::as_ref).collect();
    draft.finish().unwrap().sign_some(&signers).await.unwrap()
}

impl World {
    /// What people sign who see the repository as it is now: the targets there are and `additions`.
    pub(crate) async fn draft(&self, additions: &[Operation], keys: &[u8]) -> Vec<u8> {
        let seen = self.seen(super::later(1)).await.unwrap();
        signed_targets(Some(seen.targets()), additions, keys, "2027-06-01T00:00:00Z").await
    }

    /// The same world for those who do not have the Targets key.
    pub(crate) fn without_targets_key(&self) -> Self {
        let mut world = self.clone();
        world.signers.targets.clear();
        world
    }
}

/// A key with which something happens right before its first signature.
pub(crate) struct Distracted {
    inner: Arc<dyn Signer>,
    first: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl Distracted {
    pub(crate) fn key(
        inner: Arc<dyn Signer>,
        first: impl Future<Output = ()> + Send + 'static,
    ) -> Arc<dyn Signer> {
        Arc::new(Self {
            inner,
            first: Mutex::new(Some(Box::pin(first))),
        })
    }
}

impl fmt::Debug for Distracted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl Signer for Distracted {
    fn public(&self) -> &PublicKey {
        self.inner.public()
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let first = self.first.lock().unwrap().take();
        if let Some(first) = first {
            first.await;
        }
        self.inner.sign(message).await
    }
}

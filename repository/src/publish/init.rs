//! A new repository in an empty store.

use sealift_metadata::FormatError;
use sealift_metadata::authoring::{next_snapshot, next_timestamp};
use sealift_metadata::document::Document;
use sealift_metadata::root::{RoleName, Root};
use sealift_metadata::time::TrustedTime;
use sealift_metadata::trust::{Limits, TrustStore};

use super::commit::{draft_targets, expiry, file_name, sign};
use super::{Lifetimes, PublishError, Publisher, Signers, TargetMap};
use crate::error::StoreError;
use crate::paths;
use crate::store::{Store, Written};
use crate::walk::{Overlay, WalkError, walk_over};

/// No repository was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// There is a repository already.
    #[error("{store}: there is a repository here already; choose another place")]
    Exists {
        /// The store.
        store: String,
    },
    /// Somebody began another repository here.
    #[error("{store}: another 1.root.json is here already; finish that repository or choose another place")]
    OtherRoot {
        /// The store.
        store: String,
    },
    /// The root cannot be read.
    #[error("these bytes are not a root document")]
    Root(#[from] FormatError),
    /// The root is not the first.
    #[error("this is root {version}; a repository begins with version 1, from which it takes its id")]
    NotFirst {
        /// Its version.
        version: u64,
    },
    /// The first documents could not be signed or stored, or clients would refuse them.
    #[error("the first documents could not be published")]
    Publish(#[from] PublishError),
}

impl From<StoreError> for InitError {
    fn from(error: StoreError) -> Self {
        Self::Publish(error.into())
    }
}

impl From<WalkError> for InitError {
    fn from(error: WalkError) -> Self {
        Self::Publish(PublishError::Unacceptable(error))
    }
}

impl Publisher {
    /// Makes a repository: Targets, Snapshot, `1.root.json`, and `timestamp.json` last, which makes it one.
    ///
    /// `root` is the signed first Root. `targets` is the signed first Targets where people sign them; without it an empty
    /// list is signed here. Killed half-way it is simply run again; versions that are taken by then are stepped
    /// over. Probes the store first.
    ///
    /// # Errors
    /// [`InitError`]; a repository that exists is never touched.
    pub async fn init(
        store: Store,
        root: &[u8],
        targets: Option<&[u8]>,
        signers: Signers,
        lifetimes: Lifetimes,
        now: TrustedTime,
    ) -> Result<Self, InitError> {
        let timestamp_path = paths::metadata(paths::TIMESTAMP)?;
        let exists = || InitError::Exists {
            store: store.address(),
        };
        if store.size(&timestamp_path).await?.is_some() {
            return Err(exists());
        }
        let first = Document::<Root>::parse(root)?;
        if first.version() != 1 {
            return Err(InitError::NotFirst {
                version: first.version(),
            });
        }
        store.probe().await?;
        let trust = TrustStore {
            root: root.to_vec(),
            ..TrustStore::default()
        };
        let mut publisher = Self {
            store: store.clone(),
            signers,
            lifetimes,
            limits: Limits::IMAGE,
            trust: trust.clone(),
        };
        let (overlay, given) = publisher.first_documents(first.role(), targets, now).await?;
        let walked = walk_over(&store, &overlay, &trust, now, publisher.limits).await?;
        if let Written::Theirs = store
            .create_exact(&paths::metadata("1.root.json")?, root.to_vec())
            .await?
        {
            return Err(InitError::OtherRoot {
                store: store.address(),
            });
        }
        publisher.store_given(&given).await?;
        let timestamp = walked.repository.timestamp().bytes().to_vec();
        match store.create_exact(&timestamp_path, timestamp).await? {
            Written::Theirs => Err(exists()),
            Written::Ours(_) => {
                publisher.trust = walked.trust;
                Ok(publisher)
            }
        }
    }

    /// Stores the first Snapshot and, where they are signed here, Targets, and signs the first Timestamp. Returns all of
    /// them, and apart what people signed, which has yet to be stored.
    async fn first_documents(
        &self,
        root: &Root,
        given: Option<&[u8]>,
        now: TrustedTime,
    ) -> Result<(Overlay, Overlay), PublishError> {
        let (signers, life) = (&self.signers, &self.lifetimes);
        let targets = match given {
            Some(draft) => {
                let keys = root.keys(RoleName::Targets);
                self.accept(draft, None, &[keys], now).await?
            }
            None => {
                self.store_version(1, root, &signers.targets, |version| {
                    draft_targets(None, &TargetMap::new(), version, expiry(now, life.targets))
                })
                .await?
            }
        };
        let snapshot = self
            .store_version(1, root, &signers.snapshot, |version| {
                next_snapshot(None, &targets, version, expiry(now, life.snapshot))
            })
            .await?;
        let draft = next_timestamp(None, &snapshot, 1, expiry(now, life.timestamp));
        let timestamp = sign(draft, root, &signers.timestamp).await?;
        let named = (file_name(&targets), targets.bytes().to_vec());
        let unstored = given.map(|_| named.clone()).into_iter().collect();
        let all = Overlay::from([
            named,
            (file_name(&snapshot), snapshot.bytes().to_vec()),
            (paths::TIMESTAMP.to_owned(), timestamp.bytes().to_vec()),
        ]);
        Ok((all, unstored))
    }
}

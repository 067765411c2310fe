//! The repository as commands use it: opened, pinned to a root, walked.

use std::path::{Path, PathBuf};

use clap::Args;
use futures::TryStreamExt;
use sealift_envelope::{Digest, Header};
use sealift_metadata::Root;
use sealift_metadata::document::Document;
use sealift_metadata::ids::{RepositoryId, TargetPath};
use sealift_metadata::trust::{Fault as TrustFault, Limits, TrustStore, TrustedRepository};
use sealift_metadata::uptane::{self, FileDigest, VerifiedTarget};
use sealift_repository::{Object, RepositoryUrl, Store, StoreError, WalkError, paths, trust_walk};

use crate::failure::{Failure, Fault};
use crate::memory::Memory;
use crate::{World, demo, faults, input, voice, world};

/// Which repository, and which root to trust it by.
#[derive(Args, Debug)]
pub(crate) struct RepositoryArgs {
    /// Repository: file:///absolute/folder or s3://bucket/prefix
    #[arg(long, help_heading = "Repository", value_name = "URL", env = "SEALIFT_REPOSITORY", hide_env_values = true, value_parser = RepositoryUrl::parse)]
    repository: RepositoryUrl,

    /// The repository's first root (1.root.json) from a source you trust; commands that only read believe the store's own
    /// without it, those that sign, rotate or verify insist
    #[arg(
        long,
        help_heading = "Repository",
        value_name = "ROOT.json",
        env = "SEALIFT_ROOT",
        hide_env_values = true
    )]
    root: Option<PathBuf>,

    /// Directory, apart from the store, that remembers what was verified last: an older state of the store is refused
    /// [default: $XDG_STATE_HOME/sealift/memory, else ~/.local/state/sealift/memory]
    #[arg(
        long,
        help_heading = "Repository",
        value_name = "DIR",
        env = "SEALIFT_MEMORY",
        hide_env_values = true
    )]
    memory: Option<PathBuf>,
}

/// An open repository with its first root.
#[derive(Debug)]
pub(crate) struct Connection {
    store: Store,
    trust: TrustStore,
    memory: Option<(Memory, Wish)>,
    repository_id: RepositoryId,
}

/// Whether a memory was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    /// By name: that it cannot be written is a failure.
    Said,
    /// The default: a machine without a place for it is told, and goes on.
    Presumed,
}

impl RepositoryArgs {
    /// Opens an existing repository; says so when no root was given to trust it by.
    pub(crate) async fn connect(&self, world: &World) -> Result<Connection, Failure> {
        if self.root.is_none() {
            world.note("no --root given, the store's own 1.root.json is believed");
        }
        let connection = Connection::open(world, &self.repository, self.root.as_deref()).await?;
        let directory = match &self.memory {
            Some(directory) => Some((directory.clone(), Wish::Said)),
            None => world::state_home().map(|state| (state.join("memory"), Wish::Presumed)),
        };
        match directory {
            Some((directory, wish)) => connection.with_memory(directory, wish),
            None => Ok(connection),
        }
    }

    /// As [`RepositoryArgs::connect`], for commands that sign or whose result is worth nothing without a root from
    /// elsewhere: under a root of the store's own choosing, its list of targets would be signed with the genuine keys.
    pub(crate) async fn connect_pinned(&self, world: &World) -> Result<Connection, Failure> {
        if self.root.is_none() {
            return Err(Failure::usage("--root ROOT.json is missing").next(
                "give the first root from a source other than the store; a store cannot vouch for itself",
            ));
        }
        self.connect(world).await
    }
}

impl Connection {
    /// Opens the store and compares its first root with the pinned one.
    pub(crate) async fn open(
        world: &World,
        url: &RepositoryUrl,
        pinned: Option<&Path>,
    ) -> Result<Self, Failure> {
        let store = url.open().map_err(faults::url)?;
        let first = read(&store, "1.root.json", Limits::IMAGE.root)
            .await?
            .ok_or_else(|| {
                Failure::new(
                    Fault::NotFound,
                    format!("there is no repository at {}", store.address()),
                )
                .next("check the URL, or make one with `sealift repo init`")
            })?;
        if let Some(path) = pinned {
            let bytes = input::read_capped(path, Limits::IMAGE.root)?;
            if bytes != first {
                return Err(Failure::refused(format!("{} is not the first root of this repository", path.display()))
                    .next("give the 1.root.json that `sealift repo init` wrote for this repository; do not replace it"));
            }
        }
        let root = Document::<Root>::parse(&first).map_err(|error| {
            Failure::refused("the repository's 1.root.json cannot be read").because(error)
        })?;
        demo::refuse_root(world, pinned.unwrap_or(Path::new("1.root.json")), root.role())?;
        Ok(Self {
            repository_id: RepositoryId::of_root(&first),
            trust: TrustStore {
                root: first,
                ..TrustStore::default()
            },
            memory: None,
            store,
        })
    }

    /// Goes on from what was verified last.
    fn with_memory(mut self, directory: PathBuf, wish: Wish) -> Result<Self, Failure> {
        let memory = Memory::new(directory, &self.repository_id);
        match (memory.recall(&self.trust.root), wish) {
            (Ok(trust), _) => {
                self.trust = trust;
                self.memory = Some((memory, wish));
            }
            (Err(failure), Wish::Presumed) => forgetful(&failure),
            (Err(failure), Wish::Said) => return Err(failure),
        }
        Ok(self)
    }

    /// Remembers what was verified.
    pub(crate) fn remember(&self, trust: &TrustStore) -> Result<(), Failure> {
        let Some((memory, wish)) = &self.memory else {
            return Ok(());
        };
        match (memory.keep(trust), wish) {
            (Err(failure), Wish::Presumed) => {
                forgetful(&failure);
                Ok(())
            }
            (kept, _) => kept,
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn repository_id(&self) -> &RepositoryId {
        &self.repository_id
    }

    /// What is trusted so far: the first root, or what was remembered.
    pub(crate) fn trust_store(&self) -> &TrustStore {
        &self.trust
    }

    /// The whole client workflow, from the first root to Targets.
    pub(crate) async fn walk(&self, world: &World) -> Result<TrustedRepository, Failure> {
        let walked = sealift_repository::walk(&self.store, &self.trust, world.trusted_time(), Limits::IMAGE)
            .await
            .map_err(faults::walk)?;
        let root = walked.repository.root().role();
        demo::refuse_root(world, Path::new("the current root"), root)?;
        self.remember(&walked.trust)?;
        Ok(walked.repository)
    }

    /// As [`Connection::walk`] for a look ahead before publishing: `None` when only an expiry is in the way, which
    /// publishing itself repairs.
    pub(crate) async fn walk_unless_expired(
        &self,
        world: &World,
    ) -> Result<Option<TrustedRepository>, Failure> {
        match trust_walk(&self.store, &self.trust, world.trusted_time(), Limits::IMAGE).await {
            Ok(trusted) => Ok(Some(trusted)),
            Err(WalkError::Trust(error)) if matches!(error.fault(), TrustFault::Expired { .. }) => Ok(None),
            Err(error) => Err(faults::walk(error)),
        }
    }

    /// The key file of a target, where there is one.
    pub(crate) async fn key_file(
        &self,
        path: &TargetPath,
        sha256: &[u8; 32],
    ) -> Result<Option<Vec<u8>>, Failure> {
        let path = paths::key_file(path, sha256).map_err(faults::store)?;
        let cap = sealift_envelope::MAX_KEY_FILE_LEN as u64;
        let found = self.store.read(&path, cap).await.map_err(faults::store)?;
        Ok(found.map(|stored| stored.bytes.to_vec()))
    }
}

fn forgetful(failure: &Failure) {
    voice::warn(&format!(
        "{failure}: what was verified is not remembered, and an older state of the store would go unnoticed; name a \
         place with --memory"
    ));
}

/// The header of a sealed object; `None` when it is not the signed one.
pub(crate) async fn header(object: &Object, signed: &FileDigest) -> Result<Option<Header>, Failure> {
    let pieces = object.stream(0..signed.length).map_err(faults::store)?;
    let bytes = pieces.try_collect::<Vec<_>>().await.map_err(faults::store)?;
    let bytes = bytes.concat();
    Ok(match Header::parse(&bytes) {
        Ok((header, length)) if Digest::of(&bytes).sha256 == signed.sha256 && length == bytes.len() => {
            Some(header)
        }
        _ => None,
    })
}

/// Fails unless the target is listed.
pub(crate) fn listed(trusted: &TrustedRepository, path: &TargetPath) -> Result<(), Failure> {
    match trusted.target(path) {
        Some(_) => Ok(()),
        None => Err(
            Failure::new(Fault::NotFound, format!("the repository has no target {path}"))
                .next("see `sealift target list`"),
        ),
    }
}

/// A target that the repository's keys vouch for.
pub(crate) fn image_target(
    trusted: &TrustedRepository,
    path: &TargetPath,
) -> Result<VerifiedTarget, Failure> {
    listed(trusted, path)?;
    uptane::image_target(trusted, path).map_err(faults::trust)
}

async fn read(store: &Store, name: &str, max_bytes: u64) -> Result<Option<Vec<u8>>, Failure> {
    let stored = async { store.read(&paths::metadata(name)?, max_bytes).await }.await;
    stored
        .map(|stored| stored.map(|stored| stored.bytes.to_vec()))
        .map_err(|error: StoreError| faults::store(error))
}

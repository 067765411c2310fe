//! Older lists of targets: images that are no longer listed keep their objects and key files.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use sealift_metadata::document::Document;
use sealift_metadata::ids::RepositoryId;
use sealift_metadata::root::RoleName;
use sealift_metadata::threshold::RoleKeys;
use sealift_metadata::trust::{Limits, TrustedRepository};
use sealift_metadata::{Root, Targets};
use sealift_repository::{StorePath, paths};

use super::survey::{self, Entry};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::store::Connection;
use crate::{World, faults};

/// Moves from `unknown` to `entries` what a Targets document in the store lists that was signed by the keys of a root on the
/// way from the pinned one to the current one. Newest first; ends when nothing is unknown.
///
/// Expiry and keys that were replaced since do not matter here: the entry only says which header the content key must
/// commit to, and the wrap itself is bound to the target path.
pub(super) async fn find(
    world: &World,
    connection: &Connection,
    trusted: &TrustedRepository,
    unknown: &mut BTreeSet<StorePath>,
    entries: &mut BTreeMap<StorePath, Entry>,
) -> Result<(), Failure> {
    let signers = signers(connection, trusted).await?;
    let versions = versions(connection, trusted.targets().version()).await?;
    let progress = Progress::items(world, "searching", versions.len());
    for version in versions.into_iter().rev() {
        if unknown.is_empty() {
            break;
        }
        if let Some(document) = read::<Targets>(connection, version, "targets", Limits::IMAGE.targets).await?
            // Under a name of its own choice it would come before its successors.
            && document.version() == version
            && signers.iter().any(|keys| document.check(keys).is_ok())
        {
            for (key_file, image) in survey::images(document.role()) {
                if unknown.remove(&key_file) {
                    let older = Some(version);
                    entries.insert(key_file, Entry::Signed { image, older });
                }
            }
        }
        progress.advance();
    }
    Ok(())
}

/// The Targets keys of every root, each verified by its predecessor, as far as the store still has them all.
async fn signers(connection: &Connection, trusted: &TrustedRepository) -> Result<Vec<RoleKeys>, Failure> {
    let mut signers = vec![trusted.root().role().keys(RoleName::Targets).clone()];
    let mut known: Option<Document<Root>> = None;
    for version in 1..trusted.root().version() {
        let Some(root) = read::<Root>(connection, version, "root", Limits::IMAGE.root).await? else {
            break;
        };
        let by = |root: &Document<Root>, keys: &Document<Root>| {
            root.check(keys.role().keys(RoleName::Root)).is_ok()
        };
        let follows = match &known {
            // Read anew from a store that anybody may have changed meanwhile.
            None => RepositoryId::of_root(root.bytes()) == *connection.repository_id(),
            Some(known) => by(&root, known) && by(&root, &root),
        };
        if !follows || root.version() != version {
            break;
        }
        let keys = root.role().keys(RoleName::Targets);
        let same = |known: &RoleKeys| known.same_keys(keys) && known.threshold() == keys.threshold();
        if !signers.iter().any(same) {
            signers.push(keys.clone());
        }
        known = Some(root);
    }
    Ok(signers)
}

/// Versions of Targets in the store, without the current one.
async fn versions(connection: &Connection, current: u64) -> Result<BTreeSet<u64>, Failure> {
    let folder = paths::public_folder();
    let mut listed = connection.store().list(&folder);
    let mut versions = BTreeSet::new();
    while let Some(found) = listed.try_next().await.map_err(faults::store)? {
        let name = found
            .path
            .below(&folder)
            .and_then(|name| name.strip_suffix(".targets.json"));
        versions.extend(name.and_then(|version| version.parse::<u64>().ok()));
    }
    versions.remove(&current);
    Ok(versions)
}

/// A document by its version; `None` where there is none, or one that is no such document: it is nobody's word.
async fn read<R: sealift_metadata::document::Role>(
    connection: &Connection,
    version: u64,
    role: &str,
    max_bytes: u64,
) -> Result<Option<Document<R>>, Failure> {
    let path = paths::metadata(&format!("{version}.{role}.json")).map_err(faults::store)?;
    match connection.store().read(&path, max_bytes).await {
        Ok(Some(stored)) => Ok(Document::parse(&stored.bytes).ok()),
        Ok(None) | Err(sealift_repository::StoreError::TooLarge { .. }) => Ok(None),
        Err(error) => Err(faults::store(error)),
    }
}

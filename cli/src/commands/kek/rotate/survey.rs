//! Which key files there are, and which signed entry each belongs to.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use sealift_metadata::targets::{TargetFile, TargetPath, Targets};
use sealift_metadata::uptane::{FileDigest, ImageProfile, Protection};
use sealift_repository::{StorePath, paths};

use super::older;
use crate::failure::Failure;
use crate::store::Connection;
use crate::{World, faults};

/// One key file to look at.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) key_file: StorePath,
    pub(super) entry: Entry,
}

/// What is known of the image of a key file.
#[derive(Debug)]
pub(super) enum Entry {
    /// The repository's keys signed it; in which version of Targets, unless in the current one.
    Signed { image: Image, older: Option<u64> },
    /// The current Targets list it, with a description that cannot be read.
    Bad { path: TargetPath, failure: Failure },
    /// No Targets document that is left in the store lists it.
    Nowhere,
}

/// What the repository's keys said of an image.
#[derive(Clone, Debug)]
pub(super) struct Image {
    pub(super) path: TargetPath,
    pub(super) object: StorePath,
    pub(super) header: FileDigest,
}

/// What is new since the last look.
#[derive(Debug)]
pub(super) struct Survey {
    /// Key files that a list names.
    pub(super) named: Vec<Subject>,
    /// Key files that no list names so far: all of them each time, since one may name them a moment later.
    pub(super) strays: Vec<Subject>,
}

/// Every key file that is there, or should be, and is not in `seen`; then those that a list names are.
pub(super) async fn new_since(
    world: &World,
    connection: &Connection,
    seen: &mut BTreeSet<StorePath>,
) -> Result<Survey, Failure> {
    // First the list, then the walk: what is published in between is listed and not yet there, rather than unknown.
    let there = stored(connection).await?;
    let trusted = connection.walk(world).await?;
    let mut entries = BTreeMap::new();
    for (path, file) in trusted.targets().role().targets() {
        // Nothing in the store belongs to an entry without the hash that names it.
        let Some(sha256) = file.hashes.sha256() else {
            continue;
        };
        let key_file = paths::key_file(path, sha256).map_err(faults::store)?;
        match image(path, sha256, file) {
            Ok(Some(image)) => drop(entries.insert(key_file, Entry::Signed { image, older: None })),
            Ok(None) => {}
            Err(failure) => {
                let path = path.clone();
                entries.insert(key_file, Entry::Bad { path, failure });
            }
        }
    }
    let unknown = there.into_iter().filter(|path| !entries.contains_key(path));
    let mut unknown: BTreeSet<StorePath> = unknown.filter(|path| !seen.contains(path)).collect();
    entries.retain(|path, _| !seen.contains(path));
    if !unknown.is_empty() {
        older::find(world, connection, &trusted, &mut unknown, &mut entries).await?;
    }
    seen.extend(entries.keys().cloned());
    let subject = |(key_file, entry)| Subject { key_file, entry };
    let strays = unknown.into_iter().map(|path| (path, Entry::Nowhere));
    Ok(Survey {
        named: entries.into_iter().map(subject).collect(),
        strays: strays.map(subject).collect(),
    })
}

async fn stored(connection: &Connection) -> Result<Vec<StorePath>, Failure> {
    let folder = paths::keys_folder();
    let listed: Vec<_> = connection
        .store()
        .list(&folder)
        .try_collect()
        .await
        .map_err(faults::store)?;
    Ok(listed.into_iter().map(|found| found.path).collect())
}

/// The sealed images of an older document, by key file; entries that cannot be read are passed over.
pub(super) fn images(targets: &Targets) -> impl Iterator<Item = (StorePath, Image)> {
    targets.targets().iter().filter_map(|(path, file)| {
        let sha256 = file.hashes.sha256()?;
        let key_file = paths::key_file(path, sha256).ok()?;
        Some((key_file, image(path, sha256, file).ok()??))
    })
}

/// The entry of a sealed image; `None` for one that is not sealed.
fn image(path: &TargetPath, sha256: &[u8; 32], file: &TargetFile) -> Result<Option<Image>, Failure> {
    let custom = file.custom.as_ref();
    let bad = || Failure::refused(format!("the signed description of {path} cannot be read"));
    let profile = custom
        .and_then(|custom| custom.get(ImageProfile::FIELD))
        .ok_or_else(bad)?;
    let profile = ImageProfile::parse(profile).map_err(|error| bad().because(error))?;
    if profile.protection != Protection::SealedV1 {
        return Ok(None);
    }
    let header = profile
        .header
        .ok_or_else(|| Failure::refused(format!("{path} has no signed header")))?;
    Ok(Some(Image {
        path: path.clone(),
        object: paths::target(path, sha256).map_err(faults::store)?,
        header,
    }))
}

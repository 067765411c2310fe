//! Signing a set of documents and making it current.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use sealift_metadata::authoring::{
    AuthoringError, Draft, counter_version, next_snapshot, next_targets, next_timestamp,
};
use sealift_metadata::companions::Companion;
use sealift_metadata::document::{Document, Role};
use sealift_metadata::root::{RoleName, Root};
use sealift_metadata::signer::Signer;
use sealift_metadata::snapshot::Snapshot;
use sealift_metadata::targets::Targets;
use sealift_metadata::time::TrustedTime;
use sealift_metadata::trust::TrustedRepository;
use sealift_metadata::uptane::ImageProfile;

use super::{PublishError, Published, Publisher, TargetMap};
use crate::paths;
use crate::store::Written;
use crate::walk::{Overlay, Walk, walk_over};

/// How many leftover files in a row a publisher steps over.
const MAX_LEFTOVERS: u32 = 1024;

/// Signed versioned files, and the Snapshot that a Timestamp has yet to name.
#[derive(Debug)]
pub(super) struct SignedSet {
    /// New files by name that were signed here and are in the store.
    pub(super) files: Overlay,
    /// New files by name that people signed. They are stored when everything else is known to be good, because whatever
    /// stands under their name keeps other bytes out.
    pub(super) given: Overlay,
    /// The Snapshot to be named.
    pub(super) snapshot: Document<Snapshot>,
}

impl Publisher {
    /// Every object that a new or changed target names has to be in the store before the target is, and the description has
    /// to fit the object, because vehicles refuse it otherwise.
    pub(super) async fn check_objects(
        &self,
        before: &TargetMap,
        after: &TargetMap,
    ) -> Result<(), PublishError> {
        for (path, file) in after
            .iter()
            .filter(|(path, file)| before.get(*path) != Some(*file))
        {
            let bad = |source| PublishError::BadTarget {
                path: path.to_string(),
                source,
            };
            let object = paths::target(path, file.object_digest().map_err(bad)?)?;
            self.check_object(&object, file.length).await?;
            for companion in Companion::of_file(file).map_err(bad)? {
                self.check_object(&paths::companion(&companion.sha256)?, companion.length)
                    .await?;
            }
            let described = file
                .custom
                .as_ref()
                .is_some_and(|custom| custom.get(ImageProfile::FIELD).is_some());
            if !described {
                continue;
            }
            let profile = ImageProfile::of_file(file).map_err(bad)?;
            if let Some(segments) = profile.segments {
                self.check_object(&paths::segments(&segments.sha256)?, segments.length)
                    .await?;
            }
        }
        Ok(())
    }

    async fn check_object(&self, path: &crate::StorePath, length: u64) -> Result<(), PublishError> {
        let missing = |found| PublishError::MissingObject {
            path: path.to_string(),
            found,
        };
        match self.store.size(path).await? {
            Some(size) if size == length => Ok(()),
            Some(size) => Err(missing(format!("{size} bytes instead of {length}"))),
            None => Err(missing("nothing there".to_owned())),
        }
    }

    /// Signs and stores Targets with `targets` in it, and the Snapshot that names it.
    pub(super) async fn sign_targets(
        &self,
        base: &Walk,
        targets: &TargetMap,
        now: TrustedTime,
    ) -> Result<SignedSet, PublishError> {
        let current = base.repository.targets();
        let expires = expiry(now, self.lifetimes.targets);
        let from = current.version().saturating_add(1);
        let root = base.repository.root().role();
        let next = self
            .store_version(from, root, &self.signers.targets, |version| {
                draft_targets(Some(current), targets, version, expires)
            })
            .await?;
        let mut set = self.sign_snapshot(&base.repository, &next, now).await?;
        set.files.insert(file_name(&next), next.bytes().to_vec());
        Ok(set)
    }

    /// Signs and stores a Snapshot that names `targets`.
    pub(super) async fn sign_snapshot(
        &self,
        current: &TrustedRepository,
        targets: &Document<Targets>,
        now: TrustedTime,
    ) -> Result<SignedSet, PublishError> {
        let expires = expiry(now, self.lifetimes.snapshot);
        let before = current.snapshot();
        let from = counter_version(Some(before.version()), now.instant());
        let snapshot = self
            .store_version(from, current.root().role(), &self.signers.snapshot, |version| {
                next_snapshot(Some(before), targets, version, expires)
            })
            .await?;
        let files = Overlay::from([(file_name(&snapshot), snapshot.bytes().to_vec())]);
        Ok(SignedSet {
            files,
            given: Overlay::new(),
            snapshot,
        })
    }

    /// Signs the first version of a role from `from` on whose name is free, and stores it there.
    ///
    /// A name that is taken belongs to someone: another publisher at work, or one that was killed. Both are stepped over.
    pub(super) async fn store_version<R: Role>(
        &self,
        from: u64,
        root: &Root,
        signers: &[Arc<dyn Signer>],
        draft: impl Fn(u64) -> Result<Draft<R>, AuthoringError>,
    ) -> Result<Document<R>, PublishError> {
        for step in 0..MAX_LEFTOVERS {
            let version = from.saturating_add(u64::from(step));
            let path = paths::metadata(&format!("{version}.{}.json", R::TYPE))?;
            if self.store.size(&path).await?.is_some() {
                continue;
            }
            let document = sign(draft(version), root, signers).await?;
            if let Written::Ours(_) = self.store.create_exact(&path, document.bytes().to_vec()).await? {
                return Ok(document);
            }
        }
        Err(PublishError::Littered {
            role: R::TYPE,
            tried: MAX_LEFTOVERS,
        })
    }

    /// Signs a Timestamp over `set`, walks over the result as a client would, and makes it current.
    ///
    /// `None` when another publisher was first.
    pub(super) async fn commit(
        &mut self,
        base: Walk,
        set: SignedSet,
        now: TrustedTime,
        overtaken: u32,
    ) -> Result<Option<Published>, PublishError> {
        let current = base.repository.timestamp();
        let version = counter_version(Some(current.version()), now.instant());
        let expires = expiry(now, self.lifetimes.timestamp);
        let draft = next_timestamp(Some(current), &set.snapshot, version, expires);
        let timestamp = sign(draft, base.repository.root().role(), &self.signers.timestamp).await?;
        let bytes = timestamp.bytes().to_vec();
        let mut overlay = set.files;
        overlay.extend(set.given.clone());
        overlay.insert(paths::TIMESTAMP.to_owned(), bytes.clone());
        let walked = walk_over(&self.store, &overlay, &base.trust, now, self.limits).await;
        let walked = walked.map_err(PublishError::Unacceptable)?;
        self.store_given(&set.given).await?;
        let Some((seen, _)) = &base.timestamp else {
            return Err(PublishError::Equivocation {
                version: current.version(),
            });
        };
        match self
            .store
            .replace_exact(&paths::metadata(paths::TIMESTAMP)?, bytes, seen)
            .await?
        {
            Written::Theirs => Ok(None),
            Written::Ours(_) => {
                self.trust = walked.trust;
                let targets = walked.repository.targets().version();
                tracing::info!(timestamp = version, targets, overtaken, "published");
                Ok(Some(Published {
                    repository: walked.repository,
                    changed: true,
                    overtaken,
                }))
            }
        }
    }
}

/// Signs with all of `signers`, and verifies against the role's keys in `root`.
pub(super) async fn sign<R: Role>(
    draft: Result<Draft<R>, AuthoringError>,
    root: &Root,
    signers: &[Arc<dyn Signer>],
) -> Result<Document<R>, PublishError> {
    let fail = |source| PublishError::Sign {
        role: R::TYPE,
        source: Box::new(source),
    };
    if signers.is_empty() {
        return Err(PublishError::NoSigner { role: R::TYPE });
    }
    let role = RoleName::ALL.into_iter().find(|role| role.as_str() == R::TYPE);
    let keys = root.keys(role.ok_or_else(|| fail(AuthoringError::RoleMissing(R::TYPE)))?);
    let signers: Vec<&dyn Signer> = signers.iter().map(AsRef::as_ref).collect();
    let bytes = draft.map_err(fail)?.sign(keys, &signers).await.map_err(fail)?;
    Document::parse(&bytes).map_err(|e| fail(e.into()))
}

/// Targets that list exactly `targets`; delegations and `custom` stay as they were.
pub(super) fn draft_targets(
    before: Option<&Document<Targets>>,
    targets: &TargetMap,
    version: u64,
    expires: jiff::Timestamp,
) -> Result<Draft<Targets>, AuthoringError> {
    let mut draft = next_targets(before, version, expires)?;
    let listed = before.map(|before| before.role().targets());
    for path in listed
        .into_iter()
        .flat_map(BTreeMap::keys)
        .filter(|path| !targets.contains_key(*path))
    {
        draft.remove(path);
    }
    // An entry that stays the same keeps its every field, known here or not.
    for (path, file) in targets
        .iter()
        .filter(|(path, file)| listed.and_then(|l| l.get(*path)) != Some(*file))
    {
        draft.put(path, file);
    }
    draft.finish()
}

/// The name of a versioned document in the store.
pub(super) fn file_name<R: Role>(document: &Document<R>) -> String {
    format!("{}.{}.json", document.version(), R::TYPE)
}

/// The instant of expiry.
pub(super) fn expiry(now: TrustedTime, lifetime: SignedDuration) -> jiff::Timestamp {
    now.instant()
        .checked_add(lifetime)
        .unwrap_or(jiff::Timestamp::MAX)
}

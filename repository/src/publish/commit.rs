//! Signing a set of documents and making it current.

use std::sync::Arc;

use jiff::SignedDuration;
use sealift_metadata::signer::Signer;
use sealift_metadata::time::TrustedTime;
use sealift_metadata::timestamp::MetaFile;
use sealift_metadata::trust::TrustedRepository;
use sealift_metadata::uptane::ImageProfile;
use serde_json::Value;

use super::{PublishError, Published, Publisher, TargetMap};
use crate::draft;
use crate::paths;
use crate::store::Written;
use crate::walk::{Overlay, Walk, walk_over};

/// How many leftover files in a row a publisher steps over.
const MAX_LEFTOVERS: u32 = 1024;

/// Signed versioned files that are in the store, and the Snapshot that a Timestamp has yet to name.
#[derive(Debug)]
pub(super) struct SignedSet {
    /// New files by name.
    pub(super) files: Overlay,
    /// The Snapshot to be named.
    pub(super) snapshot: MetaFile,
}

impl Publisher {
    /// Every object that a new or changed target names has to be in the store before the target is.
    pub(super) async fn check_objects(&self, before: &TargetMap, after: &TargetMap) -> Result<(), PublishError> {
        for (path, file) in after.iter().filter(|(path, file)| before.get(*path) != Some(*file)) {
            self.check_object(&paths::target(path, &file.sha256)?, file.length).await?;
            let Some(profile) = file.custom.as_ref().and_then(|custom| custom.get(ImageProfile::FIELD)) else { continue };
            let profile = ImageProfile::parse(profile)
                .map_err(|source| PublishError::BadTarget { path: path.to_string(), source })?;
            if let Some(segments) = profile.segments {
                self.check_object(&paths::segments(&segments.sha256)?, segments.length).await?;
            }
        }
        Ok(())
    }

    async fn check_object(&self, path: &crate::StorePath, length: u64) -> Result<(), PublishError> {
        let missing = |found| PublishError::MissingObject { path: path.to_string(), found };
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
        let (version, bytes) = self
            .store_version("targets", from, &self.signers.targets, |version| {
                draft::targets(Some(current.signed()), targets, version, expires)
            })
            .await?;
        let meta = MetaFile::of(version, &bytes);
        let mut set = self.sign_snapshot(&base.repository, Some(meta), now).await?;
        set.files.insert(format!("{version}.targets.json"), bytes);
        Ok(set)
    }

    /// Signs and stores a Snapshot that names `targets`, or what the current one names.
    pub(super) async fn sign_snapshot(
        &self,
        current: &TrustedRepository,
        targets: Option<MetaFile>,
        now: TrustedTime,
    ) -> Result<SignedSet, PublishError> {
        let mut meta = current.snapshot().role().meta().clone();
        meta.extend(targets.map(|targets| ("targets.json".to_owned(), targets)));
        let expires = expiry(now, self.lifetimes.snapshot);
        let from = online_version(current.snapshot().version(), now);
        let before = current.snapshot().signed();
        let (version, bytes) = self
            .store_version("snapshot", from, &self.signers.snapshot, |version| {
                draft::snapshot(Some(before), &meta, version, expires)
            })
            .await?;
        let snapshot = MetaFile::of(version, &bytes);
        Ok(SignedSet { files: Overlay::from([(format!("{version}.snapshot.json"), bytes)]), snapshot })
    }

    /// Signs the first version of a role from `from` on whose name is free, and stores it there.
    ///
    /// A name that is taken belongs to someone: another publisher at work, or one that was killed. Both are stepped over.
    pub(super) async fn store_version(
        &self,
        role: &'static str,
        from: u64,
        signers: &[Arc<dyn Signer>],
        draft: impl Fn(u64) -> Value,
    ) -> Result<(u64, Vec<u8>), PublishError> {
        for step in 0..MAX_LEFTOVERS {
            let version = from.saturating_add(u64::from(step));
            let path = paths::metadata(&format!("{version}.{role}.json"))?;
            if self.store.size(&path).await?.is_some() {
                continue;
            }
            let bytes = sign(role, draft(version), signers).await?;
            if let Written::Ours(_) = self.store.create_exact(&path, bytes.clone()).await? {
                return Ok((version, bytes));
            }
        }
        Err(PublishError::Littered { role, tried: MAX_LEFTOVERS })
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
        let version = online_version(current.version(), now);
        let expires = expiry(now, self.lifetimes.timestamp);
        let value = draft::timestamp(Some(current.signed()), &set.snapshot, version, expires);
        let bytes = sign("timestamp", value, &self.signers.timestamp).await?;
        let mut overlay = set.files;
        overlay.insert(paths::TIMESTAMP.to_owned(), bytes.clone());
        let walked = walk_over(&self.store, &overlay, &base.trust, now, self.limits).await;
        let walked = walked.map_err(PublishError::Unacceptable)?;
        let Some((seen, _)) = &base.timestamp else {
            return Err(PublishError::Equivocation { version: current.version() });
        };
        match self.store.replace_exact(&paths::metadata(paths::TIMESTAMP)?, bytes, seen).await? {
            Written::Theirs => Ok(None),
            Written::Ours(_) => {
                self.trust = walked.trust;
                Ok(Some(Published { repository: walked.repository, changed: true, overtaken }))
            }
        }
    }
}

/// Signs with all of `signers`.
pub(super) async fn sign(
    role: &'static str,
    signed: Value,
    signers: &[Arc<dyn Signer>],
) -> Result<Vec<u8>, PublishError> {
    if signers.is_empty() {
        return Err(PublishError::NoSigner { role });
    }
    draft::sign(signed, signers).await.map_err(|source| PublishError::Sign { role, source })
}

/// The instant of expiry, in whole seconds as documents have it.
pub(super) fn expiry(now: TrustedTime, lifetime: SignedDuration) -> jiff::Timestamp {
    now.instant().checked_add(lifetime).unwrap_or(jiff::Timestamp::MAX)
}

/// Versions of roles that are signed online never go back, not even when the store is restored from an old copy: they
/// follow the minutes since 1970.
pub(super) fn online_version(current: u64, now: TrustedTime) -> u64 {
    let minutes = u64::try_from(now.instant().as_second() / 60).unwrap_or(0);
    current.saturating_add(1).max(minutes)
}

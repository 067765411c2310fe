//! The checks of a refresh, under its root, its kind of repository and its time.

use super::Refresh;
use crate::document::{Document, Role, Verified};
use crate::fields::wrong;
use crate::role_file::RoleFile;
use crate::root::RoleName;
use crate::targets::Targets;
use crate::timestamp::{MetaFile, Timestamp};
use crate::trust::load::{check_expiry, check_vehicle, load};
use crate::trust::{RepositoryKind, TrustError};
use crate::uptane;

impl Refresh {
    pub(super) fn file_name(&self, role: RoleName, version: u64) -> String {
        let versioned = self.root.role().consistent_snapshot();
        RoleFile::Top(role).requested(versioned.then_some(version))
    }

    pub(super) fn verify<R: Role>(
        &self,
        name: &str,
        bytes: &[u8],
        role: RoleName,
    ) -> Result<Verified<R>, TrustError> {
        load(name, bytes, self.root.role().keys(role))
    }

    /// A stored document, if it is still good under the current root. Its expiry is not looked at: it is a floor.
    pub(super) fn stored<R: Role>(&self, bytes: Option<&[u8]>, role: RoleName) -> Option<Verified<R>> {
        let document = self.verify::<R>("stored", bytes?, role).ok()?;
        self.check_vehicle("stored", &document).ok()?;
        Some(document)
    }

    /// Whether a stored document is the announced one and can be used as it is.
    pub(super) fn is_current<R: Role>(&self, stored: &Verified<R>, meta: &MetaFile) -> bool {
        stored.version() == meta.version
            && meta.describes(stored.bytes())
            && !self.now.is_past(stored.expires())
    }

    pub(super) fn check_expiry<R: Role>(&self, name: &str, document: &Verified<R>) -> Result<(), TrustError> {
        check_expiry(name, document, self.now)
    }

    /// That a Timestamp lists a hash of the Snapshot where Uptane wants one (5.2.5).
    pub(super) fn check_hashes(&self, name: &str, timestamp: &Timestamp) -> Result<(), TrustError> {
        match &self.kind {
            RepositoryKind::Image | RepositoryKind::Director { .. }
                if timestamp.snapshot().hashes.is_none() =>
            {
                let at = "signed.meta.snapshot.json.hashes";
                let error = wrong(at, "at least one hash is expected in a repository of Uptane");
                Err(TrustError::format(name, error))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn check_vehicle<R: Role>(
        &self,
        name: &str,
        document: &Document<R>,
    ) -> Result<(), TrustError> {
        check_vehicle(name, document, &self.kind)
    }

    pub(super) fn check_kind(&self, name: &str, targets: &Verified<Targets>) -> Result<(), TrustError> {
        match &self.kind {
            RepositoryKind::Plain | RepositoryKind::Image => Ok(()),
            RepositoryKind::Director { ecus, .. } => uptane::check_director(name, targets.role(), ecus),
        }
    }
}

//! The checks that all roles share.

use super::Refresh;
use crate::document::{Document, Role, Verified};
use crate::fields::wrong;
use crate::role_file::RoleFile;
use crate::root::RoleName;
use crate::targets::Targets;
use crate::threshold::RoleKeys;
use crate::timestamp::{MetaFile, Timestamp};
use crate::trust::{Attack, Fault, RepositoryKind, TrustError};
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
        let expires = document.expires();
        if self.now.is_past(expires) {
            return Err(TrustError::new(
                name,
                Attack::Freeze,
                Fault::Expired {
                    expires,
                    now: self.now.instant(),
                },
            ));
        }
        Ok(())
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
        match &self.kind {
            RepositoryKind::Plain | RepositoryKind::Image => Ok(()),
            RepositoryKind::Director { vehicle_id, .. } => {
                uptane::check_vehicle(name, document.signed(), vehicle_id)
            }
        }
    }

    pub(super) fn check_kind(&self, name: &str, targets: &Verified<Targets>) -> Result<(), TrustError> {
        match &self.kind {
            RepositoryKind::Plain | RepositoryKind::Image => Ok(()),
            RepositoryKind::Director { ecus, .. } => uptane::check_director(name, targets.role(), ecus),
        }
    }
}

/// The one path by which a role document is loaded: parse, then count signatures.
pub(super) fn load<R: Role>(name: &str, bytes: &[u8], keys: &RoleKeys) -> Result<Verified<R>, TrustError> {
    parse::<R>(name, bytes)?
        .verify(keys)
        .map_err(|e| TrustError::threshold(name, e))
}

pub(super) fn parse<R: Role>(name: &str, bytes: &[u8]) -> Result<Document<R>, TrustError> {
    Document::parse(bytes).map_err(|e| TrustError::format(name, e))
}

pub(super) fn older(name: &str, found: u64, trusted: u64) -> TrustError {
    TrustError::new(name, Attack::Rollback, Fault::Older { found, trusted })
}

pub(super) fn check_version(name: &str, found: u64, wanted: u64) -> Result<(), TrustError> {
    if found == wanted {
        return Ok(());
    }
    Err(TrustError::new(
        name,
        Attack::MixAndMatch,
        Fault::OtherVersion { found, wanted },
    ))
}

pub(super) fn check_length(name: &str, bytes: &[u8], limit: u64) -> Result<(), TrustError> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        return Ok(());
    }
    Err(TrustError::new(
        name,
        Attack::EndlessData,
        Fault::TooLong { limit },
    ))
}

pub(super) fn check_bytes(name: &str, bytes: &[u8], meta: &MetaFile) -> Result<(), TrustError> {
    if meta.describes(bytes) {
        return Ok(());
    }
    Err(TrustError::new(name, Attack::MixAndMatch, Fault::OtherBytes))
}

/// How many bytes to ask for: the announced length if there is one, never more than the cap.
pub(super) fn announced_limit(name: &str, meta: &MetaFile, cap: u64) -> Result<u64, TrustError> {
    match meta.length {
        Some(length) if length > cap => Err(TrustError::new(
            name,
            Attack::EndlessData,
            Fault::TooLong { limit: cap },
        )),
        Some(length) => Ok(length),
        None => Ok(cap),
    }
}

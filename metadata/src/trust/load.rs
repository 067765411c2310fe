//! The checks that all documents share, whoever asks for them.

use crate::document::{Document, Role, Verified};
use crate::targets::Targets;
use crate::threshold::RoleKeys;
use crate::time::TrustedTime;
use crate::timestamp::MetaFile;
use crate::trust::{Attack, Fault, RepositoryKind, TrustError};
use crate::uptane;

/// The one path by which a fetched Targets document becomes trusted, top-level or delegated: `keys` are those of the root or of
/// the delegating document, `meta` is its line in the Snapshot, `stored` the last one of the same role.
pub(in crate::trust) fn load_targets(
    name: &str,
    bytes: &[u8],
    keys: &RoleKeys,
    meta: &MetaFile,
    stored: Option<&Verified<Targets>>,
    (kind, now): (&RepositoryKind, TrustedTime),
) -> Result<Verified<Targets>, TrustError> {
    check_bytes(name, bytes, meta)?;
    let next = load::<Targets>(name, bytes, keys)?;
    check_vehicle(name, &next, kind)?;
    check_version(name, next.version(), meta.version)?;
    if let Some(stored) = stored
        && next.version() < stored.version()
    {
        return Err(older(name, next.version(), stored.version()));
    }
    check_expiry(name, &next, now)?;
    Ok(next)
}

/// The one path by which a role document is loaded: parse, then count signatures.
pub(in crate::trust) fn load<R: Role>(
    name: &str,
    bytes: &[u8],
    keys: &RoleKeys,
) -> Result<Verified<R>, TrustError> {
    parse::<R>(name, bytes)?
        .verify(keys)
        .map_err(|e| TrustError::threshold(name, e))
}

pub(in crate::trust) fn parse<R: Role>(name: &str, bytes: &[u8]) -> Result<Document<R>, TrustError> {
    Document::parse(bytes).map_err(|e| TrustError::format(name, e))
}

pub(in crate::trust) fn older(name: &str, found: u64, trusted: u64) -> TrustError {
    TrustError::new(name, Attack::Rollback, Fault::Older { found, trusted })
}

pub(in crate::trust) fn check_version(name: &str, found: u64, wanted: u64) -> Result<(), TrustError> {
    if found == wanted {
        return Ok(());
    }
    Err(TrustError::new(
        name,
        Attack::MixAndMatch,
        Fault::OtherVersion { found, wanted },
    ))
}

pub(in crate::trust) fn check_length(name: &str, bytes: &[u8], limit: u64) -> Result<(), TrustError> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        return Ok(());
    }
    Err(TrustError::new(
        name,
        Attack::EndlessData,
        Fault::TooLong { limit },
    ))
}

pub(in crate::trust) fn check_bytes(name: &str, bytes: &[u8], meta: &MetaFile) -> Result<(), TrustError> {
    if meta.describes(bytes) {
        return Ok(());
    }
    Err(TrustError::new(name, Attack::MixAndMatch, Fault::OtherBytes))
}

/// How many bytes to ask for: the announced length if there is one, never more than the cap.
pub(in crate::trust) fn announced_limit(name: &str, meta: &MetaFile, cap: u64) -> Result<u64, TrustError> {
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

pub(in crate::trust) fn check_expiry<R: Role>(
    name: &str,
    document: &Verified<R>,
    now: TrustedTime,
) -> Result<(), TrustError> {
    let expires = document.expires();
    if !now.is_past(expires) {
        return Ok(());
    }
    let now = now.instant();
    Err(TrustError::new(
        name,
        Attack::Freeze,
        Fault::Expired { expires, now },
    ))
}

pub(in crate::trust) fn check_vehicle<R: Role>(
    name: &str,
    document: &Document<R>,
    kind: &RepositoryKind,
) -> Result<(), TrustError> {
    match kind {
        RepositoryKind::Plain | RepositoryKind::Image => Ok(()),
        RepositoryKind::Director { vehicle_id, .. } => {
            uptane::check_vehicle(name, document.signed(), vehicle_id)
        }
    }
}

//! Drives the metadata crate's refresh of one repository: fetches what it asks for, stores what it has verified.

use std::io;
use std::path::Path;

use sealift_metadata::TrustedTime;
use sealift_metadata::trust::{
    Fault, Limits, Refresh, RepositoryKind, Request, Response, Step, TrustError, TrustStore,
    TrustedRepository,
};

use crate::durable;
use crate::error::{CycleError, LocalError, Refusal};
use crate::events::Event;
use crate::layout::{Layout, Repository};
use crate::transport::{Found, Transport};

/// Verifies the newest metadata of `repository` (Uptane 5.4.4.2).
///
/// Only an HTTP 404 counts as "there is no such file"; any other failure ends the cycle. Each document is stored as soon
/// as it is verified, so a cycle that ends early loses nothing and a later one cannot be taken back behind it.
pub(crate) async fn refresh(
    transport: &Transport<'_>,
    layout: &Layout,
    repository: Repository,
    kind: RepositoryKind,
    now: TrustedTime,
) -> Result<TrustedRepository, CycleError> {
    let limits = match repository {
        Repository::Director => Limits::DIRECTOR,
        Repository::Image => Limits::IMAGE,
    };
    let store = stored(layout, repository, limits)?;
    let mut refresh =
        Refresh::start(store, kind, limits, now).map_err(|error| refused(layout, repository, error))?;
    loop {
        match refresh
            .step()
            .map_err(|error| refused(layout, repository, error))?
        {
            Step::Fetch(request) => refresh.supply(fetch(transport, repository, &request).await?),
            Step::Store { name, bytes } => {
                let path = layout.trust(repository, name);
                durable::replace(&path, &bytes).map_err(|error| LocalError::io(&path, error))?;
                transport
                    .emit(Event::MetadataStored {
                        repository: repository.name(),
                        file: name.to_owned(),
                    })
                    .await;
            }
            Step::Remove { name } => {
                let path = layout.trust(repository, name);
                durable::remove(&path).map_err(|error| LocalError::io(&path, error))?;
            }
            Step::Done(trusted) => {
                transport
                    .emit(Event::MetadataVerified {
                        repository: repository.name(),
                    })
                    .await;
                return Ok(*trusted);
            }
        }
    }
}

/// The repository's answer. The name stands in the URL as it is.
pub(crate) async fn fetch(
    transport: &Transport<'_>,
    repository: Repository,
    request: &Request,
) -> Result<Response, CycleError> {
    let path = format!("/{}/{}", repository.url_prefix(), request.name);
    Ok(match transport.get(&path, request.max_bytes).await? {
        Found::Bytes(bytes) => Response::Found(bytes),
        Found::NotFound => Response::NotFound,
    })
}

/// A file that was stored before.
pub(crate) fn recall(path: &Path, max_bytes: u64) -> Result<Option<Vec<u8>>, LocalError> {
    match durable::read_capped(path, max_bytes) {
        // Too long to be metadata: as good as missing.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
        read => read.map_err(|error| LocalError::io(path, error)),
    }
}

fn stored(layout: &Layout, repository: Repository, limits: Limits) -> Result<TrustStore, LocalError> {
    let read = |name: &str, max_bytes| recall(&layout.trust(repository, name), max_bytes);
    let root = read("root.json", limits.root)?;
    Ok(TrustStore {
        root: root.ok_or_else(|| LocalError::TrustMissing(layout.trust(repository, "root.json")))?,
        timestamp: read("timestamp.json", limits.timestamp)?,
        snapshot: read("snapshot.json", limits.snapshot)?,
        targets: read("targets.json", limits.targets)?,
    })
}

fn refused(layout: &Layout, repository: Repository, error: TrustError) -> CycleError {
    if matches!(error.fault(), Fault::StoredRoot(_)) {
        let path = layout.trust(repository, "root.json");
        return LocalError::TrustDamaged {
            path,
            source: Box::new(error),
        }
        .into();
    }
    let detail = format!("metadata of the {} repository", repository.name());
    Refusal::new(error.attack(), detail).because(error).into()
}

//! The full client workflow over a store: the only way in which this crate comes to believe anything that it holds.

use std::collections::BTreeMap;

use sealift_metadata::time::TrustedTime;
use sealift_metadata::trust::{
    Fault, Limits, Refresh, RepositoryKind, Request, Response, Step, TrustError, TrustStore,
    TrustedRepository,
};

use crate::backend::Version;
use crate::error::StoreError;
use crate::paths;
use crate::store::Store;

/// Expired documents that an author may meet in one walk: root, timestamp, snapshot, targets.
const MAX_EXPIRED: usize = 4;

/// The repository was not walked to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalkError {
    /// The repository's metadata are not to be trusted.
    #[error("the repository's metadata do not verify; do not publish over them before it is clear why")]
    Trust(#[from] TrustError),
    /// The store failed while `name` was read.
    #[error("{name}: could not be read from the store")]
    Store {
        /// The metadata file.
        name: String,
        /// How.
        source: StoreError,
    },
}

/// A walk that reached its end.
#[derive(Clone, Debug)]
pub struct Walk {
    /// What is trusted.
    pub repository: TrustedRepository,
    /// The raw bytes to remember for the next walk: the floor below which nothing is accepted.
    pub trust: TrustStore,
    /// State and bytes of `timestamp.json` in the store, if it came from there.
    pub(crate) timestamp: Option<(Version, Vec<u8>)>,
}

/// Walks the Image repository in `store` as a vehicle would, starting from what `trust` holds.
///
/// # Errors
/// [`WalkError`]; only an absent file counts as absent, every other failure of the store ends the walk.
pub async fn trust_walk(
    store: &Store,
    trust: &TrustStore,
    now: TrustedTime,
    limits: Limits,
) -> Result<TrustedRepository, WalkError> {
    walk(store, trust, now, limits).await.map(|walk| walk.repository)
}

/// As [`trust_walk`], and returns what to remember.
///
/// # Errors
/// As [`trust_walk`].
pub async fn walk(
    store: &Store,
    trust: &TrustStore,
    now: TrustedTime,
    limits: Limits,
) -> Result<Walk, WalkError> {
    walk_over(store, &Overlay::default(), trust, now, limits).await
}

/// As [`walk`] for someone who is about to sign: what has expired is accepted, because only signing repairs it.
///
/// # Errors
/// As [`walk`].
pub async fn walk_to_sign(
    store: &Store,
    trust: &TrustStore,
    now: TrustedTime,
    limits: Limits,
) -> Result<Walk, WalkError> {
    walk_as_author(store, &Overlay::default(), trust, now, limits).await
}

/// Metadata files that are signed but not in the store yet: a walk over them shows what clients will make of them.
pub(crate) type Overlay = BTreeMap<String, Vec<u8>>;

/// As [`walk`], with `overlay` in front of the store.
pub(crate) async fn walk_over(
    store: &Store,
    overlay: &Overlay,
    trust: &TrustStore,
    now: TrustedTime,
    limits: Limits,
) -> Result<Walk, WalkError> {
    let mut trust = trust.clone();
    let mut timestamp = None;
    let mut refresh = Refresh::start(trust.clone(), RepositoryKind::Image, limits, now)?;
    loop {
        match refresh.step()? {
            Step::Fetch(request) => {
                if let Some(bytes) = overlay.get(&request.name) {
                    refresh.supply(Response::Found(bytes.clone()));
                    continue;
                }
                let (response, version) = ask(store, &request).await?;
                if let (Response::Found(bytes), Some(version)) = (&response, version)
                    && request.name == paths::TIMESTAMP
                {
                    timestamp = Some((version, bytes.clone()));
                }
                refresh.supply(response);
            }
            Step::Store { name, bytes } => remember(&mut trust, name, Some(bytes)),
            Step::Remove { name } => remember(&mut trust, name, None),
            Step::Done(repository) => {
                return Ok(Walk {
                    repository: *repository,
                    trust,
                    timestamp,
                });
            }
        }
    }
}

/// The store's answer to a request, and the state of the file that it is, if it is one.
pub(crate) async fn ask(store: &Store, request: &Request) -> Result<(Response, Option<Version>), WalkError> {
    // What no store can hold, no repository has.
    let Ok(path) = paths::metadata(&request.name) else {
        return Ok((Response::NotFound, None));
    };
    match store.read(&path, request.max_bytes).await {
        Ok(None) => Ok((Response::NotFound, None)),
        Ok(Some(stored)) => Ok((Response::Found(stored.bytes.to_vec()), Some(stored.version))),
        // Not the store's fault but the repository's: one byte too many says so, whatever the bytes.
        Err(StoreError::TooLarge { max_bytes, .. }) => {
            let length = usize::try_from(max_bytes.saturating_add(1)).unwrap_or(usize::MAX);
            Ok((Response::Found(vec![0; length]), None))
        }
        Err(source) => Err(WalkError::Store {
            name: request.name.clone(),
            source,
        }),
    }
}

/// As [`walk_over`] for someone who is about to sign: what has expired is accepted, because only signing repairs it.
///
/// Time serves a walk for nothing but expiry, so the walk is repeated at the instant before the expiry that stopped it.
pub(crate) async fn walk_as_author(
    store: &Store,
    overlay: &Overlay,
    trust: &TrustStore,
    now: TrustedTime,
    limits: Limits,
) -> Result<Walk, WalkError> {
    let mut at = now;
    for _ in 0..MAX_EXPIRED {
        match walk_over(store, overlay, trust, at, limits).await {
            Err(WalkError::Trust(error)) => match error.fault() {
                Fault::Expired { expires, .. } if at.is_past(*expires) => {
                    let before = *expires - jiff::SignedDuration::from_secs(1);
                    at = TrustedTime::new(before, now.source());
                }
                _ => return Err(error.into()),
            },
            walked => return walked,
        }
    }
    walk_over(store, overlay, trust, at, limits).await
}

fn remember(trust: &mut TrustStore, name: &str, bytes: Option<Vec<u8>>) {
    match (name, bytes) {
        ("root.json", Some(bytes)) => trust.root = bytes,
        ("timestamp.json", bytes) => trust.timestamp = bytes,
        ("snapshot.json", bytes) => trust.snapshot = bytes,
        ("targets.json", bytes) => trust.targets = bytes,
        _ => {}
    }
}

//! The documents of a repository, put before the rules of other clients.

use sealift_metadata::RoleFile;
use sealift_metadata::ids::DelegatedName;
use sealift_metadata::preflight::{Documents, Found, Profile};
use sealift_metadata::trust::{Limits, TrustedRepository};

use crate::error::StoreError;
use crate::paths;
use crate::store::Store;

/// What these clients would stumble over.
pub(super) async fn judge(
    store: &Store,
    repository: &TrustedRepository,
    clients: &[&'static Profile],
) -> Result<Vec<Found>, StoreError> {
    if clients.is_empty() {
        return Ok(Vec::new());
    }
    let documents = documents(store, repository).await?;
    Ok(clients
        .iter()
        .flat_map(|client| client.judge(&documents))
        .collect())
}

/// Every Root, the other three, the delegated roles that the Snapshot lists, and what is served without a version in its name.
async fn documents(store: &Store, repository: &TrustedRepository) -> Result<Documents, StoreError> {
    let snapshot = repository.snapshot();
    let mut files = vec![
        (
            paths::TIMESTAMP.to_owned(),
            repository.timestamp().bytes().to_vec(),
        ),
        (
            format!("{}.snapshot.json", snapshot.version()),
            snapshot.bytes().to_vec(),
        ),
        (
            format!("{}.targets.json", repository.targets().version()),
            repository.targets().bytes().to_vec(),
        ),
    ];
    let roots = (1..=repository.root().version()).map(|version| format!("{version}.root.json"));
    let listed = snapshot.role().meta().iter();
    let delegated = listed.filter(|(name, _)| name.as_str() != "targets.json");
    let delegated = delegated.filter_map(|(name, file)| {
        let role = DelegatedName::new(name.strip_suffix(".json")?).ok()?;
        Some(RoleFile::Delegated(role).requested(Some(file.version)))
    });
    let unversioned = ["snapshot.json", "targets.json"].map(str::to_owned);
    for name in roots.chain(delegated).chain(unversioned) {
        // A name that no path can have is as absent as a file that is not there.
        let Ok(path) = paths::metadata(&name) else {
            continue;
        };
        match store.read(&path, Limits::IMAGE.targets).await {
            Ok(Some(stored)) => files.push((name, stored.bytes.to_vec())),
            Ok(None) | Err(StoreError::TooLarge { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files.into_iter().collect())
}

//! The object store, opened and proven fit.

use crate::exit::{Code, Failure};
use sealift_repository::{RepositoryUrl, Store, paths};

/// Opens the store at `url`, and refuses one that holds no repository or ignores conditional writes.
///
/// # Errors
/// Exit code 64 for a URL that cannot be used or a place without a repository, 69 for a store that does not answer.
pub async fn open(url: &str) -> Result<Store, Failure> {
    let parsed = RepositoryUrl::parse(url)
        .map_err(|error| Failure::new(Code::Config, "configuration field `repository.url`").because(error))?;
    let store = parsed
        .open()
        .map_err(|error| Failure::new(Code::Config, "configuration field `repository.url`").because(error))?;
    let first_root = paths::metadata("1.root.json")
        .map_err(|error| Failure::new(Code::Internal, "the name of the first root").because(error))?;
    let size = store.size(&first_root).await.map_err(|error| {
        Failure::new(
            Code::Unavailable,
            format!("the store {} does not answer", store.address()),
        )
        .because(error)
    })?;
    if size.is_none() {
        let text = format!(
            "repository.url: there is no Image repository at {url}; make one with `sealift repo init`, or name another place"
        );
        return Err(Failure::new(Code::Config, text));
    }
    store.probe().await.map_err(|error| {
        Failure::new(
            Code::Unavailable,
            format!("the store {} cannot be used", store.address()),
        )
        .because(error)
    })?;
    Ok(store)
}

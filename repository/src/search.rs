//! The search for a target in a repository that was walked, with the store as the place where delegated roles are.

use std::collections::BTreeSet;

use sealift_metadata::trust::{Found, Resolver, Response, SearchStep};
use sealift_metadata::{HardwareId, TargetPath};

use crate::store::Store;
use crate::walk::{WalkError, ask};

/// Looks for `path` as a vehicle would that is to install it on all of this hardware; on none, for those who only look. What a
/// `resolver` over the repository in `store` has read for one target it does not read again for the next.
///
/// # Errors
/// [`WalkError::Trust`] if a role on the way is missing or refused, which says nothing about other targets; [`WalkError::Store`].
pub async fn find(
    store: &Store,
    resolver: &mut Resolver,
    path: &TargetPath,
    hardware: &BTreeSet<HardwareId>,
) -> Result<Option<Found>, WalkError> {
    resolver.search(path.as_str(), hardware);
    loop {
        match resolver.step()? {
            // The store itself is at hand.
            SearchStep::Recall(_) => resolver.supply(Response::NotFound),
            SearchStep::Fetch(request) => {
                let (response, _) = ask(store, &request).await?;
                resolver.supply(response);
            }
            SearchStep::Store { .. } => {}
            SearchStep::Found(found) => return Ok(Some(*found)),
            SearchStep::NotFound => return Ok(None),
        }
    }
}

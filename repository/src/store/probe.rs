//! Does the store keep the conditions that publishing rests on? Asked once, before anything is trusted to it.

use std::sync::atomic::{AtomicU64, Ordering};

use futures::TryStreamExt;

use super::{Store, Written};
use crate::backend::Version;
use crate::error::StoreError;
use crate::path::StorePath;
use crate::paths;

/// How many names are tried when probes that were killed have left theirs.
const NAMES: u64 = 64;
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Store {
    /// Tries create-if-absent, conditional replacement, reading and listing on an object in `private/staging`, and
    /// removes it again.
    ///
    /// # Errors
    /// [`StoreError::IgnoresConditions`] for a store on which two publishers could overwrite each other; else as the
    /// store fails.
    pub async fn probe(&self) -> Result<(), StoreError> {
        let (path, version) = self.probe_object().await?;
        let verdict = self.probe_at(&path, version).await;
        let removed = self.delete(&path).await;
        verdict.and(removed)
    }

    /// A fresh object of our own.
    async fn probe_object(&self) -> Result<(StorePath, Version), StoreError> {
        let mut taken = None;
        for _ in 0..NAMES {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = paths::staging(&format!("probe-{}-{number}", std::process::id()))?;
            match self.create(&path, "one").await {
                Ok(version) => return Ok((path, version)),
                Err(e @ StoreError::AlreadyExists { .. }) => taken = Some(e),
                Err(e) => return Err(e),
            }
        }
        Err(taken.unwrap_or_else(|| StoreError::NotFound {
            path: "probe".to_owned(),
        }))
    }

    async fn probe_at(&self, path: &StorePath, first: Version) -> Result<(), StoreError> {
        let ignores = |what| {
            Err(StoreError::IgnoresConditions {
                store: self.address(),
                what,
            })
        };
        match self.create(path, "two").await {
            Err(StoreError::AlreadyExists { .. }) => {}
            Err(e) => return Err(e),
            Ok(_) => return ignores("create-if-absent overwrote an object"),
        }
        // Whether an answer came or was lost on the way says nothing about conditions.
        let Written::Ours(second) = self.replace_exact(path, "three", &first).await? else {
            return Err(StoreError::Stale {
                path: path.to_string(),
            });
        };
        match self.replace_if(path, "four", &first).await {
            Err(StoreError::Stale { .. }) => {}
            Err(e) => return Err(e),
            Ok(_) => return ignores("a replacement with an outdated entity tag was accepted"),
        }
        match self.read(path, 16).await? {
            Some(found) if found.bytes == "three" && found.version == second => {}
            _ => return ignores("reading did not return what was written last"),
        }
        let listed: Vec<_> = self.list(&paths::staging_folder()).try_collect().await?;
        if !listed.iter().any(|entry| entry.path == *path) {
            return ignores("a listing does not show what was written");
        }
        Ok(())
    }
}

//! A store as the rest of the house uses it: conditional writes that survive lost answers, capped and ranged reads.

mod probe;

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use crate::backend::{Backend, Listed, ReadObject, Stored, UploadId, Version};
use crate::error::StoreError;
use crate::path::StorePath;

/// How many pieces of a stream are under way at once: one with the reader, one coming.
const PIECES_AHEAD: usize = 2;

/// A store of any kind; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    backend: Arc<dyn Backend>,
}

/// What a conditional write that must end with our bytes found.
#[derive(Clone, Debug)]
pub enum Written {
    /// The object holds exactly our bytes, written now or by an earlier try whose answer was lost.
    Ours(Version),
    /// Another writer was first, and the object is something else.
    Theirs,
}

impl Store {
    /// A store on any backend, a decorator for instance.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend }
    }

    /// The backend, to be decorated.
    #[must_use]
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// The store's address for messages, without credentials.
    #[must_use]
    pub fn address(&self) -> String {
        self.backend.address()
    }

    /// Writes `bytes` where nothing was.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] when something is there, whatever its bytes; else as the store fails.
    pub async fn create(&self, path: &StorePath, bytes: impl Into<Bytes>) -> Result<Version, StoreError> {
        self.backend.create(path, bytes.into()).await
    }

    /// Writes `bytes` where nothing was, and when the answer is "exists" or lost, reads back: our exact bytes are success.
    ///
    /// # Errors
    /// As the store fails; the write may have happened if [`StoreError::outcome_unknown`] says so.
    pub async fn create_exact(
        &self,
        path: &StorePath,
        bytes: impl Into<Bytes>,
    ) -> Result<Written, StoreError> {
        let bytes = bytes.into();
        let created = self.backend.create(path, bytes.clone()).await;
        self.settle(path, &bytes, created).await
    }

    /// Replaces the object in the state `seen`.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is in another state or gone; else as the store fails.
    pub async fn replace_if(
        &self,
        path: &StorePath,
        bytes: impl Into<Bytes>,
        seen: &Version,
    ) -> Result<Version, StoreError> {
        self.backend.replace_if(path, bytes.into(), seen).await
    }

    /// Replaces the object in the state `seen`, and when the answer is "changed" or lost, reads back like
    /// [`Store::create_exact`].
    ///
    /// # Errors
    /// As the store fails; the write may have happened if [`StoreError::outcome_unknown`] says so.
    pub async fn replace_exact(
        &self,
        path: &StorePath,
        bytes: impl Into<Bytes>,
        seen: &Version,
    ) -> Result<Written, StoreError> {
        let bytes = bytes.into();
        let replaced = self.backend.replace_if(path, bytes.clone(), seen).await;
        self.settle(path, &bytes, replaced).await
    }

    /// Decides what a conditional write came to.
    async fn settle(
        &self,
        path: &StorePath,
        ours: &Bytes,
        outcome: Result<Version, StoreError>,
    ) -> Result<Written, StoreError> {
        let error = match outcome {
            Ok(version) => return Ok(Written::Ours(version)),
            Err(e) if e.is_conflict() || e.outcome_unknown() => e,
            Err(e) => return Err(e),
        };
        let cap = u64::try_from(ours.len()).unwrap_or(u64::MAX);
        match self.backend.read(path, cap).await {
            Ok(Some(found)) if found.bytes == *ours => Ok(Written::Ours(found.version)),
            Ok(_) | Err(StoreError::TooLarge { .. }) if error.is_conflict() => Ok(Written::Theirs),
            _ => Err(error),
        }
    }

    /// Reads a whole object of at most `max_bytes`; `None` when there is none.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] past the cap, before the rest is read; else as the store fails.
    pub async fn read(&self, path: &StorePath, max_bytes: u64) -> Result<Option<Stored>, StoreError> {
        self.backend.read(path, max_bytes).await
    }

    /// Opens an object of any size for ranged reads; `None` when there is none.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn open(&self, path: &StorePath) -> Result<Option<Object>, StoreError> {
        let opened = self.backend.open(path).await?;
        Ok(opened.map(|inner| Object {
            inner: inner.into(),
            path: path.clone(),
        }))
    }

    /// The length of an object in bytes; `None` when there is none.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn size(&self, path: &StorePath) -> Result<Option<u64>, StoreError> {
        Ok(self.backend.open(path).await?.map(|object| object.size()))
    }

    /// The bytes of `range`, collected; for small ranges, see [`Object::stream`] for large ones.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Truncated`] when the range leaves the object; else as the store fails.
    pub async fn get_range(&self, path: &StorePath, range: Range<u64>) -> Result<Bytes, StoreError> {
        let object = self.open(path).await?.ok_or_else(|| StoreError::NotFound {
            path: path.to_string(),
        })?;
        let mut pieces: Vec<Bytes> = object.stream(range)?.try_collect().await?;
        match pieces.len() {
            0 => Ok(Bytes::new()),
            1 => Ok(pieces.swap_remove(0)),
            _ => Ok(pieces.concat().into()),
        }
    }

    /// Lists everything below a folder, recursively, in no promised order.
    #[must_use]
    pub fn list(&self, folder: &StorePath) -> BoxStream<'_, Result<Listed, StoreError>> {
        self.backend.list(folder)
    }

    /// Removes an object; that it was not there is no error.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn delete(&self, path: &StorePath) -> Result<(), StoreError> {
        self.backend.delete(path).await
    }

    /// Removes the parts of an upload that another process began; that the store does not know it is no error.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn abort_upload(&self, path: &StorePath, id: &UploadId) -> Result<(), StoreError> {
        self.backend.abort_upload(path, id).await
    }
}

/// An object opened for ranged reads; cheap to clone.
#[derive(Clone, Debug)]
pub struct Object {
    inner: Arc<dyn ReadObject>,
    path: StorePath,
}

impl Object {
    /// Length in bytes when it was opened.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.inner.size()
    }

    /// Something that changes when the object is replaced, if the store has such a thing.
    pub(crate) fn state(&self) -> Option<String> {
        self.inner.state()
    }

    /// The bytes of `range` in pieces of 1 MiB (disk) or 4 MiB (S3), the next one fetched while one is consumed.
    /// Reads that range and no more.
    ///
    /// # Errors
    /// [`StoreError::Truncated`] at once when the range leaves the object; items fail as the store fails.
    pub fn stream(
        &self,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, StoreError>>, StoreError> {
        if range.start > range.end || range.end > self.size() {
            let expected = range.end.saturating_sub(range.start);
            return Err(StoreError::Truncated {
                path: self.path.to_string(),
                offset: range.start,
                expected,
            });
        }
        let piece = u64::try_from(self.inner.piece_bytes().max(1)).unwrap_or(u64::MAX);
        let inner = Arc::clone(&self.inner);
        let starts = std::iter::successors(Some(range.start), move |at| at.checked_add(piece));
        let pieces = starts.take_while(move |at| *at < range.end).map(move |at| {
            let inner = Arc::clone(&inner);
            // Never more than piece_bytes, which is a usize.
            let length = usize::try_from(piece.min(range.end.saturating_sub(at))).unwrap_or(usize::MAX);
            async move { inner.read_at(at, length).await }
        });
        Ok(stream::iter(pieces).buffered(PIECES_AHEAD).boxed())
    }
}

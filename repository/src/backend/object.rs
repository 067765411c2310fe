//! A repository on anything that the `object_store` crate speaks: S3 and its relatives, and memory.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, GetResult, ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion,
};

use super::{Backend, Listed, ReadObject, Stored, UploadId, UploadSink, Version, object_upload};
use crate::error::StoreError;
use crate::path::StorePath;

/// Piece length of reads: one request of this size keeps a connection busy without a large buffer.
const READ_PIECE_BYTES: usize = 4 * 1024 * 1024;

/// A store behind the `object_store` traits.
#[derive(Clone)]
pub(crate) struct Object {
    inner: Arc<dyn ObjectStore>,
    /// The same client once more: uploads in parts whose ids outlive the process have a trait of their own.
    pub(super) multipart: Arc<dyn MultipartStore>,
    address: Arc<str>,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl Object {
    pub(crate) fn new<T: ObjectStore + MultipartStore>(client: T, address: &str) -> Self {
        let client = Arc::new(client);
        Self {
            inner: Arc::clone(&client) as Arc<dyn ObjectStore>,
            multipart: client,
            address: address.into(),
        }
    }

    pub(super) async fn put(
        &self,
        path: &StorePath,
        bytes: Bytes,
        mode: PutMode,
    ) -> Result<Version, StoreError> {
        let options = PutOptions {
            mode,
            ..PutOptions::default()
        };
        let put = self.inner.put_opts(&location(path), bytes.into(), options).await;
        let put = put.map_err(|e| fault(path, e))?;
        Ok(Version {
            e_tag: put.e_tag,
            version: put.version,
        })
    }
}

#[async_trait]
impl Backend for Object {
    fn address(&self) -> String {
        self.address.to_string()
    }

    async fn create(&self, path: &StorePath, bytes: Bytes) -> Result<Version, StoreError> {
        self.put(path, bytes, PutMode::Create).await
    }

    async fn replace_if(
        &self,
        path: &StorePath,
        bytes: Bytes,
        seen: &Version,
    ) -> Result<Version, StoreError> {
        let seen = UpdateVersion {
            e_tag: seen.e_tag.clone(),
            version: seen.version.clone(),
        };
        let put = self.put(path, bytes, PutMode::Update(seen)).await;
        put.map_err(|e| match e {
            StoreError::NotFound { path } | StoreError::AlreadyExists { path } => StoreError::Stale { path },
            other => other,
        })
    }

    async fn read(&self, path: &StorePath, max_bytes: u64) -> Result<Option<Stored>, StoreError> {
        let got = match self.inner.get(&location(path)).await {
            Ok(got) => got,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(fault(path, e)),
        };
        let too_large = || StoreError::TooLarge {
            path: path.to_string(),
            max_bytes,
        };
        if got.meta.size > max_bytes {
            return Err(too_large());
        }
        let version = Version {
            e_tag: got.meta.e_tag.clone(),
            version: got.meta.version.clone(),
        };
        let bytes = collect(path, got, max_bytes).await?.ok_or_else(too_large)?;
        Ok(Some(Stored { bytes, version }))
    }

    async fn open(&self, path: &StorePath) -> Result<Option<Box<dyn ReadObject>>, StoreError> {
        match self.inner.head(&location(path)).await {
            Ok(meta) => Ok(Some(Box::new(Opened {
                inner: Arc::clone(&self.inner),
                path: path.clone(),
                size: meta.size,
                e_tag: meta.e_tag,
            }))),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(fault(path, e)),
        }
    }

    fn list(&self, folder: &StorePath) -> BoxStream<'_, Result<Listed, StoreError>> {
        let folder = folder.clone();
        let listed = self.inner.list(Some(&location(&folder)));
        listed
            .map(move |entry| match entry {
                Ok(meta) => Ok(StorePath::parse(meta.location.as_ref()).ok().map(|path| Listed {
                    path,
                    size: meta.size,
                })),
                Err(e) => Err(fault(&folder, e)),
            })
            .try_filter_map(|entry| async move { Ok(entry) })
            .boxed()
    }

    async fn delete(&self, path: &StorePath) -> Result<(), StoreError> {
        match self.inner.delete(&location(path)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(fault(path, e)),
        }
    }

    async fn begin_upload(&self, path: &StorePath, length: u64) -> Result<Box<dyn UploadSink>, StoreError> {
        object_upload::begin(self, path, length).await
    }

    async fn resume_upload(
        &self,
        path: &StorePath,
        length: u64,
        id: &UploadId,
    ) -> Result<Option<Box<dyn UploadSink>>, StoreError> {
        Ok(object_upload::resume(self, path, length, id))
    }

    async fn abort_upload(&self, path: &StorePath, id: &UploadId) -> Result<(), StoreError> {
        object_upload::abort(self, path, id).await
    }
}

/// An object of known size; later reads insist on the same entity tag.
#[derive(Debug)]
struct Opened {
    inner: Arc<dyn ObjectStore>,
    path: StorePath,
    size: u64,
    e_tag: Option<String>,
}

#[async_trait]
impl ReadObject for Opened {
    fn size(&self) -> u64 {
        self.size
    }

    fn state(&self) -> Option<String> {
        self.e_tag.clone()
    }

    fn piece_bytes(&self) -> usize {
        READ_PIECE_BYTES
    }

    async fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, StoreError> {
        let expected = u64::try_from(length).unwrap_or(u64::MAX);
        let short = || StoreError::Truncated {
            path: self.path.to_string(),
            offset,
            expected,
        };
        if length == 0 {
            return Ok(Bytes::new());
        }
        let range = Some(GetRange::Bounded(
            offset..offset.checked_add(expected).ok_or_else(short)?,
        ));
        let options = GetOptions {
            range,
            if_match: self.e_tag.clone(),
            ..GetOptions::default()
        };
        let got = self
            .inner
            .get_opts(&location(&self.path), options)
            .await
            .map_err(|e| fault(&self.path, e))?;
        match collect(&self.path, got, expected).await? {
            Some(bytes) if bytes.len() == length => Ok(bytes),
            _ => Err(short()),
        }
    }
}

/// The bytes of an answer, `None` as soon as they pass the cap, whatever its head promised.
async fn collect(path: &StorePath, got: GetResult, max_bytes: u64) -> Result<Option<Bytes>, StoreError> {
    let promised = got.range.end.saturating_sub(got.range.start).min(max_bytes);
    let cap = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    let mut stream = got.into_stream();
    let first = stream
        .try_next()
        .await
        .map_err(|e| fault(path, e))?
        .unwrap_or_default();
    if u64::try_from(first.len()) == Ok(promised) && first.len() <= cap {
        // One chunk and all of it: no copy. A store that sends more than it promised ends in the branch below.
        return match stream.try_next().await.map_err(|e| fault(path, e))? {
            None => Ok(Some(first)),
            Some(_) => Ok(None),
        };
    }
    let mut bytes = Vec::with_capacity(usize::try_from(promised).unwrap_or(0));
    let mut next = Some(first);
    while let Some(chunk) = next {
        if bytes.len().saturating_add(chunk.len()) > cap {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
        next = stream.try_next().await.map_err(|e| fault(path, e))?;
    }
    Ok(Some(bytes.into()))
}

pub(super) fn location(path: &StorePath) -> Path {
    // The character set of a StorePath is untouched by the store's own escaping.
    Path::from(path.as_str())
}

pub(super) fn fault(path: &StorePath, error: Error) -> StoreError {
    let path = path.to_string();
    match error {
        Error::NotFound { .. } => StoreError::NotFound { path },
        Error::AlreadyExists { .. } => StoreError::AlreadyExists { path },
        Error::Precondition { .. } | Error::NotModified { .. } => StoreError::Stale { path },
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => StoreError::Denied {
            path,
            source: error.into(),
        },
        other => StoreError::Unavailable {
            path,
            source: other.into(),
        },
    }
}

//! An object on S3, a local disk, or anything else that the `object_store` crate speaks.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt};

use super::SourceError;
use super::collect::collect;
use crate::AsyncReadAt;

/// One version of an object on a store.
///
/// Size and entity tag are taken once, by `HEAD`; every range is asked for on condition that the tag is still the same, and
/// the answer's own tag is compared too. An object that is replaced meanwhile is [`SourceError::Replaced`], not a mixture. A
/// store without tags is believed to have but one version; a mixture then fails at its first foreign chunk.
#[derive(Clone)]
pub struct ObjectSource {
    store: Arc<dyn ObjectStore>,
    meta: ObjectMeta,
}

impl ObjectSource {
    /// Asks the store for the object's present version.
    ///
    /// # Errors
    /// [`SourceError::Status`] with 404 if there is none, otherwise [`SourceError::Client`].
    pub async fn open(store: Arc<dyn ObjectStore>, path: &Path) -> Result<Self, SourceError> {
        let meta = store.head(path).await.map_err(fault)?;
        Ok(Self { store, meta })
    }

    async fn range(&self, range: Range<u64>, len: usize) -> Result<Bytes, SourceError> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(range.clone())),
            // A weak tag never matches (RFC 9110 §13.1.1); the answer's tag is compared all the same.
            if_match: self.meta.e_tag.clone().filter(|tag| !tag.starts_with("W/")),
            ..GetOptions::default()
        };
        let answer = self.store.get_opts(&self.meta.location, options).await;
        let answer = answer.map_err(fault)?;
        if answer.meta.size != self.meta.size || answer.meta.e_tag != self.meta.e_tag {
            return Err(SourceError::Replaced);
        }
        if answer.range != range {
            return Err(SourceError::OtherRange);
        }
        collect(answer.into_stream(), len).await
    }
}

#[async_trait]
impl AsyncReadAt for ObjectSource {
    async fn size(&self) -> io::Result<u64> {
        Ok(self.meta.size)
    }

    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        // Some stores clip a range to the object, some refuse it; here both are too short.
        let end = offset.saturating_add(len as u64);
        if len == 0 || end > self.meta.size {
            return match len {
                0 => Ok(Bytes::new()),
                _ => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        Ok(self.range(offset..end, len).await?)
    }
}

fn fault(error: Error) -> SourceError {
    match error {
        Error::Precondition { .. } => SourceError::Replaced,
        Error::NotFound { .. } => SourceError::Status { status: 404 },
        Error::PermissionDenied { .. } => SourceError::Status { status: 403 },
        Error::Unauthenticated { .. } => SourceError::Status { status: 401 },
        error => SourceError::Client(error.into()),
    }
}

impl fmt::Debug for ObjectSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectSource")
            .field("store", &format_args!("{}", self.store))
            .field("meta", &self.meta)
            .finish()
    }
}

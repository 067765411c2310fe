//! Uploads into an object store: small ones in one request, others in parts whose ids outlive the process.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use object_store::multipart::PartId;
use object_store::{Error, MultipartId, PutMode};

use super::object::{Object, fault, location};
use super::{UploadId, UploadSink};
use crate::error::StoreError;
use crate::path::StorePath;

/// Parts are counted and cut as S3 wants them: at most this many, …
const MAX_PARTS: u64 = 10_000;
/// … none but the last below this, …
const PART_BYTES: u64 = 5 * MIB;
/// … and none above 5 GiB, so that an object ends at 48.8 TiB.
const MAX_PART_BYTES: u64 = 5 * 1024 * MIB;
/// What all parts in memory may hold together. Above 48 GiB the parts grow and fewer are held; above 68 GiB two of them
/// are more than this, each a 10 000th of the object.
const MEMORY_BYTES: u64 = 15 * MIB;
const MIB: u64 = 1024 * 1024;

/// Length of the parts of an object of `length` bytes; `None` when it is longer than S3 can hold.
fn part_bytes(length: u64) -> Option<u64> {
    let part = length
        .div_ceil(MAX_PARTS)
        .div_ceil(MIB)
        .saturating_mul(MIB)
        .max(PART_BYTES);
    (part <= MAX_PART_BYTES).then_some(part)
}

fn parts_at_once(part_bytes: u64) -> usize {
    usize::try_from(MEMORY_BYTES / part_bytes).map_or(2, |parts| parts.max(2))
}

/// Begins; an object of a single part needs no multipart upload.
pub(super) async fn begin(
    store: &Object,
    path: &StorePath,
    length: u64,
) -> Result<Box<dyn UploadSink>, StoreError> {
    let (part_bytes, in_memory) = sizes(path, length)?;
    if length <= part_bytes {
        return Ok(Box::new(Whole {
            store: store.clone(),
            path: path.clone(),
            part_bytes: in_memory,
            body: Mutex::default(),
        }));
    }
    let id = store.multipart.create_multipart(&location(path)).await;
    let id = UploadId::new(id.map_err(|e| fault(path, e))?, part_bytes);
    let id = id.ok_or_else(|| StoreError::Unavailable {
        path: path.to_string(),
        source: "the store gave an upload id that is none".into(),
    })?;
    Ok(Box::new(Parts::new(store, path, id, in_memory)))
}

/// Goes on, if this build would cut the object in the same way.
pub(super) fn resume(
    store: &Object,
    path: &StorePath,
    length: u64,
    id: &UploadId,
) -> Option<Box<dyn UploadSink>> {
    let (part_bytes, in_memory) = sizes(path, length).ok()?;
    let same = part_bytes == id.part_bytes() && length > part_bytes;
    same.then(|| Box::new(Parts::new(store, path, id.clone(), in_memory)) as Box<dyn UploadSink>)
}

/// Removes the parts; that there are none is no error.
pub(super) async fn abort(store: &Object, path: &StorePath, id: &UploadId) -> Result<(), StoreError> {
    let id: MultipartId = id.as_str().to_owned();
    match store.multipart.abort_multipart(&location(path), &id).await {
        Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
        Err(e) => Err(fault(path, e)),
    }
}

fn sizes(path: &StorePath, length: u64) -> Result<(u64, usize), StoreError> {
    let too_large = || StoreError::TooLarge {
        path: path.to_string(),
        max_bytes: MAX_PARTS * MAX_PART_BYTES,
    };
    let part = part_bytes(length).ok_or_else(too_large)?;
    Ok((part, usize::try_from(part).map_err(|_| too_large())?))
}

/// A single plain request, made at the end.
#[derive(Debug)]
struct Whole {
    store: Object,
    path: StorePath,
    part_bytes: usize,
    body: Mutex<Bytes>,
}

#[async_trait]
impl UploadSink for Whole {
    fn part_bytes(&self) -> usize {
        self.part_bytes
    }

    fn parts_at_once(&self) -> usize {
        2
    }

    fn id(&self) -> Option<&UploadId> {
        None
    }

    async fn put(&self, _index: u32, part: Bytes) -> Result<String, StoreError> {
        *self.body.lock().unwrap_or_else(PoisonError::into_inner) = part;
        Ok(String::new())
    }

    async fn complete(&self, _receipts: Vec<String>) -> Result<(), StoreError> {
        let body = std::mem::take(&mut *self.body.lock().unwrap_or_else(PoisonError::into_inner));
        self.store
            .put(&self.path, body, PutMode::Overwrite)
            .await
            .map(drop)
    }

    async fn abort(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A multipart upload.
#[derive(Debug)]
struct Parts {
    store: Object,
    path: StorePath,
    part_bytes: usize,
    id: UploadId,
    multipart_id: MultipartId,
}

impl Parts {
    fn new(store: &Object, path: &StorePath, id: UploadId, part_bytes: usize) -> Self {
        Self {
            store: store.clone(),
            path: path.clone(),
            part_bytes,
            multipart_id: id.as_str().to_owned(),
            id,
        }
    }
}

#[async_trait]
impl UploadSink for Parts {
    fn part_bytes(&self) -> usize {
        self.part_bytes
    }

    fn parts_at_once(&self) -> usize {
        parts_at_once(self.id.part_bytes())
    }

    fn id(&self) -> Option<&UploadId> {
        Some(&self.id)
    }

    async fn put(&self, index: u32, part: Bytes) -> Result<String, StoreError> {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let path = location(&self.path);
        let put = self
            .store
            .multipart
            .put_part(&path, &self.multipart_id, index, part.into());
        Ok(put.await.map_err(|e| fault(&self.path, e))?.content_id)
    }

    async fn complete(&self, receipts: Vec<String>) -> Result<(), StoreError> {
        let parts = receipts
            .into_iter()
            .map(|content_id| PartId { content_id })
            .collect();
        let path = location(&self.path);
        let completed = self
            .store
            .multipart
            .complete_multipart(&path, &self.multipart_id, parts);
        completed.await.map(drop).map_err(|e| fault(&self.path, e))
    }

    async fn abort(&self) -> Result<(), StoreError> {
        abort(&self.store, &self.path, &self.id).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_parts_suffice_up_to_the_longest_object() {
        const GIB: u64 = 1024 * MIB;
        for length in [
            0,
            1,
            PART_BYTES,
            5 * GIB + 1,
            MAX_PARTS * PART_BYTES,
            MAX_PARTS * PART_BYTES + 1,
            5 * 1024 * GIB,
            MAX_PARTS * MAX_PART_BYTES,
        ] {
            let part = part_bytes(length).unwrap();
            assert!((PART_BYTES..=MAX_PART_BYTES).contains(&part), "{length}");
            assert!(length.div_ceil(part) <= MAX_PARTS, "{length}");
        }
        assert_eq!(part_bytes(MAX_PARTS * MAX_PART_BYTES + 1), None);
        assert_eq!(part_bytes(u64::MAX), None);
    }

    #[test]
    fn memory_is_bounded_until_parts_must_grow() {
        for (length, parts, part) in [
            (1_u64 << 30, 3, 5),
            (48 << 30, 3, 5),
            (100 << 30, 2, 11),
            (5 << 40, 2, 525),
        ] {
            let found = part_bytes(length).unwrap();
            assert_eq!((parts_at_once(found), found), (parts, part * MIB), "{length}");
        }
    }
}

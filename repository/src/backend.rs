//! The joint to a kind of store: local disk, S3, memory, or a decorator around one of them.
//!
//! # Contract
//! - A write is atomic: readers see the old object or the whole new one, and after `Ok` it survives a power cut as far
//!   as the store can promise that.
//! - [`Backend::create`] and [`Backend::replace_if`] are conditional in the store itself: of several writers with the
//!   same condition one succeeds. A store that cannot do this must fail, never guess.
//! - An error that [`StoreError::outcome_unknown`] may still have had its effect; every other error had none.
//! - Nothing here interprets bytes.

pub(crate) mod disk;
mod disk_upload;
pub(crate) mod object;
mod object_upload;

use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::error::StoreError;
use crate::path::StorePath;

/// Which state of an object was seen; opaque, made by the backend that compares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Entity tag (S3, memory), or a content digest (local disk).
    pub(crate) e_tag: Option<String>,
    /// Version or generation number where the store keeps one.
    pub(crate) version: Option<String>,
}

/// A small object, read whole.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The exact bytes.
    pub bytes: Bytes,
    /// The state that these bytes were, for [`Backend::replace_if`].
    pub version: Version,
}

/// One line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Where the object is.
    pub path: StorePath,
    /// Its length in bytes.
    pub size: u64,
}

/// A kind of store; see the module's contract.
#[async_trait]
pub trait Backend: Debug + Send + Sync + 'static {
    /// The store's address for messages, without credentials.
    fn address(&self) -> String;

    /// Writes `bytes` where nothing was, else [`StoreError::AlreadyExists`].
    async fn create(&self, path: &StorePath, bytes: Bytes) -> Result<Version, StoreError>;

    /// Replaces the object that is in the state `seen`, else [`StoreError::Stale`] (also when it is gone).
    async fn replace_if(&self, path: &StorePath, bytes: Bytes, seen: &Version)
    -> Result<Version, StoreError>;

    /// Reads a whole object of at most `max_bytes`, `None` when there is none.
    async fn read(&self, path: &StorePath, max_bytes: u64) -> Result<Option<Stored>, StoreError>;

    /// Opens an object of any size for ranged reads, `None` when there is none.
    async fn open(&self, path: &StorePath) -> Result<Option<Box<dyn ReadObject>>, StoreError>;

    /// Lists everything below a folder, recursively, in no promised order.
    fn list(&self, folder: &StorePath) -> BoxStream<'_, Result<Listed, StoreError>>;

    /// Removes an object; that it was not there is no error.
    async fn delete(&self, path: &StorePath) -> Result<(), StoreError>;

    /// Begins the upload of `length` bytes; nothing is visible at `path` before [`UploadSink::complete`].
    async fn begin_upload(&self, path: &StorePath, length: u64) -> Result<Box<dyn UploadSink>, StoreError>;

    /// Goes on with an upload of `length` bytes that another process began. `None` where this kind of store keeps no
    /// parts between processes, or would cut the object into other parts today. That the store still knows the upload is
    /// not asked: an operation on one that it does not know fails with [`StoreError::NotFound`].
    async fn resume_upload(
        &self,
        _path: &StorePath,
        _length: u64,
        _id: &UploadId,
    ) -> Result<Option<Box<dyn UploadSink>>, StoreError> {
        Ok(None)
    }

    /// Removes what an upload stored that another process began; that the store does not know it is no error.
    async fn abort_upload(&self, _path: &StorePath, _id: &UploadId) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What another process needs to go on with an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadId {
    id: String,
    part_bytes: u64,
}

impl UploadId {
    /// Longest id, in bytes; S3's have about 130.
    const MAX_BYTES: usize = 2048;

    /// An id that a store gave, or that was written down; `None` unless it is 1 to 2048 printable ASCII characters and
    /// its parts have a length.
    #[must_use]
    pub fn new(id: String, part_bytes: u64) -> Option<Self> {
        let good = (1..=Self::MAX_BYTES).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
        (good && part_bytes > 0).then_some(Self { id, part_bytes })
    }

    /// The store's name for the upload.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.id
    }

    /// Length of every part but the last, in bytes.
    #[must_use]
    pub fn part_bytes(&self) -> u64 {
        self.part_bytes
    }
}

/// An object opened for ranged reads.
#[async_trait]
pub trait ReadObject: Debug + Send + Sync {
    /// Length in bytes when it was opened.
    fn size(&self) -> u64;

    /// Something that changes when the object is replaced, if there is such a thing.
    fn state(&self) -> Option<String> {
        None
    }

    /// The piece length in bytes at which this store reads best; a call of [`ReadObject::read_at`] never asks for more.
    fn piece_bytes(&self) -> usize;

    /// Exactly `length` bytes from `offset`; the caller stays inside [`ReadObject::size`].
    async fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, StoreError>;
}

/// The receiving end of one upload.
///
/// Dropping it removes nothing that the store keeps by [`UploadSink::id`]: that is what another process goes on with.
/// Whatever else it holds vanishes with it.
#[async_trait]
pub trait UploadSink: Debug + Send + Sync {
    /// The length of every part but the last, in bytes.
    fn part_bytes(&self) -> usize;

    /// How many parts may be in memory, the one that is being filled included; 2 at least.
    fn parts_at_once(&self) -> usize;

    /// What another process needs to go on; `None` when it could not.
    fn id(&self) -> Option<&UploadId>;

    /// Takes the part number `index`, counted from 0; parts may come at the same time and in any order. Gives the store's
    /// receipt for it.
    async fn put(&self, index: u32, part: Bytes) -> Result<String, StoreError>;

    /// Makes the object visible, whole and durable, in place of whatever was there. Takes the receipts in order.
    async fn complete(&self, receipts: Vec<String>) -> Result<(), StoreError>;

    /// Gives up and removes what was stored so far.
    async fn abort(&self) -> Result<(), StoreError>;
}

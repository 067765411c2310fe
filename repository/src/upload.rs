//! Uploading an object of any size under the name of its content.

mod error;
mod parts;
mod record;
mod writer;

use std::sync::Arc;

use bytes::BytesMut;
use futures::TryStreamExt;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use self::parts::{PartError, Sending};
use crate::backend::UploadSink;
use crate::error::StoreError;
use crate::path::StorePath;
use crate::store::Store;

pub use error::UploadError;
pub use record::{Earlier, KnownPart, Through, UploadRecord};
pub use writer::UploadWriter;

/// The length and digest of an object's bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// Length in bytes.
    pub length: u64,
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes, sha256 {}", self.length, hex::encode(self.sha256))
    }
}

/// What an upload finds.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "made once for each upload and taken apart at once"
)]
pub enum Upload {
    /// The object is there already, byte for byte; nothing needs to be sent.
    Present,
    /// Send the bytes.
    Needed(ObjectUpload),
}

/// An upload under way.
///
/// Bytes are cut into parts; several are sent at a time while the next is filled, and what is in memory of them is bounded:
/// 15 MiB for S3 up to objects of 68 GiB, above that two parts of a 10 000th of the object each; 8 MiB on disk.
///
/// Dropped before [`ObjectUpload::finish`] it leaves nothing visible. It leaves parts in the store only if it is recorded.
#[derive(Debug)]
pub struct ObjectUpload {
    store: Store,
    path: StorePath,
    announced: Content,
    /// State of the damaged object in its place, which completing must change.
    damaged: Option<String>,
    part_bytes: usize,
    filling: BytesMut,
    sending: Sending,
    over: bool,
    abandon: Abandon,
}

impl ObjectUpload {
    /// Begins to upload `announced` bytes to `path`, unless they are there.
    ///
    /// An object that is there counts only after it was read back and hashed, whatever its length: that happens after a
    /// process died between upload and publication, or when unprotected bytes are published again, and then a look is
    /// cheaper than damage that nobody notices. A damaged one is replaced when the upload completes.
    ///
    /// # Errors
    /// [`UploadError::Store`].
    pub async fn begin(store: &Store, path: StorePath, announced: Content) -> Result<Upload, UploadError> {
        Self::begin_recorded(store, path, announced, None, None).await
    }

    /// As [`ObjectUpload::begin`], written down in `record` as it goes on, and going on where `earlier` ended if the store
    /// keeps such things.
    ///
    /// A recorded upload that ends in an error, or is dropped, stays in the store for another process; only
    /// [`ObjectUpload::abort`] and a changed source remove it. No part is sent that differs from what `earlier` says was
    /// sent in its place; what cannot be compared any more is for the caller to begin anew.
    ///
    /// # Errors
    /// [`UploadError::Store`]; [`UploadError::Gone`] when parts were sent before and the store cannot go on with them.
    pub async fn begin_recorded(
        store: &Store,
        path: StorePath,
        announced: Content,
        record: Option<Arc<dyn UploadRecord>>,
        earlier: Option<Earlier>,
    ) -> Result<Upload, UploadError> {
        let fail = |source| UploadError::Store {
            path: path.to_string(),
            source,
        };
        let present = present(store, &path, announced).await.map_err(fail)?;
        let damaged = match present {
            Present::Whole => {
                if let Some(earlier) = earlier {
                    // Usually the upload that made it; if not, its parts are of no use to anyone.
                    let _ = store.abort_upload(&path, &earlier.id).await;
                }
                return Ok(Upload::Present);
            }
            Present::Damaged(state) => state,
            Present::Absent => None,
        };
        let backend = store.backend();
        let resumed = match &earlier {
            Some(earlier) => {
                let resumed = backend.resume_upload(&path, announced.length, &earlier.id).await;
                resumed.map_err(fail)?
            }
            None => None,
        };
        let (sink, earlier) = match resumed {
            Some(sink) => (Arc::from(sink), earlier),
            None => {
                if let Some(earlier) = earlier {
                    let _ = store.abort_upload(&path, &earlier.id).await;
                    if !earlier.parts.is_empty() {
                        let path = path.to_string();
                        return Err(UploadError::Gone { path });
                    }
                }
                let begun = backend.begin_upload(&path, announced.length).await;
                let sink: Arc<dyn UploadSink> = Arc::from(begun.map_err(fail)?);
                if let Some(id) = sink.id().cloned() {
                    // Parts cannot follow what was not written; the first of them tells.
                    let _ = record::write(record.as_ref(), move |record| record.begun(&id)).await;
                }
                (sink, None)
            }
        };
        // Without an id nothing is there that another process could go on with.
        let record = record.filter(|_| sink.id().is_some());
        let abandon = Abandon {
            // What has no id vanishes with the sink.
            sink: (record.is_none() && sink.id().is_some()).then(|| Arc::clone(&sink)),
        };
        Ok(Upload::Needed(Self {
            store: store.clone(),
            path,
            announced,
            damaged,
            part_bytes: sink.part_bytes().max(1),
            filling: BytesMut::new(),
            sending: Sending::new(sink, record, earlier),
            over: false,
            abandon,
        }))
    }

    /// How many parts an earlier process sent for good; they are compared, and not sent again.
    #[must_use]
    pub fn held_parts(&self) -> usize {
        self.sending.held()
    }

    /// Length of every part but the last, in bytes.
    #[must_use]
    pub fn part_bytes(&self) -> usize {
        self.part_bytes
    }

    /// Takes the next bytes; returns when they are buffered or under way.
    ///
    /// # Errors
    /// [`UploadError::Store`], [`UploadError::Changed`], [`UploadError::Gone`] for this or an earlier part; the upload is then over.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), UploadError> {
        while !bytes.is_empty() {
            let room = self
                .part_bytes
                .saturating_sub(self.filling.len())
                .min(bytes.len());
            let (now, later) = bytes.split_at(room);
            if self.filling.capacity() == 0 {
                self.filling = self.sending.buffer();
                self.filling.reserve(self.part_bytes);
            }
            self.filling.extend_from_slice(now);
            bytes = later;
            if self.filling.len() == self.part_bytes {
                self.send_part().await?;
            }
        }
        Ok(())
    }

    async fn send_part(&mut self) -> Result<(), UploadError> {
        if self.over {
            return Err(UploadError::Over {
                path: self.path.to_string(),
            });
        }
        let part = std::mem::take(&mut self.filling).freeze();
        if let Err(error) = self.sending.send(part).await {
            return Err(self.failed(error).await);
        }
        Ok(())
    }

    /// Ends the upload. One whose source changed is removed from the store, whether recorded or not.
    async fn failed(&mut self, error: PartError) -> UploadError {
        self.over = true;
        self.sending.stop().await;
        let path = self.path.to_string();
        match error {
            PartError::Changed(part) => {
                self.remove().await;
                UploadError::Changed { path, part }
            }
            PartError::Store(StoreError::NotFound { .. }) if self.sending.sink().id().is_some() => {
                UploadError::Gone { path }
            }
            PartError::Store(source) => UploadError::Store { path, source },
        }
    }

    async fn remove(&mut self) {
        self.abandon.sink = None;
        if let Err(error) = self.sending.sink().abort().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(path = %self.path, error, "could not remove an abandoned upload");
        }
    }

    /// Sends the rest, compares length and digest with what was announced, makes the object visible, and asks the store
    /// for its length.
    ///
    /// # Errors
    /// [`UploadError`]; nothing is visible then.
    pub async fn finish(mut self) -> Result<(), UploadError> {
        if !self.filling.is_empty() {
            self.send_part().await?;
        }
        if self.over {
            return Err(UploadError::Over {
                path: self.path.to_string(),
            });
        }
        let arrived = match self.sending.arrive().await {
            Ok(arrived) => arrived,
            Err(error) => return Err(self.failed(error).await),
        };
        let came = Content {
            length: arrived.length,
            sha256: arrived.sha256,
        };
        if came != self.announced {
            self.remove().await;
            return Err(UploadError::Mismatch {
                path: self.path.to_string(),
                announced: self.announced,
                came,
            });
        }
        let completed = self.sending.sink().complete(arrived.receipts).await;
        self.settle(completed).await
    }

    /// Decides what completing came to. A lost answer is no failure, and neither is an upload that is unknown because it
    /// was completed before: what is under a name that only whole objects get decides, unless damage was there before.
    async fn settle(&mut self, completed: Result<(), StoreError>) -> Result<(), UploadError> {
        let path = self.path.to_string();
        let expected = self.announced.length;
        let opened = self.store.open(&self.path).await;
        let unclear = match (completed, opened) {
            (Ok(()), Ok(found)) => {
                self.abandon.sink = None;
                let found = found.map(|object| object.size());
                return match found {
                    Some(size) if size == expected => Ok(()),
                    found => Err(UploadError::NotStored {
                        path,
                        expected,
                        found,
                    }),
                };
            }
            (Ok(()), Err(source)) => return Err(UploadError::Store { path, source }),
            (Err(error), Ok(Some(found))) => {
                let gone = matches!(error, StoreError::NotFound { .. });
                let ours =
                    found.size() == expected && (self.damaged.is_none() || found.state() != self.damaged);
                if ours && (gone || error.outcome_unknown()) {
                    self.abandon.sink = None;
                    return Ok(());
                }
                error
            }
            (Err(error), _) => error,
        };
        match unclear {
            StoreError::NotFound { .. } if self.sending.sink().id().is_some() => {
                Err(UploadError::Gone { path })
            }
            source => Err(UploadError::Store { path, source }),
        }
    }

    /// Gives up and removes what was stored so far, recorded or not.
    ///
    /// # Errors
    /// [`UploadError::Store`] if the store would not; nothing is visible all the same.
    pub async fn abort(mut self) -> Result<(), UploadError> {
        self.sending.stop().await;
        self.abandon.sink = None;
        let aborted = self.sending.sink().abort().await;
        aborted.map_err(|source| UploadError::Store {
            path: self.path.to_string(),
            source,
        })
    }

    /// Wraps the upload for a producer that writes synchronously, on a thread that may block
    /// (`tokio::task::spawn_blocking`).
    #[must_use]
    pub fn into_writer(self, runtime: Handle) -> UploadWriter {
        UploadWriter::new(self, runtime)
    }
}

/// Removes the parts of an upload that nobody finishes and nobody wrote down; they cost money.
#[derive(Debug)]
struct Abandon {
    sink: Option<Arc<dyn UploadSink>>,
}

impl Drop for Abandon {
    fn drop(&mut self) {
        if let (Some(sink), Ok(runtime)) = (self.sink.take(), Handle::try_current()) {
            runtime.spawn(async move { sink.abort().await });
        }
    }
}

/// What is under the name already.
enum Present {
    Absent,
    /// Other bytes, in a state that replacing them changes.
    Damaged(Option<String>),
    Whole,
}

async fn present(store: &Store, path: &StorePath, announced: Content) -> Result<Present, StoreError> {
    let Some(object) = store.open(path).await? else {
        return Ok(Present::Absent);
    };
    let size = object.size();
    if size == announced.length {
        let mut sha256 = Sha256::new();
        let mut pieces = object.stream(0..size)?;
        while let Some(piece) = pieces.try_next().await? {
            sha256.update(&piece);
        }
        if <[u8; 32]>::from(sha256.finalize()) == announced.sha256 {
            return Ok(Present::Whole);
        }
    }
    tracing::warn!(%path, size, expected = announced.length, "replacing a damaged object");
    Ok(Present::Damaged(object.state()))
}

/// Uploads small content that is at hand whole, a segment list for instance, under its name.
///
/// # Errors
/// As [`ObjectUpload`].
pub async fn upload_bytes(store: &Store, path: StorePath, bytes: &[u8]) -> Result<Content, UploadError> {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let content = Content {
        length,
        sha256: Sha256::digest(bytes).into(),
    };
    if let Upload::Needed(mut upload) = ObjectUpload::begin(store, path, content).await? {
        upload.write(bytes).await?;
        upload.finish().await?;
    }
    Ok(content)
}

//! Uploading an object of any size under the name of its content.

use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::backend::UploadSink;
use crate::error::StoreError;
use crate::path::StorePath;
use crate::store::Store;

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

/// An upload came to nothing; nothing of it is visible.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// The bytes were not those that the name promises, so the source changed between two readings.
    #[error(
        "{path}: the bytes are not those announced; the upload was abandoned, check that the source is not being written to"
    )]
    Mismatch {
        /// Path inside the repository.
        path: String,
        /// What was announced.
        announced: Content,
        /// What came.
        came: Content,
    },
    /// The store says that the object has another length than was uploaded.
    #[error("{path}: the store holds {found:?} bytes after an upload of {expected}")]
    NotStored {
        /// Path inside the repository.
        path: String,
        /// Uploaded length in bytes.
        expected: u64,
        /// Stored length in bytes, if there is an object.
        found: Option<u64>,
    },
    /// An earlier error ended this upload.
    #[error("{path}: this upload has already failed")]
    Over {
        /// Path inside the repository.
        path: String,
    },
    /// The store failed.
    #[error("{path}: the upload failed")]
    Store {
        /// Path inside the repository.
        path: String,
        /// How.
        source: StoreError,
    },
}

/// What an upload finds.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "made once for each upload and taken apart at once"
)]
pub enum Upload {
    /// An object of this name and length is there already; nothing needs to be sent.
    Present,
    /// Send the bytes.
    Needed(ObjectUpload),
}

/// An upload under way.
///
/// Holds at most two pieces (2 × 8 MiB on S3, 2 × 4 MiB on disk): one that fills, one that is hashed and sent.
/// Dropped before [`ObjectUpload::finish`] it leaves nothing visible.
#[derive(Debug)]
pub struct ObjectUpload {
    store: Store,
    path: StorePath,
    announced: Content,
    piece_bytes: usize,
    piece: BytesMut,
    state: State,
}

#[derive(Debug)]
enum State {
    Ready(Progress),
    Sending(JoinHandle<Result<Progress, StoreError>>),
    Over,
}

#[derive(Debug)]
struct Progress {
    sink: Box<dyn UploadSink>,
    sha256: Sha256,
    length: u64,
}

impl Progress {
    /// Hashes and sends one piece, both at once.
    async fn send(mut self, piece: Bytes) -> Result<Self, StoreError> {
        let hashed = piece.clone();
        let mut sha256 = self.sha256;
        let hash = spawn_blocking(move || {
            sha256.update(&hashed);
            sha256
        });
        self.length = self
            .length
            .saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        let (hash, sent) = tokio::join!(hash, self.sink.write(piece));
        sent?;
        self.sha256 = hash.map_err(|e| StoreError::io("upload", io::Error::other(e)))?;
        Ok(self)
    }
}

impl ObjectUpload {
    /// Begins to upload `announced` bytes to `path`, unless an object of that length is there.
    ///
    /// The path is named by the content, so an object of the right length is the object; one of another length is
    /// damage, and is replaced when the upload completes.
    ///
    /// # Errors
    /// [`UploadError::Store`].
    pub async fn begin(store: &Store, path: StorePath, announced: Content) -> Result<Upload, UploadError> {
        let fail = |source| UploadError::Store {
            path: path.to_string(),
            source,
        };
        match store.size(&path).await.map_err(fail)? {
            Some(size) if size == announced.length => return Ok(Upload::Present),
            Some(size) => {
                tracing::warn!(%path, size, expected = announced.length, "replacing a damaged object")
            }
            None => {}
        }
        let sink = store.begin_upload(&path, announced.length).await.map_err(fail)?;
        let piece_bytes = sink.piece_bytes().max(1);
        let state = State::Ready(Progress {
            sink,
            sha256: Sha256::new(),
            length: 0,
        });
        Ok(Upload::Needed(Self {
            store: store.clone(),
            path,
            announced,
            piece_bytes,
            piece: BytesMut::new(),
            state,
        }))
    }

    /// Takes the next bytes; returns when they are buffered or under way.
    ///
    /// # Errors
    /// [`UploadError::Store`] for this or an earlier piece; the upload is then over.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), UploadError> {
        while !bytes.is_empty() {
            let room = self.piece_bytes.saturating_sub(self.piece.len()).min(bytes.len());
            let (now, later) = bytes.split_at(room);
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() == self.piece_bytes {
                self.send_piece().await?;
            }
        }
        Ok(())
    }

    async fn send_piece(&mut self) -> Result<(), UploadError> {
        let progress = self.settled().await?;
        let piece = std::mem::replace(&mut self.piece, BytesMut::with_capacity(self.piece_bytes)).freeze();
        self.state = State::Sending(tokio::spawn(progress.send(piece)));
        Ok(())
    }

    /// Waits for the piece under way.
    async fn settled(&mut self) -> Result<Progress, UploadError> {
        let fail = |path: &StorePath, source| UploadError::Store {
            path: path.to_string(),
            source,
        };
        match std::mem::replace(&mut self.state, State::Over) {
            State::Ready(progress) => Ok(progress),
            State::Sending(task) => match task.await {
                Ok(sent) => sent.map_err(|e| fail(&self.path, e)),
                Err(e) => Err(fail(&self.path, StoreError::io(&self.path, io::Error::other(e)))),
            },
            State::Over => Err(UploadError::Over {
                path: self.path.to_string(),
            }),
        }
    }

    /// Sends the rest, compares length and digest with what was announced, makes the object visible, and asks the store
    /// for its length.
    ///
    /// # Errors
    /// [`UploadError::Mismatch`], [`UploadError::NotStored`], [`UploadError::Store`]; nothing is visible then.
    pub async fn finish(mut self) -> Result<(), UploadError> {
        if !self.piece.is_empty() {
            self.send_piece().await?;
        }
        let Progress { sink, sha256, length } = self.settled().await?;
        let path = self.path.to_string();
        let came = Content {
            length,
            sha256: sha256.finalize().into(),
        };
        if came != self.announced {
            if let Err(error) = sink.abort().await {
                tracing::warn!(
                    path,
                    error = &error as &dyn std::error::Error,
                    "could not remove an abandoned upload"
                );
            }
            return Err(UploadError::Mismatch {
                path,
                announced: self.announced,
                came,
            });
        }
        let completed = sink.complete().await;
        // A lost answer is no failure: the length under a name that only whole objects get decides.
        let found = match (completed, self.store.size(&self.path).await) {
            (Ok(()), Ok(found)) => found,
            (Err(e), Ok(Some(found))) if e.outcome_unknown() && found == length => Some(found),
            (Err(source), _) | (Ok(()), Err(source)) => return Err(UploadError::Store { path, source }),
        };
        if found == Some(length) {
            Ok(())
        } else {
            Err(UploadError::NotStored {
                path,
                expected: length,
                found,
            })
        }
    }

    /// Gives up and removes what was stored so far.
    ///
    /// # Errors
    /// [`UploadError::Store`] if the store would not; nothing is visible all the same.
    pub async fn abort(mut self) -> Result<(), UploadError> {
        let progress = self.settled().await?;
        progress.sink.abort().await.map_err(|source| UploadError::Store {
            path: self.path.to_string(),
            source,
        })
    }

    /// Wraps the upload for a producer that writes synchronously, on a thread that may block
    /// (`tokio::task::spawn_blocking`).
    #[must_use]
    pub fn into_writer(self, runtime: Handle) -> UploadWriter {
        UploadWriter {
            upload: self,
            runtime,
        }
    }
}

/// An [`ObjectUpload`] as [`std::io::Write`]. Panics inside an async task, so keep it on a blocking thread.
#[derive(Debug)]
pub struct UploadWriter {
    upload: ObjectUpload,
    runtime: Handle,
}

impl UploadWriter {
    /// The upload, to be finished or aborted.
    #[must_use]
    pub fn into_inner(self) -> ObjectUpload {
        self.upload
    }
}

impl Write for UploadWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.runtime
            .block_on(self.upload.write(bytes))
            .map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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

//! What ends an upload.

use super::Content;
use crate::error::StoreError;

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
    /// Bytes of a part differ from those that an earlier try sent in the same place, so the source changed. They were
    /// not sent.
    #[error(
        "{path}: part {part} is not what was sent before; the upload was abandoned, check that the source is not being written to"
    )]
    Changed {
        /// Path inside the repository.
        path: String,
        /// Number of the part, from 0.
        part: u32,
    },
    /// The store has forgotten the upload: it was aborted, or swept away for its age. It has to begin anew.
    #[error("{path}: the store no longer knows this upload; send the object from its beginning")]
    Gone {
        /// Path inside the repository.
        path: String,
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

//! What can go wrong between a repository and the place where it is stored.

use std::io;

/// The source of a [`StoreError`]: whatever the store's client said.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// A store operation did not happen, or nobody knows whether it did.
///
/// [`StoreError::outcome_unknown`] tells these two apart.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Create-if-absent met an object that is already there.
    #[error("{path}: already exists in the store")]
    AlreadyExists {
        /// Path inside the repository.
        path: String,
    },
    /// A conditional replacement found another version than the one named.
    #[error("{path}: was changed by someone else since it was read; read it again and retry")]
    Stale {
        /// Path inside the repository.
        path: String,
    },
    /// An object that was expected is not there.
    #[error("{path}: not found in the store")]
    NotFound {
        /// Path inside the repository.
        path: String,
    },
    /// An object is longer than the cap of the caller.
    #[error("{path}: longer than the {max_bytes} bytes that are allowed here")]
    TooLarge {
        /// Path inside the repository.
        path: String,
        /// The cap, in bytes.
        max_bytes: u64,
    },
    /// Fewer bytes came than the object's own length promised.
    #[error("{path}: ended early; expected {expected} bytes at offset {offset}")]
    Truncated {
        /// Path inside the repository.
        path: String,
        /// Where reading began, in bytes.
        offset: u64,
        /// How many bytes should have come.
        expected: u64,
    },
    /// The store refused for lack of a credential or a permission.
    #[error("{path}: the store denies access; check its credentials and permissions")]
    Denied {
        /// Path inside the repository.
        path: String,
        /// The store client's words.
        source: BoxError,
    },
    /// The store could not be reached or broke down half-way.
    #[error("{path}: the store is unavailable; try again")]
    Unavailable {
        /// Path inside the repository.
        path: String,
        /// The store client's words.
        source: BoxError,
    },
    /// The local disk failed: full, read-only, broken.
    #[error("{path}: the local disk refused; check free space and permissions")]
    Io {
        /// Path inside the repository.
        path: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The store accepts a write whose condition does not hold, so publishing on it would lose updates.
    #[error(
        "{store}: ignores conditional writes ({what}); use a store that supports If-Match and If-None-Match"
    )]
    IgnoresConditions {
        /// The store, as an address without credentials.
        store: String,
        /// Which condition was ignored.
        what: &'static str,
    },
    /// A name that cannot be a path inside a repository.
    #[error(
        "{name:?}: not a path inside a repository; only letters, digits, '.', '_', '-' and '/' without empty, '.' or '..' parts"
    )]
    BadPath {
        /// The name, as given.
        name: String,
    },
}

impl StoreError {
    /// Whether the operation may have happened although it was reported as failed.
    ///
    /// After such an error the caller reads back before it decides.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Io { .. })
    }

    /// Whether another writer got there first: the condition of a conditional write did not hold.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::AlreadyExists { .. } | Self::Stale { .. })
    }

    /// Wraps an error of the operating system, with the path that it was about.
    pub(crate) fn io(path: impl ToString, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::PermissionDenied => Self::Denied {
                path: path.to_string(),
                source: source.into(),
            },
            _ => Self::Io {
                path: path.to_string(),
                source,
            },
        }
    }
}

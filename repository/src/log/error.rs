//! Why nothing was appended.

use sealift_metadata::keys::KeyId;
use sealift_metadata::signer::SignError;

use super::NoteError;
use crate::error::StoreError;

/// Nothing was appended, or nobody knows; or the log could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// A key of another kind.
    #[error(
        "key {keyid} is not an Ed25519 key, and the log is signed with no other; give one of those for the log"
    )]
    NotEd25519 {
        /// The key.
        keyid: KeyId,
    },
    /// Nobody here can sign.
    #[error("there is no key here to sign the log with")]
    NoSigner,
    /// The signer failed.
    #[error("the log's checkpoint could not be signed")]
    Sign(#[from] SignError),
    /// An act that does not fit into an entry.
    #[error("an entry of the log has at most 65535 bytes; shorten who did it")]
    TooLong,
    /// More acts than go in at once.
    #[error("{count} entries are more than the 256 that are appended at once")]
    TooMany {
        /// How many.
        count: usize,
    },
    /// A checkpoint in the store is not to be believed.
    #[error(
        "{path}: not a checkpoint of this log; find out who wrote it, and verify the log before anything is appended"
    )]
    Untrusted {
        /// Path inside the repository.
        path: String,
        /// Why.
        source: NoteError,
    },
    /// A file of the log is missing or is not what the checkpoint says.
    #[error("{path}: {problem}; verify the log, and bring the file back from a copy")]
    Damaged {
        /// Path inside the repository.
        path: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// Head and checkpoint contradict each other.
    #[error(
        "the log was set back: {public} entries are public, and appenders know of {head} (0: of none) or of others; \
         find out who changed the store"
    )]
    SetBack {
        /// Entries under the public checkpoint.
        public: u64,
        /// Entries under the head.
        head: u64,
    },
    /// Other appenders were faster every time.
    #[error("other publishers wrote to the log first {attempts} times; try again")]
    Contended {
        /// How many times.
        attempts: u32,
    },
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

//! A tamper-evident log of what was signed, in the store itself.
//!
//! The form is that of C2SP: [tlog-tiles](https://c2sp.org/tlog-tiles), [tlog-checkpoint](https://c2sp.org/tlog-checkpoint),
//! [signed-note](https://c2sp.org/signed-note), with Ed25519 and the hashes of RFC 6962, so that other tools can watch it.
//! docs/spec/log-v1.md says what is in it, docs/adr/0017-the-logs-head.md why it is written in this order.
//!
//! Appending is a transaction. The one moment in which entries are in the log is a conditional write of the *head*, a signed
//! checkpoint that only appenders see; before it the new entries are put aside, after it come the tiles, and the public
//! checkpoint last. So what stands under the name of a tile is right for ever, and the public checkpoint never promises a tile
//! that is not there. Who dies after the head leaves work that the next appender finishes.
//!
//! ```text
//! private/log/pending/… ─► private/log/head ─► repo/log/tile/… ─► repo/log/checkpoint
//!        create            replace, or again       create              replace
//! ```
//!
//! # Not guaranteed
//! Of two appenders at once the slower one has signed a checkpoint that nobody will see. Who can set back the whole store
//! hides entries from those who hold no later [`Checkpoint`]. Partial tiles stay after the full one is written.

mod append;
mod checkpoint;
mod entry;
mod error;
mod note;
mod reading;
mod tile;
mod tree;
mod verify;

use std::fmt;
use std::sync::Arc;

use sealift_metadata::ids::RepositoryId;
use sealift_metadata::keys::PublicKey;
use sealift_metadata::signer::Signer;

pub use checkpoint::Checkpoint;
pub use entry::{Act, ActKind};
pub use error::LogError;
pub use note::NoteError;
pub use verify::{LogFinding, LogReport};

use crate::store::Store;
use note::NoteKey;

/// The log of one repository.
#[derive(Clone)]
pub struct Log {
    store: Store,
    origin: String,
    keys: Vec<NoteKey>,
    signer: Option<(NoteKey, Arc<dyn Signer>)>,
}

impl Log {
    /// The log of a repository, to be read. A checkpoint counts when one of `keys` has signed it.
    ///
    /// # Errors
    /// [`LogError::NotEd25519`].
    pub fn new(store: Store, repository: &RepositoryId, keys: &[PublicKey]) -> Result<Self, LogError> {
        let origin = format!("sealift/{repository}");
        let keys = keys.iter().map(|key| note_key(&origin, key));
        Ok(Self {
            keys: keys.collect::<Result<_, _>>()?,
            store,
            origin,
            signer: None,
        })
    }

    /// The same log, to be appended to with this key, which counts as the others do.
    ///
    /// # Errors
    /// [`LogError::NotEd25519`].
    pub fn with_signer(mut self, signer: Arc<dyn Signer>) -> Result<Self, LogError> {
        let key = note_key(&self.origin, signer.public())?;
        self.keys.push(key.clone());
        self.signer = Some((key, signer));
        Ok(self)
    }

    /// The first line of each checkpoint.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The keys that count, as other tools for such logs take them.
    #[must_use]
    pub fn verifiers(&self) -> Vec<String> {
        self.keys.iter().map(NoteKey::verifier).collect()
    }

    /// Reads a checkpoint that was kept.
    ///
    /// # Errors
    /// [`NoteError`] when it is none, another log's, or not signed by one of the keys.
    pub fn checkpoint(&self, bytes: &[u8]) -> Result<Checkpoint, NoteError> {
        Checkpoint::open(bytes, &self.origin, &self.keys)
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("store", &self.store)
            .field("origin", &self.origin)
            .field("signs", &self.signer.is_some())
            .finish_non_exhaustive()
    }
}

fn note_key(origin: &str, key: &PublicKey) -> Result<NoteKey, LogError> {
    NoteKey::new(origin, key).ok_or_else(|| LogError::NotEd25519 {
        keyid: key.keyid().clone(),
    })
}

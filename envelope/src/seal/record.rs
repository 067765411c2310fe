//! What a plan has sealed where: one content key and one place never see two plaintexts.

use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::digest::Digest;
use crate::error::SealError;
use crate::layout::{SEALED_CHUNK_LEN, TAG_LEN};

/// 128 bits of SHA-256 over the tags of a block's chunks.
type Mark = [u8; 16];

/// The blocks that a plan has sealed so far, by any of its runs, finished or not. 16 bytes for each 128 KiB.
///
/// A chunk's tag is a function of plaintext, key and place that nobody without the key can make two plaintexts agree in.
/// The tags are therefore enough to tell another plaintext, before its ciphertext is given out and nonces are repeated.
#[derive(Default)]
pub(super) struct Record {
    marks: Mutex<Vec<Mark>>,
    /// The plaintext of the first whole run.
    plain: OnceLock<Digest>,
}

impl Record {
    /// The record of a plan that was run over this plaintext by another process, which took the marks along.
    pub(super) fn of(plain: Digest) -> Self {
        Self {
            marks: Mutex::default(),
            plain: OnceLock::from(plain),
        }
    }

    /// Holds block `index` against the one that was sealed in its place before. Every run comes by all blocks in order.
    ///
    /// # Errors
    /// [`SealError::OtherPlaintext`]; the block must not be given out.
    pub(super) fn block(&self, index: usize, sealed: &[u8]) -> Result<(), SealError> {
        let mut tags = Sha256::new();
        for chunk in sealed.chunks(SEALED_CHUNK_LEN) {
            tags.update(&chunk[chunk.len().saturating_sub(TAG_LEN)..]);
        }
        let mut mark = Mark::default();
        mark.copy_from_slice(&tags.finalize()[..16]);
        // Nothing can fail while the lock is held, and a mark is there or not.
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        match marks.get(index) {
            Some(before) if *before == mark => Ok(()),
            Some(_) => Err(SealError::OtherPlaintext),
            None => {
                marks.push(mark);
                Ok(())
            }
        }
    }

    /// Holds the whole plaintext against that of the first whole run.
    ///
    /// # Errors
    /// [`SealError::OtherPlaintext`]
    pub(super) fn whole(&self, plain: Digest) -> Result<(), SealError> {
        if *self.plain.get_or_init(|| plain) == plain {
            Ok(())
        } else {
            Err(SealError::OtherPlaintext)
        }
    }
}

/// Marks say nothing to a reader, and there are thousands.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("plain", &self.plain)
            .finish_non_exhaustive()
    }
}

//! What a plan has sealed where: one content key and one place never see two plaintexts.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::error::SealError;
use crate::layout::{SEALED_CHUNK_LEN, TAG_LEN};

/// 128 bits of SHA-256 over the tags of a block's chunks.
type Mark = [u8; 16];

/// The blocks that a plan has sealed so far, by any of its runs, finished or not. 16 bytes for each 128 KiB.
///
/// A chunk's tag is a function of plaintext, key and place that nobody without the key can make two plaintexts agree in.
/// The tags are therefore enough to tell another plaintext, before its ciphertext is given out and nonces are repeated. The
/// last chunk has a nonce and a length of its own, so they tell where a plaintext ends as well.
#[derive(Default)]
pub(super) struct Record(Mutex<Vec<Mark>>);

impl Record {
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
        let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match marks.get(index) {
            Some(before) if *before == mark => Ok(()),
            None if index == marks.len() => {
                marks.push(mark);
                Ok(())
            }
            _ => Err(SealError::OtherPlaintext),
        }
    }
}

/// Marks say nothing to a reader, and there are thousands.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Record")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_in_order() {
        let record = Record::default();
        let sealed = [7; SEALED_CHUNK_LEN];
        for index in [1, usize::MAX] {
            assert!(matches!(
                record.block(index, &sealed),
                Err(SealError::OtherPlaintext)
            ));
        }
        record.block(0, &sealed).unwrap();
        record.block(0, &sealed).unwrap();
        assert!(matches!(
            record.block(0, &[8; 20]),
            Err(SealError::OtherPlaintext)
        ));
        record.block(1, &[8; 20]).unwrap();
        assert_eq!(format!("{record:?}"), "Record");
    }
}

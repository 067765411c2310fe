//! A few opened chunks, and how far to read ahead.

use std::collections::VecDeque;
use std::fmt;

use zeroize::{Zeroize, Zeroizing};

use super::core::{Chunks, RangedCore};
use crate::error::OpenError;
use crate::layout::{CHUNK_LEN, Layout, SEALED_CHUNK_LEN};

/// Chunks in one source read of a reader, at most: 128 KiB of plaintext.
pub(super) const READ_AHEAD_CHUNKS: u64 = 8;
/// Opened chunks that a reader keeps, at most: 192 KiB, beside the last chunk.
pub(super) const CACHE_CHUNKS: usize = 12;

/// Opened chunks, the most recently used first. Each is wiped when it leaves.
#[derive(Default)]
pub(super) struct Cache {
    slots: VecDeque<Slot>,
    ahead: ReadAhead,
}

struct Slot {
    index: u64,
    plain: Zeroizing<Vec<u8>>,
}

/// How long the present run of neighbouring chunks is.
///
/// A read that starts elsewhere gets the chunks that cover it. One that goes on where the chunks read so far end gets up to
/// as many more as the run has had: what is read in vain is never more than what was wanted, nor than 7 chunks.
#[derive(Debug, Default)]
struct ReadAhead {
    next: u64,
    run: u64,
}

/// Whether a miss may read ahead; decided by the first miss of a call, so that the tail of one large read does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ahead {
    Undecided,
    Yes,
    No,
}

impl Cache {
    /// Plaintext from byte `at` to the end of its chunk, if it is here; `None` on a miss. Empty at the end of the image.
    pub(super) fn get<'a>(&'a mut self, core: &'a RangedCore, at: u64) -> Option<&'a [u8]> {
        if at >= core.plain_length() {
            return Some(&[]);
        }
        let index = Layout::chunk_of(at);
        let within = usize::try_from(at % CHUNK_LEN as u64).ok()?;
        if index == core.whole_chunks() {
            return core.last().get(within..);
        }
        let found = self.slots.iter().position(|slot| slot.index == index)?;
        let slot = self.slots.remove(found)?;
        self.slots.push_front(slot);
        self.slots.front()?.plain.get(within..)
    }

    /// What to read for the chunk of byte `at`, which is not here, when `wanted` bytes from there on are asked for.
    pub(super) fn plan(&mut self, core: &RangedCore, at: u64, wanted: usize, ahead: &mut Ahead) -> Chunks {
        let first = Layout::chunk_of(at);
        let end = at.saturating_add(wanted.max(1) as u64);
        let goes_on = self.ahead.run > 0 && self.ahead.next == first;
        if *ahead == Ahead::Undecided {
            *ahead = if goes_on { Ahead::Yes } else { Ahead::No };
        }
        if !goes_on {
            self.ahead.run = 0;
        }
        let covering = end.div_ceil(CHUNK_LEN as u64) - first;
        let count = match ahead {
            Ahead::Yes => covering.max(self.ahead.run),
            _ => covering,
        };
        let count = count.min(READ_AHEAD_CHUNKS).min(core.whole_chunks() - first);
        let known = |index: &u64| self.slots.iter().any(|slot| slot.index == *index);
        // What is here already need not be read again.
        let until = (first..first + count).find(known).unwrap_or(first + count);
        Chunks {
            first,
            count: until - first,
        }
    }

    /// Opens what was read. Chunks before one that does not authenticate stay, since they are genuine.
    ///
    /// # Errors
    /// [`OpenError`] only if the very first chunk fails: a chunk that was merely read ahead must not spoil a read that does
    /// not touch it. The read that does will find it missing, and fail.
    pub(super) fn open(&mut self, core: &RangedCore, chunks: Chunks, sealed: &[u8]) -> Result<(), OpenError> {
        let range = core.sealed_range(chunks);
        let (asked, got) = (range.end - range.start, sealed.len() as u64);
        if asked != got {
            self.failed();
            return Err(OpenError::Answer { asked, got });
        }
        for (index, chunk) in (chunks.first..).zip(sealed.chunks(SEALED_CHUNK_LEN)) {
            let mut plain = self.vacant();
            match core.open_whole(index, chunk, &mut plain) {
                Ok(()) => self.slots.push_front(Slot { index, plain }),
                Err(error) => {
                    self.failed();
                    return if index == chunks.first { Err(error) } else { Ok(()) };
                }
            }
        }
        self.ahead.next = chunks.until();
        self.ahead.run = self.ahead.run.saturating_add(chunks.count);
        Ok(())
    }

    /// After a failure the next read gets what it asks for and no more.
    pub(super) fn failed(&mut self) {
        self.ahead = ReadAhead::default();
    }

    /// A wiped buffer with room for one chunk.
    fn vacant(&mut self) -> Zeroizing<Vec<u8>> {
        if self.slots.len() < CACHE_CHUNKS {
            return Zeroizing::new(Vec::with_capacity(CHUNK_LEN));
        }
        let mut oldest = self.slots.pop_back().map(|slot| slot.plain).unwrap_or_default();
        oldest.zeroize();
        oldest
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chunks: Vec<u64> = self.slots.iter().map(|slot| slot.index).collect();
        f.debug_struct("Cache")
            .field("chunks", &chunks)
            .field("ahead", &self.ahead)
            .finish()
    }
}

//! Sealing without I/O: plaintext is pushed in, sealed bytes come out (§3, §4).

mod plan;
mod record;

use std::fmt;
use std::mem;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::cobblestone::BodyKeys;
use crate::digest::{Digest, DigestCounter, EnvelopeDigest};
use crate::error::SealError;
use crate::layout::{CHUNK_LEN, MAX_PLAIN_LEN, SEALED_CHUNK_LEN};
use crate::segments::{SegmentHasher, SegmentList, SegmentSize};

pub use plan::{InterruptedPlan, SealParams, SealPlan};
use record::Record;

/// Chunks that are sealed and given out together: 128 KiB, so that a block is still in the cache when it is hashed.
pub(crate) const BLOCK_CHUNKS: usize = 8;
const BLOCK_LEN: usize = BLOCK_CHUNKS * CHUNK_LEN;

/// What came out of sealing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The plaintext.
    pub plain: Digest,
    /// The sealed image, header included.
    pub sealed: Digest,
    /// The header, through the commitment.
    pub header: Digest,
    /// Digests of the sealed image's segments.
    pub segments: SegmentList,
    /// Names this sealing.
    pub envelope: EnvelopeDigest,
}

/// The push machine: plaintext in, sealed bytes out, digests at the end.
///
/// It holds back up to 128 KiB, which it gives out once they are known to be what the plan sealed there before, if it did.
#[derive(Debug)]
pub struct Sealer {
    chunks: ChunkSealer,
    plain: DigestCounter,
    sealed: DigestCounter,
    segments: SegmentHasher,
    segment_size: SegmentSize,
    header: Digest,
    envelope: EnvelopeDigest,
}

impl Sealer {
    fn start(plan: &SealPlan) -> Result<Self, SealError> {
        let (alg, segment_size) = plan.segment_kind();
        let mut segments = SegmentHasher::new(alg, segment_size);
        let too_long = |_| SealError::SegmentList { size: segment_size };
        segments.push(plan.header().bytes()).map_err(too_long)?;
        let mut sealed = DigestCounter::default();
        sealed.update(plan.header().bytes());
        Ok(Self {
            chunks: plan.chunk_sealer()?,
            plain: DigestCounter::default(),
            sealed,
            segments,
            segment_size,
            header: plan.header().digest(),
            envelope: plan.envelope_digest(),
        })
    }

    /// Takes plaintext; appends sealed bytes to `out`.
    ///
    /// # Errors
    /// [`SealError`]; the machine is then of no more use, and says so.
    pub fn update(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        let from = out.len();
        self.chunks.update(plain, out)?;
        self.account(plain, &out[from..])
    }

    /// Seals what was held back, and the last, short chunk.
    ///
    /// # Errors
    /// [`SealError::PlainLength`] if less came than was announced; [`SealError::OtherPlaintext`].
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<Sealed, SealError> {
        let from = out.len();
        self.chunks.finish(out)?;
        self.account(&[], &out[from..])?;
        let size = self.segment_size;
        Ok(Sealed {
            plain: self.plain.finish(),
            sealed: self.sealed.finish(),
            header: self.header,
            segments: self
                .segments
                .finish()
                .map_err(|_| SealError::SegmentList { size })?,
            envelope: self.envelope,
        })
    }

    fn account(&mut self, plain: &[u8], sealed: &[u8]) -> Result<(), SealError> {
        DigestCounter::update_both((&mut self.plain, plain), (&mut self.sealed, sealed));
        let size = self.segment_size;
        self.segments
            .push(sealed)
            .map_err(|_| SealError::SegmentList { size })
    }
}

/// Plaintext into chunks, a block of them at a time, without digests.
pub(crate) struct ChunkSealer {
    keys: BodyKeys,
    announced: Option<u64>,
    /// The next chunk.
    next: u64,
    /// Bytes of plaintext so far.
    taken: u64,
    /// Plaintext that does not fill a block yet.
    pending: Zeroizing<Vec<u8>>,
    /// Blocks so far.
    blocks: usize,
    record: Arc<Record>,
    /// A block is missing: nothing may follow.
    failed: bool,
}

impl ChunkSealer {
    fn new(keys: BodyKeys, announced: Option<u64>, record: Arc<Record>) -> Self {
        Self {
            keys,
            announced,
            next: 0,
            taken: 0,
            // Room for all there can be at once: a buffer that grows leaves plaintext behind where it was.
            pending: Zeroizing::new(Vec::with_capacity(BLOCK_LEN)),
            blocks: 0,
            record,
            failed: false,
        }
    }

    pub(crate) fn update(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        self.unless_failed(|sealer| sealer.take(plain, out))
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), SealError> {
        self.unless_failed(|sealer| sealer.end(out))
    }

    fn unless_failed(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<(), SealError>,
    ) -> Result<(), SealError> {
        if self.failed {
            return Err(SealError::Poisoned);
        }
        // Cleared only when all went well.
        self.failed = true;
        work(self)?;
        self.failed = false;
        Ok(())
    }

    fn take(&mut self, mut plain: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        self.taken = self.taken.saturating_add(plain.len() as u64);
        if self.taken > MAX_PLAIN_LEN {
            return Err(SealError::TooLong);
        }
        if let Some(announced) = self.announced.filter(|n| self.taken > *n) {
            return Err(SealError::PlainLength {
                announced,
                found: self.taken,
            });
        }
        if !self.pending.is_empty() {
            let (now, later) = plain.split_at(plain.len().min(BLOCK_LEN - self.pending.len()));
            self.pending.extend_from_slice(now);
            plain = later;
            if self.pending.len() == BLOCK_LEN {
                self.seal_pending(End::No, out)?;
            }
        }
        let mut blocks = plain.chunks_exact(BLOCK_LEN);
        for block in &mut blocks {
            self.seal_block(block, End::No, out)?;
        }
        self.pending.extend_from_slice(blocks.remainder());
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), SealError> {
        if let Some(announced) = self.announced.filter(|n| self.taken != *n) {
            return Err(SealError::PlainLength {
                announced,
                found: self.taken,
            });
        }
        self.seal_pending(End::Yes, out)
    }

    fn seal_pending(&mut self, end: End, out: &mut Vec<u8>) -> Result<(), SealError> {
        let mut pending = mem::take(&mut self.pending);
        let sealed = self.seal_block(&pending, end, out);
        pending.clear();
        self.pending = pending;
        sealed
    }

    /// Appends a block, or nothing.
    fn seal_block(&mut self, plain: &[u8], end: End, out: &mut Vec<u8>) -> Result<(), SealError> {
        let from = out.len();
        out.reserve((plain.len() / CHUNK_LEN + 1) * SEALED_CHUNK_LEN);
        let sealed = self.seal_chunks(plain, end, out);
        let held = sealed.and_then(|()| self.record.block(self.blocks, &out[from..]));
        if held.is_err() {
            out.truncate(from);
        }
        self.blocks += 1;
        held
    }

    fn seal_chunks(&mut self, plain: &[u8], end: End, out: &mut Vec<u8>) -> Result<(), SealError> {
        let mut chunks = plain.chunks_exact(CHUNK_LEN);
        for chunk in &mut chunks {
            self.keys.seal_chunk(self.next, chunk, out)?;
            self.next += 1;
        }
        match end {
            End::No => Ok(()),
            End::Yes => self.keys.seal_chunk(self.next, chunks.remainder(), out),
        }
    }
}

/// Whether the plaintext ends with a block: then a chunk follows that is shorter than the others, and may be empty.
#[derive(Clone, Copy)]
enum End {
    No,
    Yes,
}

/// What is pending is plaintext.
impl fmt::Debug for ChunkSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChunkSealer({} bytes so far, redacted)", self.taken)
    }
}

#[cfg(test)]
mod tests;

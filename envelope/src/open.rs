//! Opening without I/O: sealed bytes are pushed in, authenticated plaintext comes out (§4).

use zeroize::Zeroize as _;

use crate::cobblestone::BodyKeys;
use crate::content_key::ContentKey;
use crate::digest::{Digest, DigestCounter};
use crate::error::OpenError;
use crate::header::Header;
use crate::layout::{CHUNK_LEN, SEALED_CHUNK_LEN};

/// The push machine: body in, plaintext out. What it has put out is genuine, but until [`Opener::finish`] succeeds it may
/// be only the beginning of the image; do not act on it before.
#[derive(Debug)]
pub struct Opener {
    chunks: ChunkOpener,
    plain: DigestCounter,
}

impl Opener {
    /// A machine at the start of the body.
    ///
    /// # Errors
    /// [`OpenError::Commitment`] if `key` is not the one that the header commits to.
    pub fn new(header: &Header, key: ContentKey) -> Result<Self, OpenError> {
        Ok(Self {
            chunks: ChunkOpener::new(header, &key)?,
            plain: DigestCounter::default(),
        })
    }

    /// Takes bytes of the body; appends authenticated plaintext to `out`.
    ///
    /// # Errors
    /// [`OpenError`]; `out` then holds nothing of the chunk that failed, and every later call fails.
    pub fn update(&mut self, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        let from = out.len();
        let result = self.chunks.update(sealed, out);
        self.plain.update(&out[from..]);
        result
    }

    /// Opens the last, short chunk and ends the image.
    ///
    /// # Errors
    /// [`OpenError::Truncated`] if there is no such chunk, [`OpenError::PlainLength`] if the header announced another
    /// length, otherwise as [`Opener::update`].
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<Digest, OpenError> {
        let from = out.len();
        self.chunks.finish(out)?;
        self.plain.update(&out[from..]);
        Ok(self.plain.finish())
    }
}

/// Chunks into plaintext, without a digest.
#[derive(Debug)]
pub(crate) struct ChunkOpener {
    keys: BodyKeys,
    announced: Option<u64>,
    next: u64,
    pending: Vec<u8>,
    failed: bool,
}

impl ChunkOpener {
    pub(crate) fn new(header: &Header, key: &ContentKey) -> Result<Self, OpenError> {
        Ok(Self::from_keys(header.body_keys(key)?, header.plain_length()))
    }

    pub(crate) fn from_keys(keys: BodyKeys, announced: Option<u64>) -> Self {
        Self {
            keys,
            announced,
            next: 0,
            pending: Vec::with_capacity(SEALED_CHUNK_LEN),
            failed: false,
        }
    }

    pub(crate) fn update(&mut self, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        if self.failed {
            return Err(OpenError::Poisoned);
        }
        // Cleared only when all went well.
        self.failed = true;
        self.take(sealed, out)?;
        self.failed = false;
        Ok(())
    }

    fn take(&mut self, mut sealed: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        out.reserve((self.pending.len() + sealed.len()) / SEALED_CHUNK_LEN * CHUNK_LEN);
        if !self.pending.is_empty() {
            let (now, later) = sealed.split_at(sealed.len().min(SEALED_CHUNK_LEN - self.pending.len()));
            self.pending.extend_from_slice(now);
            sealed = later;
            if self.pending.len() == SEALED_CHUNK_LEN {
                let pending = std::mem::take(&mut self.pending);
                self.open_whole(&pending, out)?;
                self.pending = pending;
                self.pending.clear();
            }
        }
        let mut chunks = sealed.chunks_exact(SEALED_CHUNK_LEN);
        for chunk in &mut chunks {
            self.open_whole(chunk, out)?;
        }
        self.pending.extend_from_slice(chunks.remainder());
        Ok(())
    }

    /// A whole chunk is never the last one, so it can be opened as soon as it is there.
    fn open_whole(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        let found = (self.next + 1).saturating_mul(CHUNK_LEN as u64);
        if let Some(announced) = self.announced.filter(|n| found > *n) {
            return Err(OpenError::PlainLength { announced, found });
        }
        self.keys.open_chunk(self.next, chunk, out)?;
        self.next += 1;
        Ok(())
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), OpenError> {
        if self.failed {
            return Err(OpenError::Poisoned);
        }
        self.failed = true;
        let from = out.len();
        self.keys.open_chunk(self.next, &self.pending, out)?;
        let last = (out.len() - from) as u64;
        let found = self.next.saturating_mul(CHUNK_LEN as u64).saturating_add(last);
        if let Some(announced) = self.announced.filter(|n| *n != found) {
            // Not to be released (§4.7), so not to be left behind the end either.
            out[from..].zeroize();
            out.truncate(from);
            return Err(OpenError::PlainLength { announced, found });
        }
        Ok(())
    }
}

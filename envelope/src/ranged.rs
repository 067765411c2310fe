//! Random access to a sealed image (§4.6).
//!
//! [`ClaimedLength`] and [`RangedCore`] do no I/O; what reads is built on them: [`RangedOpener`] for ranges,
//! [`RangedReader`] for `Read + Seek`, and with the feature `async` their counterparts on tokio.

#[cfg(feature = "async")]
mod async_opener;
#[cfg(feature = "async")]
mod async_reader;
mod cache;
mod core;
mod read_at;
mod reader;

use std::io;
use std::ops::Range;

use zeroize::{Zeroize, Zeroizing};

use crate::content_key::ContentKey;
use crate::error::{OpenError, UnwrapError};
use crate::header::{Header, truncated};

#[cfg(feature = "async")]
pub use self::async_opener::{AsyncRangedOpener, AsyncReadAt};
#[cfg(feature = "async")]
pub use self::async_reader::AsyncRangedReader;
pub use self::core::{Chunks, ClaimedLength, RangedCore};
pub use self::read_at::ReadAt;
pub use self::reader::RangedReader;

/// Chunks read in one go for a range, at most: 1 MiB.
const BATCH: u64 = 64;

/// Opens any range of an image and reads only the chunks that cover it.
///
/// The length is authenticated first, by opening the last chunk; that chunk is kept and never read again. Nothing else is:
/// a caller with many small reads takes [`RangedOpener::into_reader`]. A failed read changes nothing, and other ranges can
/// still be read.
#[derive(Debug)]
pub struct RangedOpener<R> {
    source: R,
    core: RangedCore,
    sealed: Vec<u8>,
}

impl<R: ReadAt> RangedOpener<R> {
    /// Reads the header, asks `find_key` for the content key, and authenticates the length.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn new(
        source: R,
        find_key: impl FnOnce(&Header) -> Result<ContentKey, UnwrapError>,
    ) -> Result<Self, OpenError> {
        let size = source.size().map_err(OpenError::Read)?;
        let header = Header::read_with(|buffer, from| {
            if size < buffer.len() as u64 {
                return Err(truncated(buffer.len()));
            }
            source
                .read_exact_at(from as u64, &mut buffer[from..])
                .map_err(OpenError::Read)
        })?;
        let key = find_key(&header)?;
        let claim = ClaimedLength::new(header, &key, size)?;
        let mut sealed = Vec::new();
        fill(&source, claim.last_chunk(), &mut sealed)?;
        let core = claim.prove(&sealed)?;
        Ok(Self { source, core, sealed })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        self.core.header()
    }

    /// Bytes of plaintext, authenticated.
    pub fn plain_length(&self) -> u64 {
        self.core.plain_length()
    }

    /// A reader with a cursor and a cache, at the start of the plaintext.
    pub fn into_reader(self) -> RangedReader<R> {
        RangedReader::from_parts(self.source, self.core)
    }

    /// Appends `len` bytes of plaintext from `start` on to `out`; on failure `out` is as before.
    ///
    /// # Errors
    /// [`OpenError::Range`] outside the plaintext, else [`OpenError`].
    pub fn read_range(&mut self, start: u64, len: u64, out: &mut Vec<u8>) -> Result<(), OpenError> {
        let plain_length = self.plain_length();
        let Some(end) = start.checked_add(len) else {
            return Err(OpenError::Range {
                start,
                len,
                plain_length,
            });
        };
        let from = out.len();
        let result = self.copy_range(&(start..end), out);
        if result.is_err() {
            out[from..].zeroize();
            out.truncate(from);
        }
        result
    }

    /// Fills `buf` from plaintext byte `start` on, short at the end of the plaintext; returns how much was filled.
    ///
    /// # Errors
    /// [`OpenError`]; `buf` is then as before.
    pub fn read_at(&mut self, start: u64, buf: &mut [u8]) -> Result<usize, OpenError> {
        let rest = self.plain_length().saturating_sub(start);
        let len = usize::try_from(rest).unwrap_or(usize::MAX).min(buf.len());
        if len > 0 {
            let mut out = Zeroizing::new(Vec::with_capacity(len));
            self.read_range(start, len as u64, &mut out)?;
            buf[..len].copy_from_slice(&out);
        }
        Ok(len)
    }

    fn copy_range(&mut self, range: &Range<u64>, out: &mut Vec<u8>) -> Result<(), OpenError> {
        let mut chunks = self.core.plan(range)?;
        reserve(out, range)?;
        let mut opened = Zeroizing::new(Vec::new());
        while let Some(batch) = chunks.take_front(BATCH) {
            fill(&self.source, self.core.sealed_range(batch), &mut self.sealed)?;
            opened.clear();
            opened.reserve(self.sealed.len());
            self.core.open(batch, &self.sealed, &mut opened)?;
            RangedCore::append_opened(batch, &opened, range, out);
        }
        self.core.append_last(range, out);
        Ok(())
    }
}

/// Makes room at once: a buffer that grows leaves copies of plaintext behind.
fn reserve(out: &mut Vec<u8>, range: &Range<u64>) -> Result<(), OpenError> {
    let len = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
    out.try_reserve(len)
        .map_err(|_| OpenError::Read(io::ErrorKind::OutOfMemory.into()))
}

/// Reads `range` of `source` into `buffer`. Ranges come from plans, which are bounded.
fn fill(source: &impl ReadAt, range: Range<u64>, buffer: &mut Vec<u8>) -> Result<(), OpenError> {
    let len = usize::try_from(range.end - range.start).map_err(|_| OpenError::TooLong)?;
    buffer.resize(len, 0);
    source.read_exact_at(range.start, buffer).map_err(OpenError::Read)
}

#[cfg(test)]
mod tests;

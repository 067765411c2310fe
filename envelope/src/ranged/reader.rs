//! `Read + Seek` over a sealed image.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use super::cache::{Ahead, Cache};
use super::core::RangedCore;
use super::{RangedOpener, ReadAt, fill};
use crate::content_key::ContentKey;
use crate::error::{OpenError, UnwrapError};
use crate::header::Header;

/// The plaintext of a sealed image as `Read + BufRead + Seek`.
///
/// **Cost.** A read after a seek reads the chunks that cover it, hence at most two chunks more than its own length. Reads
/// that go on from there are joined into source reads of up to 128 KiB. At most 192 KiB of opened chunks are kept, and
/// wiped when they leave.
///
/// **Errors.** An [`io::Error`] holds the [`OpenError`]; its kind is `InvalidData` unless the source itself failed.
/// Nothing that has not been authenticated is given out. After an error the position is where it was and the reader can be
/// used further: other chunks are not concerned, and the same ones are fetched anew.
///
/// Positions are those of [`Seek`]: past the end is allowed, and reads nothing.
#[derive(Debug)]
pub struct RangedReader<R> {
    source: R,
    pub(super) core: RangedCore,
    pub(super) cache: Cache,
    sealed: Vec<u8>,
    position: u64,
}

impl<R: ReadAt> RangedReader<R> {
    /// Reads the header, asks `find_key` for the content key, and authenticates the length.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn new(
        source: R,
        find_key: impl FnOnce(&Header) -> Result<ContentKey, UnwrapError>,
    ) -> Result<Self, OpenError> {
        RangedOpener::new(source, find_key).map(RangedOpener::into_reader)
    }

    pub(super) fn from_parts(source: R, core: RangedCore) -> Self {
        Self {
            source,
            core,
            cache: Cache::default(),
            sealed: Vec::new(),
            position: 0,
        }
    }

    /// The header.
    pub fn header(&self) -> &Header {
        self.core.header()
    }

    /// Bytes of plaintext, authenticated.
    pub fn plain_length(&self) -> u64 {
        self.core.plain_length()
    }

    /// Plaintext from the position to the end of its chunk; `wanted` bytes are asked for in all.
    fn available(&mut self, wanted: usize, ahead: &mut Ahead) -> io::Result<&[u8]> {
        if self.cache.get(&self.core, self.position).is_none() {
            let chunks = self.cache.plan(&self.core, self.position, wanted, ahead);
            fill(&self.source, self.core.sealed_range(chunks), &mut self.sealed)
                .inspect_err(|_| self.cache.failed())?;
            self.cache.open(&self.core, chunks, &self.sealed)?;
        }
        Ok(self.cache.get(&self.core, self.position).unwrap_or_default())
    }

    /// Copies from the position on, as far as one source read goes.
    fn copy(&mut self, buf: &mut [u8], ahead: &mut Ahead) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            // What is here is given out before more is fetched.
            if done > 0 && self.cache.get(&self.core, self.position).is_none() {
                break;
            }
            let rest = &mut buf[done..];
            let found = self.available(rest.len(), ahead)?;
            let count = found.len().min(rest.len());
            if count == 0 {
                break;
            }
            rest[..count].copy_from_slice(&found[..count]);
            done += count;
            self.position += count as u64;
        }
        Ok(done)
    }
}

impl<R: ReadAt> Read for RangedReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.copy(buf, &mut Ahead::Undecided)
    }

    /// Fails without moving if there are fewer bytes.
    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        let rest = self.plain_length().saturating_sub(self.position);
        if rest < buf.len() as u64 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let (start, mut done) = (self.position, 0);
        let mut ahead = Ahead::Undecided;
        while done < buf.len() {
            match self.copy(&mut buf[done..], &mut ahead) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => done += count,
                Err(error) => {
                    self.position = start;
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

impl<R: ReadAt> BufRead for RangedReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.available(1, &mut Ahead::Undecided)
    }

    fn consume(&mut self, amount: usize) {
        self.position = self.position.saturating_add(amount as u64);
    }
}

impl<R: ReadAt> Seek for RangedReader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = target(to, self.position, self.plain_length())?;
        Ok(self.position)
    }
}

/// Where a seek leads.
pub(super) fn target(to: SeekFrom, position: u64, plain_length: u64) -> io::Result<u64> {
    let found = match to {
        SeekFrom::Start(at) => Some(at),
        SeekFrom::End(offset) => plain_length.checked_add_signed(offset),
        SeekFrom::Current(offset) => position.checked_add_signed(offset),
    };
    found.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "the seek leads before the start or beyond any offset",
        )
    })
}

impl From<OpenError> for io::Error {
    /// The kind is the source's where the source failed, `InvalidInput` for a range outside, `InvalidData` otherwise.
    fn from(error: OpenError) -> Self {
        let kind = match &error {
            OpenError::Read(source) | OpenError::Write(source) => source.kind(),
            OpenError::Range { .. } => io::ErrorKind::InvalidInput,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

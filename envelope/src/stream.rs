//! Sealing and opening streams with bounded memory.

use std::io::{self, Read, Write};

use crate::content_key::ContentKey;
use crate::digest::{Digest, DigestCounter};
use crate::error::{OpenError, SealError, UnwrapError};
use crate::header::Header;
use crate::layout::{CHUNK_LEN, SEALED_CHUNK_LEN};
use crate::open::ChunkOpener;
use crate::seal::{SealPlan, Sealed};

/// Chunks in a block.
const BLOCK_CHUNKS: usize = 16;

/// What came out of opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// The plaintext.
    pub plain: Digest,
    /// The sealed image as it was read, header included.
    pub sealed: Digest,
}

/// Seals `reader` into `writer` by `plan`; the same as [`SealPlan::run`].
///
/// # Errors
/// [`SealError`]; what was written by then is worthless.
pub fn seal(
    reader: impl Read,
    writer: impl Write,
    plan: &SealPlan,
    progress: &mut dyn FnMut(u64),
) -> Result<Sealed, SealError> {
    plan.run(reader, writer, progress)
}

pub(crate) fn run_plan(
    plan: &SealPlan,
    mut reader: impl Read,
    mut writer: impl Write,
    progress: &mut dyn FnMut(u64),
) -> Result<Sealed, SealError> {
    let mut sealer = plan.sealer()?;
    writer
        .write_all(plan.header().bytes())
        .map_err(SealError::Write)?;
    let mut plain = vec![0; BLOCK_CHUNKS * CHUNK_LEN];
    let mut sealed = Vec::with_capacity(BLOCK_CHUNKS * SEALED_CHUNK_LEN);
    let mut done = 0;
    loop {
        let filled = fill(&mut reader, &mut plain).map_err(SealError::Read)?;
        sealed.clear();
        sealer.update(&plain[..filled], &mut sealed)?;
        writer.write_all(&sealed).map_err(SealError::Write)?;
        done += filled as u64;
        progress(done);
        if filled < plain.len() {
            break;
        }
    }
    sealed.clear();
    let result = sealer.finish(&mut sealed)?;
    writer.write_all(&sealed).map_err(SealError::Write)?;
    writer.flush().map_err(SealError::Write)?;
    Ok(result)
}

/// Opens `reader` into `writer`. `find_key` gets the header, not yet authenticated, and finds the content key.
/// `progress` gets the bytes of plaintext so far.
///
/// Only authenticated plaintext is written, but on failure it is only the beginning of the image: write to a temporary
/// place and throw that away.
///
/// # Errors
/// [`OpenError`].
pub fn open(
    mut reader: impl Read,
    mut writer: impl Write,
    find_key: impl FnOnce(&Header) -> Result<ContentKey, UnwrapError>,
    progress: &mut dyn FnMut(u64),
) -> Result<Opened, OpenError> {
    let header = Header::read(&mut reader)?;
    let key = find_key(&header)?;
    let mut opener = ChunkOpener::new(&header, &key)?;
    drop(key);
    let (mut plain_digest, mut sealed_digest) = (DigestCounter::default(), DigestCounter::default());
    sealed_digest.update(header.bytes());
    let mut sealed = vec![0; BLOCK_CHUNKS * SEALED_CHUNK_LEN];
    let mut plain = Vec::with_capacity(BLOCK_CHUNKS * CHUNK_LEN);
    let mut done = 0;
    loop {
        let filled = fill(&mut reader, &mut sealed).map_err(OpenError::Read)?;
        sealed_digest.update(&sealed[..filled]);
        plain.clear();
        let mut result = opener.update(&sealed[..filled], &mut plain);
        let last = filled < sealed.len();
        if last && result.is_ok() {
            result = opener.finish(&mut plain);
        }
        writer.write_all(&plain).map_err(OpenError::Write)?;
        result?;
        plain_digest.update(&plain);
        done += plain.len() as u64;
        progress(done);
        if last {
            break;
        }
    }
    writer.flush().map_err(OpenError::Write)?;
    Ok(Opened {
        plain: plain_digest.finish(),
        sealed: sealed_digest.finish(),
    })
}

/// Reads until `buf` is full or the stream ends; returns how much was read.
fn fill(reader: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buf.len() {
        match reader.read(&mut buf[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

//! Sealing and opening streams with bounded memory: the shell over the push machines.

mod lanes;

use std::io::{self, Read, Write};
use std::thread;

use crate::content_key::ContentKey;
use crate::digest::Digest;
use crate::error::{OpenError, SealError, UnwrapError};
use crate::header::Header;
use crate::layout::{CHUNK_LEN, SEALED_CHUNK_LEN};
use crate::open::ChunkOpener;
use crate::seal::{BLOCK_CHUNKS, SealPlan, Sealed};
use crate::segments::SegmentHasher;

use lanes::{Arrangement, Buffers, Found, Lanes};

/// What came out of opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// The plaintext.
    pub plain: Digest,
    /// The sealed image as it was read, header included.
    pub sealed: Digest,
}

/// Seals `reader` into `writer` by `plan`. `progress` gets the bytes of plaintext so far.
///
/// # Errors
/// [`SealError`]; what was written by then is worthless.
pub(crate) fn seal(
    reader: impl Read,
    writer: impl Write,
    plan: &SealPlan,
    progress: &mut dyn FnMut(u64),
) -> Result<Sealed, SealError> {
    thread::scope(|scope| {
        let lanes = Lanes::new(scope, Arrangement::for_this_machine(), plan.header().bytes());
        seal_in_lanes(reader, writer, plan, progress, lanes)
    })
}

fn seal_in_lanes(
    mut reader: impl Read,
    mut writer: impl Write,
    plan: &SealPlan,
    progress: &mut dyn FnMut(u64),
    mut lanes: Lanes<'_>,
) -> Result<Sealed, SealError> {
    let (alg, size) = plan.segment_kind();
    let too_long = |_| SealError::SegmentList { size };
    let mut chunks = plan.chunk_sealer()?;
    // On this thread: one more for it was slower, with either cipher (ADR 0010).
    let mut segments = SegmentHasher::new(alg, size);
    let header = plan.header().bytes();
    segments.push(header).map_err(too_long)?;
    writer.write_all(header).map_err(SealError::Write)?;
    let mut done = 0;
    loop {
        let mut block = lanes.take();
        let Buffers { plain, sealed } = &mut block.buffers;
        let last = refill(&mut reader, plain, BLOCK_CHUNKS * CHUNK_LEN).map_err(SealError::Read)?;
        sealed.clear();
        chunks.update(plain, sealed)?;
        if last {
            chunks.finish(sealed)?;
        }
        segments.push(sealed).map_err(too_long)?;
        writer.write_all(sealed).map_err(SealError::Write)?;
        done += plain.len() as u64;
        lanes.show(block)?;
        progress(done);
        if last {
            break;
        }
    }
    writer.flush().map_err(SealError::Write)?;
    let segments = segments.finish().map_err(too_long)?;
    let Found { plain, sealed } = lanes.finish()?;
    Ok(Sealed {
        plain,
        sealed,
        header: plan.header().digest(),
        segments,
        envelope: plan.envelope_digest(),
    })
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
    writer: impl Write,
    find_key: impl FnOnce(&Header) -> Result<ContentKey, UnwrapError>,
    progress: &mut dyn FnMut(u64),
) -> Result<Opened, OpenError> {
    let header = Header::read(&mut reader)?;
    let key = find_key(&header)?;
    let chunks = ChunkOpener::new(&header, &key)?;
    drop(key);
    thread::scope(|scope| {
        let lanes = Lanes::new(scope, Arrangement::for_this_machine(), header.bytes());
        open_in_lanes(reader, writer, chunks, progress, lanes)
    })
}

fn open_in_lanes(
    mut reader: impl Read,
    mut writer: impl Write,
    mut chunks: ChunkOpener,
    progress: &mut dyn FnMut(u64),
    mut lanes: Lanes<'_>,
) -> Result<Opened, OpenError> {
    let mut done = 0;
    loop {
        let mut block = lanes.take();
        let Buffers { plain, sealed } = &mut block.buffers;
        let last = refill(&mut reader, sealed, BLOCK_CHUNKS * SEALED_CHUNK_LEN).map_err(OpenError::Read)?;
        plain.clear();
        // Room for all of it at once: a buffer that grows leaves plaintext behind where it was.
        plain.reserve(BLOCK_CHUNKS * CHUNK_LEN);
        let mut opened = chunks.update(sealed, plain);
        if last && opened.is_ok() {
            opened = chunks.finish(plain);
        }
        // What precedes a bad chunk is genuine, and goes out like everything before it.
        writer.write_all(plain).map_err(OpenError::Write)?;
        opened?;
        done += plain.len() as u64;
        lanes.show(block)?;
        progress(done);
        if last {
            break;
        }
    }
    writer.flush().map_err(OpenError::Write)?;
    let Found { plain, sealed } = lanes.finish()?;
    Ok(Opened { plain, sealed })
}

/// Fills `buf` with `len` bytes, or fewer at the end of the stream; says whether that end was met.
fn refill(reader: &mut impl Read, buf: &mut Vec<u8>, len: usize) -> io::Result<bool> {
    buf.resize(len, 0);
    let mut filled = 0;
    while filled < len {
        match reader.read(&mut buf[filled..]) {
            Ok(0) => {
                buf.truncate(filled);
                return Ok(true);
            }
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

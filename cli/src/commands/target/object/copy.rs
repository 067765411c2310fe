//! Bytes that become an object as they are.

use std::io::{self, Read, Write};

use sealift_envelope::{Digest, MAX_HEADER_LEN, SegmentAlg, SegmentHasher};

use super::Described;
use crate::failure::{Failure, Fault};
use crate::faults;
use crate::sealing::SealOptions;

/// Bytes copied at once.
const COPY_BYTES: usize = 1 << 18;
/// What a sealed image begins with; unprotected bytes must not.
const SEALED_MAGIC: &[u8; 8] = b"SEALIFT\0";

/// What the bytes may begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// Anything but the magic of a sealed image.
    Plain,
    /// The header that was looked at before, still.
    Header(Digest),
}

impl Beginning {
    /// How many first bytes must be kept to tell.
    fn length(self) -> usize {
        match self {
            Self::Plain => SEALED_MAGIC.len(),
            Self::Header(header) => {
                usize::try_from(header.length).map_or(MAX_HEADER_LEN, |n| n.min(MAX_HEADER_LEN))
            }
        }
    }
}

/// Copies to the end.
pub(super) fn copy_all(
    reader: &mut impl Read,
    writer: &mut impl Write,
    progress: &mut dyn FnMut(u64),
) -> io::Result<()> {
    let mut buffer = vec![0; COPY_BYTES];
    let mut done = 0_u64;
    loop {
        let count = reader.read(&mut buffer)?;
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else {
            return Ok(());
        };
        writer.write_all(piece)?;
        done = done.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        progress(done);
    }
}

/// Counts and hashes what goes by.
struct Hashing<W> {
    inner: W,
    sha256: sha2::Sha256,
    segments: SegmentHasher,
    length: u64,
    start: Vec<u8>,
    beginning: Beginning,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        use sha2::Digest as _;
        let missing = self
            .beginning
            .length()
            .saturating_sub(self.start.len())
            .min(bytes.len());
        self.start.extend(bytes.iter().take(missing));
        if self.beginning == Beginning::Plain && self.start == SEALED_MAGIC {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the input is sealed already",
            ));
        }
        self.inner.write_all(bytes)?;
        self.sha256.update(bytes);
        self.segments.push(bytes).map_err(io::Error::other)?;
        self.length = self
            .length
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Copies to the end, and describes what went by.
pub(super) fn copy(
    mut reader: impl Read,
    writer: impl Write,
    options: &SealOptions,
    beginning: Beginning,
    progress: &mut dyn FnMut(u64),
) -> Result<Described, Failure> {
    use sha2::Digest as _;
    let alg: SegmentAlg = options.segment_alg();
    let segments = SegmentHasher::new(alg, options.segment_size());
    let sha256 = sha2::Sha256::new();
    let mut hashing = Hashing {
        inner: writer,
        sha256,
        segments,
        length: 0,
        start: Vec::new(),
        beginning,
    };
    copy_all(&mut reader, &mut hashing, progress).map_err(|error| {
        if error.kind() == io::ErrorKind::InvalidData {
            return Failure::refused("the input is a sealed image, and --protection none was asked for")
                .next("give the plain image; vehicles refuse sealed bytes that are signed as unprotected");
        }
        Failure::io("cannot copy the image", error)
    })?;
    if let Beginning::Header(header) = beginning
        && Digest::of(&hashing.start) != header
    {
        return Err(
            Failure::new(Fault::Conflict, "the image changed while it was being read")
                .next("run the command again when nobody writes to the file"),
        );
    }
    let object = Digest {
        length: hashing.length,
        sha256: hashing.sha256.finalize().into(),
    };
    let segments = hashing.segments.finish().map_err(|error| {
        faults::format(
            "the image has too many segments; choose a larger --segment-size",
            error,
        )
    })?;
    Ok(Described {
        object,
        plain: object,
        header: None,
        segments,
    })
}

//! Oracle of random access: the range opener and the reader, over an image that was tampered with.

use std::cell::Cell;
use std::io::{self, BufRead, Read, Seek, SeekFrom};

use sealift_envelope::{CHUNK_LEN, RangedOpener, RangedReader, ReadAt, SEALED_CHUNK_LEN};

use crate::edit;
use crate::sealed_world::world;

/// Steps at most: more only makes it slower.
const MAX_STEPS: usize = 8;
/// Bytes that spell a step.
const STEP_LEN: usize = 5;
/// Chunks that a reader fetches at once, at most.
const READ_AHEAD: u64 = 8;

/// Any byte that is given out is genuine, an image without edits gives every byte, and what is read of the source is what the
/// steps need.
///
/// The first byte chooses the image, the second says how many steps of five bytes follow (kind, place, length), and the rest
/// are edits.
pub fn opener_ranged(input: &[u8]) {
    let Some((&[selector, steps], rest)) = input.split_first_chunk() else {
        return;
    };
    let steps = usize::from(steps) % (MAX_STEPS + 1) * STEP_LEN;
    let Some((steps, edits)) = rest.split_at_checked(steps) else {
        return;
    };
    let images = &world().images;
    let image = &images[usize::from(selector) % images.len()];
    let source = Counted {
        bytes: edit::apply(edits, &image.sealed),
        read: Cell::new(0),
    };
    let opener = RangedOpener::new(&source, |_| Ok(image.content_key()));
    let reader = RangedReader::new(&source, |_| Ok(image.content_key()));
    assert_eq!(opener.is_ok(), reader.is_ok(), "both openers agree");
    let (Ok(mut opener), Ok(mut reader)) = (opener, reader) else {
        assert!(!edits.is_empty(), "a genuine image opens");
        return;
    };
    let length = image.plain.len() as u64;
    for known in [opener.plain_length(), reader.plain_length()] {
        assert_eq!(
            known, length,
            "the length is authenticated before anything is read"
        );
    }
    let genuine = source.bytes == image.sealed;
    for step in steps.chunks_exact(STEP_LEN) {
        let [kind, p0, p1, l0, l1] = *step else { break };
        let (place, wanted) = (u16::from_be_bytes([p0, p1]), u16::from_be_bytes([l0, l1]));
        if kind % 5 == 0 {
            range(
                &mut opener,
                &source,
                &image.plain,
                place.into(),
                wanted.into(),
                genuine,
            );
        } else {
            read(&mut reader, &source, &image.plain, (kind, place, wanted), genuine);
        }
    }
}

fn range(
    opener: &mut RangedOpener<&Counted>,
    source: &Counted,
    plain: &[u8],
    start: u64,
    length: u64,
    genuine: bool,
) {
    source.read.set(0);
    let mut out = Vec::new();
    let result = opener.read_range(start, length, &mut out);
    let chunks = length.div_ceil(CHUNK_LEN as u64) + 1;
    assert!(
        source.read.get() <= chunks * SEALED_CHUNK_LEN as u64,
        "only covering chunks are read"
    );
    let expected = slice(plain, start, start + length);
    match result {
        Ok(()) => assert_eq!(
            Some(&out[..]),
            expected,
            "a range of other plaintext, or past the end"
        ),
        Err(_) => {
            assert!(out.is_empty(), "a failed read leaves nothing behind");
            assert!(!genuine || expected.is_none(), "a genuine range is refused");
        }
    }
}

fn read(
    reader: &mut RangedReader<&Counted>,
    source: &Counted,
    plain: &[u8],
    (kind, place, wanted): (u8, u16, u16),
    genuine: bool,
) {
    let to = match kind % 3 {
        0 => SeekFrom::Start(place.into()),
        1 => SeekFrom::End(-i64::from(place)),
        _ => SeekFrom::Current(i64::from(place) - i64::from(u16::MAX / 2)),
    };
    // A seek before the start is refused and changes nothing.
    let at = reader.seek(to).or_else(|_| reader.stream_position()).unwrap();
    source.read.set(0);
    let mut out = vec![0; wanted.into()];
    let (result, whole) = match kind % 5 {
        1 | 2 => (reader.read(&mut out), false),
        3 => (reader.read_exact(&mut out).map(|()| wanted.into()), true),
        _ => {
            let found = reader.fill_buf().map(<[u8]>::to_vec);
            let taken = found.map(|found| {
                let count = found.len().min(out.len());
                out[..count].copy_from_slice(&found[..count]);
                count
            });
            (taken.inspect(|count| reader.consume(*count)), false)
        }
    };
    let chunks = (u64::from(wanted).div_ceil(CHUNK_LEN as u64) + 1).max(READ_AHEAD);
    assert!(
        source.read.get() <= chunks * SEALED_CHUNK_LEN as u64,
        "read-ahead is bounded"
    );
    let position = reader.stream_position().unwrap();
    match result {
        Ok(count) => {
            let end = at + count as u64;
            assert_eq!(position, end, "the position follows what was read");
            if count > 0 {
                assert_eq!(Some(&out[..count]), slice(plain, at, end), "other plaintext");
            } else {
                let at_end = at >= plain.len() as u64;
                assert!(at_end || wanted == 0, "the end comes at the end");
            }
        }
        Err(error) => {
            assert_eq!(position, at, "a failed read does not move");
            let short = whole && slice(plain, at, at + u64::from(wanted)).is_none();
            assert!(
                short || (!genuine && error.kind() == io::ErrorKind::InvalidData),
                "a genuine read is refused: {error}"
            );
        }
    }
}

fn slice(plain: &[u8], start: u64, end: u64) -> Option<&[u8]> {
    plain.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
}

/// Counts the bytes that are asked for.
#[derive(Debug)]
struct Counted {
    bytes: Vec<u8>,
    read: Cell<u64>,
}

impl ReadAt for Counted {
    fn size(&self) -> io::Result<u64> {
        self.bytes.size()
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.read.set(self.read.get() + buf.len() as u64);
        self.bytes.read_exact_at(offset, buf)
    }
}

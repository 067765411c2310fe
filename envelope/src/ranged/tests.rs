//! Images of any size up to the format's limit, sealed chunk by chunk where they are read.

use std::cell::Cell;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::cobblestone::BodyKeys;
use crate::header::Immutable;
use crate::layout::{CHUNK_LEN, Layout, MAX_PLAIN_LEN, SEALED_CHUNK_LEN};
use crate::stanza::StanzaList;

const CHUNK: u64 = CHUNK_LEN as u64;
const KEY: [u8; 32] = *b"a content key that all may know!";
const SALT: [u8; 24] = *b"salt salt salt salt salt";

/// A sealed image that exists nowhere: its chunks are sealed with the real cipher when somebody reads them.
#[derive(Debug)]
struct Synthetic {
    header: Header,
    keys: BodyKeys,
    layout: Layout,
    read: Cell<u64>,
}

impl Synthetic {
    fn new(plain_len: u64, announced: Option<u64>) -> Self {
        let immutable = Immutable {
            plain_length: announced,
            media_type: String::new(),
            envelope_id: [7; 16],
        };
        let context = immutable.context().unwrap();
        let commitment = *BodyKeys::derive(&ContentKey::from_bytes(KEY), &SALT, &context).commitment();
        let header = Header::assemble(immutable, StanzaList::default(), SALT, commitment).unwrap();
        let keys = header.body_keys(&ContentKey::from_bytes(KEY)).unwrap();
        let layout = Layout::from_plain_len(header.header_len(), plain_len).unwrap();
        Self {
            header,
            keys,
            layout,
            read: Cell::new(0),
        }
    }

    fn sealed_chunk(&self, index: u64) -> Vec<u8> {
        let start = index * CHUNK;
        let plain: Vec<u8> = (start..start + self.layout.chunk_len(index) as u64)
            .map(plain_byte)
            .collect();
        let mut sealed = Vec::new();
        self.keys.seal_chunk(index, &plain, &mut sealed).unwrap();
        sealed
    }
}

/// Byte `at` of every synthetic plaintext.
fn plain_byte(at: u64) -> u8 {
    at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0]
}

fn plain_bytes(range: Range<u64>) -> Vec<u8> {
    range.map(plain_byte).collect()
}

impl ReadAt for Synthetic {
    fn size(&self) -> io::Result<u64> {
        Ok(self.layout.sealed_len())
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.read.set(self.read.get() + buf.len() as u64);
        let header_len = self.header.header_len();
        if offset < header_len {
            let bytes = &self.header.bytes()[usize::try_from(offset).unwrap()..];
            buf.copy_from_slice(bytes.get(..buf.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
            return Ok(());
        }
        let sealed = SEALED_CHUNK_LEN as u64;
        let (mut index, mut within) = ((offset - header_len) / sealed, (offset - header_len) % sealed);
        let mut done = 0;
        while done < buf.len() {
            if index > self.layout.last_chunk() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let chunk = self.sealed_chunk(index);
            let rest = &chunk[usize::try_from(within).unwrap()..];
            let count = rest.len().min(buf.len() - done);
            buf[done..done + count].copy_from_slice(&rest[..count]);
            done += count;
            (index, within) = (index + 1, 0);
        }
        Ok(())
    }
}

fn reader(source: &Synthetic) -> RangedReader<&Synthetic> {
    RangedReader::new(source, |_| Ok(ContentKey::from_bytes(KEY))).unwrap()
}

/// The lengths at which a 31-, 32- or 33-bit length, or a 32-bit chunk number, would give out.
const LARGE: [u64; 15] = [
    (2 << 30) - 1,
    2 << 30,
    (2 << 30) + 1,
    (4 << 30) - 1,
    4 << 30,
    (4 << 30) + 1,
    (5 << 30) + 1,
    ((1 << 31) - 1) * CHUNK + 5,
    ((1 << 32) - 1) * CHUNK - 1,
    ((1 << 32) - 1) * CHUNK,
    (1 << 32) * CHUNK - 1,
    (1 << 32) * CHUNK,
    (1 << 32) * CHUNK + 1,
    ((1 << 32) + 1) * CHUNK + 1,
    MAX_PLAIN_LEN,
];

#[test]
fn random_access_at_the_sizes_where_integers_end() {
    for len in LARGE {
        for announced in [None, Some(len)] {
            let source = Synthetic::new(len, announced);
            let mut reader = reader(&source);
            assert_eq!(reader.plain_length(), len);
            let places = LARGE.iter().flat_map(|at| [at.saturating_sub(2), *at]);
            for at in places.chain([0, len / 2, len - 1]).filter(|at| *at < len) {
                let end = len.min(at + 5);
                let mut found = vec![0; usize::try_from(end - at).unwrap()];
                reader.seek(SeekFrom::Start(at)).unwrap();
                reader.read_exact(&mut found).unwrap();
                assert_eq!(found, plain_bytes(at..end), "{at} of {len}");
            }
            assert_eq!(reader.seek(SeekFrom::End(-3)).unwrap(), len - 3);
            let mut tail = Vec::new();
            reader.read_to_end(&mut tail).unwrap();
            assert_eq!(tail, plain_bytes(len - 3..len));
        }
    }
}

#[test]
fn reading_across_chunk_number_two_to_the_32() {
    let boundary = (1 << 32) * CHUNK;
    let source = Synthetic::new(MAX_PLAIN_LEN, None);
    let mut opener = RangedOpener::new(&source, |_| Ok(ContentKey::from_bytes(KEY))).unwrap();
    let mut out = Vec::new();
    opener.read_range(boundary - 40_000, 80_000, &mut out).unwrap();
    assert_eq!(out, plain_bytes(boundary - 40_000..boundary + 40_000));
}

#[test]
fn chunk_two_to_the_32_is_not_chunk_0() {
    let source = Synthetic::new(MAX_PLAIN_LEN, None);
    let core = reader(&source).core;
    for (place, bytes) in [(0, 1 << 32), (1 << 32, 0), (5, (1 << 32) + 5)] {
        let chunks = Chunks {
            first: place,
            count: 1,
        };
        let mut out = vec![9];
        let error = core
            .open(chunks, &source.sealed_chunk(bytes), &mut out)
            .unwrap_err();
        assert!(
            matches!(error, OpenError::Chunk { index } if index == place),
            "{error}"
        );
        assert_eq!(out, [9]);
        core.open(chunks, &source.sealed_chunk(place), &mut out).unwrap();
    }
}

#[test]
fn pieces_of_chunks_and_the_last_one_are_opened_nowhere_else() {
    let source = Synthetic::new(MAX_PLAIN_LEN, None);
    let core = reader(&source).core;
    let mut out = Vec::new();
    let last = core.whole_chunks();
    for (index, sealed) in [
        (0, vec![0; 5]),
        (0, vec![0; SEALED_CHUNK_LEN + 1]),
        (last, source.sealed_chunk(last)),
    ] {
        let error = core.open_whole(index, &sealed, &mut out).unwrap_err();
        assert!(
            matches!(error, OpenError::Chunk { index: i } if i == index),
            "{error}"
        );
        assert!(out.is_empty());
    }
}

#[test]
fn chunks_are_counted_from_their_first() {
    let core = reader(&Synthetic::new(MAX_PLAIN_LEN, None)).core;
    let chunks = core.plan(&(3 * CHUNK..5 * CHUNK)).unwrap();
    assert_eq!((chunks.first(), chunks.count(), chunks.until()), (3, 2, 5));
    assert!(!chunks.is_empty());
    assert!(core.plan(&(CHUNK..CHUNK)).unwrap().is_empty());
}

/// The whole cost of opening four pebibytes and looking at one place: header, last chunk, one chunk.
#[test]
fn one_byte_of_the_largest_image_costs_two_chunks() {
    let source = Synthetic::new(MAX_PLAIN_LEN, Some(MAX_PLAIN_LEN));
    let mut reader = reader(&source);
    let mut byte = [0];
    reader.seek(SeekFrom::Start(MAX_PLAIN_LEN / 3)).unwrap();
    reader.read_exact(&mut byte).unwrap();
    assert_eq!(byte[0], plain_byte(MAX_PLAIN_LEN / 3));
    let sealed = SEALED_CHUNK_LEN as u64;
    assert_eq!(
        source.read.get(),
        source.header.header_len() + (sealed - 1) + sealed
    );
}

/// Whoever holds the content key can seal another length than the header announces.
#[test]
fn the_announced_length_is_compared_before_anything_is_released() {
    for (found, announced) in [
        (100, 101),
        (101, 100),
        (CHUNK, 0),
        (0, MAX_PLAIN_LEN),
        (1 << 46, 1 << 14),
    ] {
        let source = Synthetic::new(found, Some(announced));
        let error = RangedReader::new(&source, |_| Ok(ContentKey::from_bytes(KEY))).unwrap_err();
        assert!(
            matches!(error, OpenError::PlainLength { announced: a, found: f } if a == announced && f == found),
            "{error}"
        );
    }
}

#[test]
fn chunks_in_another_order_do_not_open() {
    let source = Synthetic::new(5 * CHUNK, None);
    let core = reader(&source).core;
    let chunks = core.plan(&(0..3 * CHUNK)).unwrap();
    let bytes = |order: [u64; 3]| order.map(|index| source.sealed_chunk(index)).concat();
    let mut out = Vec::new();
    core.open(chunks, &bytes([0, 1, 2]), &mut out).unwrap();
    assert_eq!(out, plain_bytes(0..3 * CHUNK));
    for (order, wrong) in [([1, 0, 2], 0), ([0, 2, 1], 1), ([0, 1, 1], 2), ([0, 1, 3], 2)] {
        out.clear();
        let error = core.open(chunks, &bytes(order), &mut out).unwrap_err();
        assert!(
            matches!(error, OpenError::Chunk { index } if index == wrong),
            "{error}"
        );
        assert!(out.is_empty(), "nothing of a batch that fails");
    }
}

#[test]
fn every_alignment_is_planned_with_the_covering_chunks_only() {
    let len = 6 * CHUNK + 77;
    let core = reader(&Synthetic::new(len, None)).core;
    for wanted in [1, 2, 16, 16_383, 16_384, 16_385, 32_768, 40_000] {
        for start in 0..=3 * CHUNK {
            let chunks = core.plan(&(start..start + wanted)).unwrap();
            assert!(chunks.first * CHUNK <= start && start < (chunks.first + 1) * CHUNK);
            assert!(chunks.until() * CHUNK >= start + wanted);
            assert!((chunks.until() - 1) * CHUNK < start + wanted);
            let sealed = core.sealed_range(chunks);
            let excess = (sealed.end - sealed.start) - wanted;
            assert!(excess < 2 * SEALED_CHUNK_LEN as u64 + wanted / CHUNK * 16);
        }
    }
    let backwards = Range { start: 5, end: 4 };
    for outside in [
        len..len + 1,
        len + 1..len + 1,
        backwards,
        0..u64::MAX,
        u64::MAX..u64::MAX,
    ] {
        assert!(
            matches!(core.plan(&outside), Err(OpenError::Range { .. })),
            "{outside:?}"
        );
    }
}

#[test]
fn debug_output_has_no_plaintext() {
    let source = Synthetic::new(3 * CHUNK + 4, None);
    let mut reader = reader(&source);
    reader.read_exact(&mut [0; 20_000]).unwrap();
    let shown = format!("{:?} {:?}", reader.core, reader.cache);
    let tail = format!("{:?}", plain_bytes(3 * CHUNK..3 * CHUNK + 4));
    assert!(!shown.contains(tail.trim_matches(['[', ']'])), "{shown}");
    assert!(shown.len() < 2000, "{shown}");
}

/// A length near one of those at which something changes.
fn lengths() -> impl Strategy<Value = u64> {
    let near = (proptest::sample::select(LARGE.to_vec()), -40_000i64..40_000)
        .prop_map(|(len, by)| len.saturating_add_signed(by).min(MAX_PLAIN_LEN));
    prop_oneof![0..=MAX_PLAIN_LEN, 0..100_000u64, near]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn any_place_of_any_length(len in lengths(), places in proptest::collection::vec((any::<u64>(), 0u64..40_000), 1..5)) {
        let source = Synthetic::new(len, Some(len));
        let mut reader = reader(&source);
        prop_assert_eq!(reader.plain_length(), len);
        for (at, wanted) in places {
            let start = at % (len + 1);
            let end = len.min(start + wanted);
            let before = source.read.get();
            let mut found = vec![0; usize::try_from(end - start).unwrap()];
            reader.seek(SeekFrom::Start(start)).unwrap();
            reader.read_exact(&mut found).unwrap();
            prop_assert_eq!(found, plain_bytes(start..end));
            let chunks = (end - start).div_ceil(CHUNK) + 1;
            prop_assert!(source.read.get() - before <= chunks * SEALED_CHUNK_LEN as u64);
        }
    }

    #[test]
    fn plans_of_any_length_cover_and_fit(len in lengths(), a: u64, b: u64) {
        let source = Synthetic::new(len, None);
        let layout = source.layout;
        let core = reader(&source).core;
        let (a, b) = (a % (len + 1), b % (len + 1));
        let plain = a.min(b)..a.max(b);
        let chunks = core.plan(&plain).unwrap();
        let sealed = core.sealed_range(chunks);
        prop_assert!(chunks.until() <= layout.last_chunk());
        prop_assert!(chunks.is_empty() || sealed.end <= layout.offset(layout.last_chunk()));
        prop_assert_eq!(sealed.end - sealed.start, chunks.count() * SEALED_CHUNK_LEN as u64);
        if !plain.is_empty() {
            prop_assert!(chunks.first() * CHUNK <= plain.start);
            prop_assert!(plain.end <= (chunks.until() * CHUNK).max(len));
        }
    }
}

//! Any range equals the same slice of the plaintext, and costs only the chunks that cover it.

use std::cell::RefCell;
use std::io;
use std::ops::Range;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sealift_envelope::{CHUNK_LEN, Layout, OpenError, RangedOpener, ReadAt, SEALED_CHUNK_LEN};

use crate::support::{BOUNDARIES, for_p256, key_of, open_stream, plaintext, plan, run, sealed};

/// Remembers what was read.
pub(crate) struct Counting<'a> {
    bytes: &'a [u8],
    reads: RefCell<Vec<Range<u64>>>,
}

impl<'a> Counting<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            reads: RefCell::default(),
        }
    }

    pub(crate) fn take_reads(&self) -> Vec<Range<u64>> {
        self.reads.take()
    }
}

impl ReadAt for Counting<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.reads.borrow_mut().push(offset..offset + buf.len() as u64);
        self.bytes.read_exact_at(offset, buf)
    }
}

#[test]
fn sources_are_read_through_boxes_and_references() {
    let plain = plaintext(100_000);
    let (plan, image) = sealed(&plain);
    let source: Box<dyn ReadAt> = Box::new(image.clone());
    let mut opener = RangedOpener::new(&source, for_p256).unwrap();
    let mut out = Vec::new();
    opener.read_range(70_000, 10, &mut out).unwrap();
    assert_eq!(out, plain[70_000..70_010]);
    let shown = format!("{:?}", RangedOpener::new(&image, for_p256).unwrap());
    assert!(
        shown.contains("RangedCore { header: ") && !shown.contains(&hex::encode(plan.content_key().expose()))
    );
}

/// Memory that is grown leaves plaintext behind where it was.
#[test]
fn a_range_makes_room_for_itself_at_once() {
    // More than is read in one go.
    let (_, image) = sealed(&plaintext(2_500_000));
    let mut opener = RangedOpener::new(&image[..], for_p256).unwrap();
    let mut out = Vec::new();
    opener.read_range(17, 2_400_001, &mut out).unwrap();
    assert_eq!((out.len(), out.capacity()), (2_400_001, 2_400_001));
}

#[test]
fn opening_reads_the_header_and_the_last_chunk_once() {
    for len in BOUNDARIES {
        let plain = plaintext(len);
        let (plan, image) = sealed(&plain);
        let source = Counting::new(&image);
        let opener = RangedOpener::new(&source, for_p256).unwrap();
        assert_eq!(opener.plain_length(), len as u64);
        assert_eq!(opener.header(), plan.header());

        let header_len = plan.header().header_len();
        let layout = Layout::from_plain_len(header_len, len as u64).unwrap();
        let mut reads = source.take_reads();
        assert_eq!(
            reads.pop(),
            Some(layout.offset(layout.last_chunk())..layout.sealed_len())
        );
        assert_eq!(reads.iter().map(|r| r.end - r.start).sum::<u64>(), header_len);
    }
}

#[test]
fn whole_images_and_the_ends_of_them() {
    for len in BOUNDARIES {
        let plain = plaintext(len);
        let (_, image) = sealed(&plain);
        let mut opener = RangedOpener::new(image, for_p256).unwrap();
        let mut out = Vec::new();
        opener.read_range(0, len as u64, &mut out).unwrap();
        assert_eq!(out, plain);

        let mut buf = vec![0; 20_000];
        let start = len.saturating_sub(5);
        assert_eq!(opener.read_at(start as u64, &mut buf).unwrap(), len - start);
        assert_eq!(&buf[..len - start], &plain[start..]);
        assert_eq!(opener.read_at(len as u64, &mut buf).unwrap(), 0);
        assert_eq!(opener.read_at(u64::MAX, &mut buf).unwrap(), 0);
    }
}

#[test]
fn ranges_outside_are_refused() {
    let (_, image) = sealed(&plaintext(100));
    let mut opener = RangedOpener::new(image, for_p256).unwrap();
    let mut out = vec![1, 2];
    for (start, len) in [(0, 101), (100, 1), (101, 0), (u64::MAX, 1), (1, u64::MAX)] {
        let error = opener.read_range(start, len, &mut out).unwrap_err();
        assert!(
            matches!(
                error,
                OpenError::Range {
                    plain_length: 100,
                    ..
                }
            ),
            "{error}"
        );
    }
    opener.read_range(100, 0, &mut out).unwrap();
    assert_eq!(out, [1, 2]);
}

#[test]
fn a_cut_image_is_refused_although_its_beginning_is_genuine() {
    let plain = plaintext(3 * CHUNK_LEN + 10);
    let plan = plan("cut", None, vec![]);
    let image = run(&plan, &plain);
    let whole = plan.header().bytes().len() + 2 * SEALED_CHUNK_LEN;
    // Cut behind a chunk: no short last chunk. Cut inside one: what is left does not authenticate.
    for (len, index) in [
        (whole, None),
        (whole + 10, None),
        (whole + 16, Some(2)),
        (whole + 5000, Some(2)),
    ] {
        let error = RangedOpener::new(&image[..len], |_| Ok(key_of(&plan))).unwrap_err();
        match index {
            None => assert!(matches!(error, OpenError::Truncated { chunks: 2 }), "{error}"),
            Some(i) => assert!(
                matches!(error, OpenError::Chunk { index } if index == i),
                "{error}"
            ),
        }
    }
}

#[test]
fn an_altered_chunk_spoils_only_its_own_ranges() {
    let plain = plaintext(3 * CHUNK_LEN + 10);
    let (plan, mut image) = sealed(&plain);
    image[plan.header().bytes().len() + SEALED_CHUNK_LEN] ^= 1;
    let mut opener = RangedOpener::new(image, for_p256).unwrap();
    let mut out = Vec::new();
    let chunk = CHUNK_LEN as u64;
    opener.read_range(0, chunk, &mut out).unwrap();
    opener.read_range(2 * chunk, chunk + 10, &mut out).unwrap();
    assert_eq!(out, [&plain[..CHUNK_LEN], &plain[2 * CHUNK_LEN..]].concat());
    let before = out.clone();
    let error = opener.read_range(0, chunk + 1, &mut out).unwrap_err();
    assert!(matches!(error, OpenError::Chunk { index: 1 }), "{error}");
    assert_eq!(out, before, "a failed range leaves nothing behind");
}

#[test]
fn files_can_be_read_at_any_place() {
    let plain = plaintext(50_000);
    let (plan, image) = sealed(&plain);
    let mut file = tempfile::tempfile().unwrap();
    io::Write::write_all(&mut file, &image).unwrap();
    let mut opener = RangedOpener::new(file, |_| Ok(key_of(&plan))).unwrap();
    let mut out = Vec::new();
    opener.read_range(16_000, 1000, &mut out).unwrap();
    assert_eq!(out, &plain[16_000..17_000]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn ranges_equal_slices_and_read_only_covering_chunks(len in 0u64..400_000, a: u64, b: u64) {
        let plain = plaintext(usize::try_from(len).unwrap());
        let plan = plan("ranges", Some(len), vec![]);
        let image = run(&plan, &plain);
        let source = Counting::new(&image);
        let mut opener = RangedOpener::new(&source, |_| Ok(key_of(&plan))).unwrap();
        source.take_reads();

        let (a, b) = (a % (len + 1), b % (len + 1));
        let (start, end) = (a.min(b), a.max(b));
        let mut out = Vec::new();
        opener.read_range(start, end - start, &mut out).unwrap();
        prop_assert_eq!(&out[..], &plain[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()]);

        let layout = Layout::from_plain_len(plan.header().header_len(), len).unwrap();
        let reads = source.take_reads();
        if start < end {
            let first = Layout::chunk_of(start);
            let until = (Layout::chunk_of(end - 1) + 1).min(layout.last_chunk());
            let mut at = layout.offset(first);
            for read in reads {
                prop_assert_eq!(read.start, at, "in order and without overlap");
                at = read.end;
            }
            prop_assert_eq!(at, layout.offset(first.max(until)), "covering whole chunks, never the last again");
        } else {
            prop_assert!(reads.is_empty());
        }
        let (_, streamed) = open_stream(&image, key_of(&plan));
        prop_assert_eq!(streamed, plain);
    }
}

//! The reader is a file with the plaintext in it: what `Cursor` does over the plaintext it does over the image, and it reads
//! no more of the image than that takes.

use std::cell::Cell;
use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sealift_envelope::{CHUNK_LEN, Layout, OpenError, RangedReader, ReadAt, SEALED_CHUNK_LEN, SealPlan};

use crate::ranged::Counting;
use crate::support::{BOUNDARIES, for_p256, key_of, plaintext, plan, run, sealed};

const SEALED: u64 = SEALED_CHUNK_LEN as u64;

fn reader<'a>(source: &'a Counting<'a>, plan: &SealPlan) -> RangedReader<&'a Counting<'a>> {
    let reader = RangedReader::new(source, |_| Ok(key_of(plan))).unwrap();
    source.take_reads();
    reader
}

fn bytes_read(source: &Counting<'_>) -> u64 {
    source.take_reads().iter().map(|read| read.end - read.start).sum()
}

/// Fails while it is told to.
struct Failing<'a>(&'a Counting<'a>, Cell<bool>);

impl ReadAt for Failing<'_> {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(offset, buf)?;
        match self.1.get() {
            true => Err(io::Error::other("on purpose")),
            false => Ok(()),
        }
    }
}

#[test]
fn errors_have_the_kind_of_their_cause() {
    let range = OpenError::Range {
        start: 1,
        len: 2,
        plain_length: 0,
    };
    for (error, kind) in [
        (range, io::ErrorKind::InvalidInput),
        (
            OpenError::Read(io::ErrorKind::TimedOut.into()),
            io::ErrorKind::TimedOut,
        ),
        (
            OpenError::Write(io::ErrorKind::StorageFull.into()),
            io::ErrorKind::StorageFull,
        ),
        (OpenError::TooLong, io::ErrorKind::InvalidData),
    ] {
        assert_eq!(io::Error::from(error).kind(), kind);
    }
}

#[test]
fn an_empty_buffer_costs_nothing() {
    let (plan, image) = sealed(&plaintext(100_000));
    let source = Counting::new(&image);
    let mut reader = reader(&source, &plan);
    assert_eq!(reader.read(&mut []).unwrap(), 0);
    assert_eq!(bytes_read(&source), 0);
}

#[test]
fn after_a_failure_nothing_is_read_ahead() {
    let plain = plaintext(2_000_000);
    let (plan, image) = sealed(&plain);
    let counting = Counting::new(&image);
    let source = Failing(&counting, Cell::new(false));
    let mut reader = RangedReader::new(&source, |_| Ok(key_of(&plan))).unwrap();
    counting.take_reads();
    let mut piece = [0; CHUNK_LEN];
    let mut most = 0;
    for _ in 0..20 {
        reader.read_exact(&mut piece).unwrap();
        most = most.max(bytes_read(&counting));
    }
    assert!(most > SEALED, "it reads ahead");
    // Until it needs the source again.
    source.1.set(true);
    while reader.read_exact(&mut piece).is_ok() {}
    source.1.set(false);
    counting.take_reads();
    reader.read_exact(&mut [0; 1]).unwrap();
    assert_eq!(bytes_read(&counting), SEALED);
}

#[test]
fn whole_images_come_out_through_std() {
    for len in BOUNDARIES {
        let plain = plaintext(len);
        let (_, image) = sealed(&plain);
        let mut reader = RangedReader::new(&image[..], for_p256).unwrap();
        assert_eq!(reader.plain_length(), len as u64);
        let mut out = Vec::new();
        reader.read_to_end(&mut out).unwrap();
        assert_eq!(out, plain);
        assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
        assert!(reader.fill_buf().unwrap().is_empty());
    }
}

#[test]
fn lines_can_be_read() {
    let text: String = (0..20_000).map(|line| format!("line {line}\n")).collect();
    let (_, image) = sealed(text.as_bytes());
    let reader = RangedReader::new(image, for_p256).unwrap();
    let lines: Vec<String> = reader.lines().map(Result::unwrap).collect();
    assert_eq!(lines.len(), 20_000);
    assert_eq!(lines[12_345], "line 12345");
}

/// Plans are tested for every alignment beside the code; here is what is really read.
#[test]
fn a_read_after_a_seek_costs_the_chunks_that_cover_it() {
    let plain = plaintext(6 * CHUNK_LEN + 100);
    let plan = plan("alignments", Some(plain.len() as u64), vec![]);
    let image = run(&plan, &plain);
    let source = Counting::new(&image);
    let layout = Layout::from_plain_len(plan.header().header_len(), plain.len() as u64).unwrap();
    let starts = (0..CHUNK_LEN).step_by(997).chain([1, 15, 16, 17, 16_382, 16_383]);
    for start in starts {
        for len in [1, 2, 4096, 16_383, 16_384, 16_385, 40_000, 70_000] {
            let mut reader = reader(&source, &plan);
            let mut out = vec![0; len];
            reader.seek(SeekFrom::Start(start as u64)).unwrap();
            reader.read_exact(&mut out).unwrap();
            assert_eq!(out, &plain[start..start + len]);
            let reads = source.take_reads();
            let until = (start + len).div_ceil(CHUNK_LEN) as u64;
            let expected = layout.offset(0)..layout.offset(until);
            assert_eq!(reads, vec![expected], "{start}+{len}");
            let more = until * SEALED - len as u64;
            assert!(
                more < 2 * SEALED + until * 16,
                "at most two chunks beyond the range"
            );
        }
    }
}

#[test]
fn the_tail_of_a_large_read_is_not_read_ahead() {
    let plain = plaintext(60 * CHUNK_LEN);
    let plan = plan("tail", None, vec![]);
    let image = run(&plan, &plain);
    let source = Counting::new(&image);
    let mut reader = reader(&source, &plan);
    let mut out = vec![0; 33 * CHUNK_LEN + 5];
    reader.seek(SeekFrom::Start(3)).unwrap();
    reader.read_exact(&mut out).unwrap();
    assert_eq!(out, &plain[3..][..out.len()]);
    let reads = source.take_reads();
    assert_eq!(reads.len(), 5, "34 chunks, eight at a time: {reads:?}");
    assert_eq!(reads.last().unwrap().end - reads[0].start, 34 * SEALED);
}

#[test]
fn small_reads_in_a_row_are_joined() {
    let plain = plaintext(64 * CHUNK_LEN);
    let plan = plan("joined", None, vec![]);
    let image = run(&plan, &plain);
    let source = Counting::new(&image);
    let mut reader = reader(&source, &plan);
    let mut piece = [0; 1000];
    let mut out = Vec::new();
    loop {
        match reader.read(&mut piece).unwrap() {
            0 => break,
            count => out.extend_from_slice(&piece[..count]),
        }
    }
    assert_eq!(out, plain);
    let reads = source.take_reads();
    let chunks: Vec<u64> = reads
        .iter()
        .map(|read| (read.end - read.start) / SEALED)
        .collect();
    assert_eq!(
        chunks,
        [1, 1, 2, 4, 8, 8, 8, 8, 8, 8, 8],
        "growing, and each chunk once"
    );
}

#[test]
fn what_is_kept_is_not_read_again_and_is_bounded() {
    let plain = plaintext(40 * CHUNK_LEN);
    let plan = plan("kept", None, vec![]);
    let image = run(&plan, &plain);
    let source = Counting::new(&image);
    let mut reader = reader(&source, &plan);
    let mut look = |chunk: usize| {
        let mut byte = [0];
        reader.seek(SeekFrom::Start((chunk * CHUNK_LEN) as u64)).unwrap();
        reader.read_exact(&mut byte).unwrap();
        assert_eq!(byte[0], plain[chunk * CHUNK_LEN]);
        bytes_read(&source) / SEALED
    };
    // Twelve chunks stay, in whatever order they are looked at.
    let places: Vec<usize> = (0..12).map(|place| place * 3).collect();
    assert!(places.iter().all(|place| look(*place) == 1));
    assert!(places.iter().rev().all(|place| look(*place) == 0));
    // The thirteenth pushes out the one not looked at for longest.
    assert_eq!(look(38), 1);
    assert_eq!(look(0), 0);
    assert_eq!(look(33), 1);
}

/// The figure for the documentation: `cargo test -p sealift-envelope amplification -- --nocapture`.
#[test]
fn amplification_of_random_reads() {
    let plain = plaintext(4 << 20);
    let plan = plan("amplification", Some(plain.len() as u64), vec![]);
    let image = run(&plan, &plain);
    let source = Counting::new(&image);
    for len in [1u64, 512, 4096, 65_536, 1 << 20] {
        let (mut read, rounds) = (0, 20u64);
        for round in 0..rounds {
            let mut reader = reader(&source, &plan);
            let start = round.wrapping_mul(0x9e37_79b9_7f4a_7c15) % (plain.len() as u64 - len);
            let mut out = vec![0; usize::try_from(len).unwrap()];
            reader.seek(SeekFrom::Start(start)).unwrap();
            reader.read_exact(&mut out).unwrap();
            let cost = bytes_read(&source);
            assert!(cost <= (len.div_ceil(CHUNK_LEN as u64) + 1) * SEALED);
            read += cost;
        }
        println!(
            "random reads of {len} bytes: {} bytes of the image each",
            read / rounds
        );
    }
}

#[derive(Debug, Clone)]
enum Step {
    Seek(SeekFrom),
    Read(usize),
    ReadExact(usize),
    Consume(usize),
}

fn steps(len: u64) -> impl Strategy<Value = Vec<Step>> {
    let near = i64::try_from(len).unwrap() + 20_000;
    let small = -40_000i64..40_000;
    let step = prop_oneof![
        (0..len + 20_000).prop_map(|at| Step::Seek(SeekFrom::Start(at))),
        (-near..20_000).prop_map(|by| Step::Seek(SeekFrom::End(by))),
        small.prop_map(|by| Step::Seek(SeekFrom::Current(by))),
        prop_oneof![Just(u64::MAX), Just(i64::MAX as u64)].prop_map(|at| Step::Seek(SeekFrom::Start(at))),
        prop_oneof![Just(i64::MAX), Just(i64::MIN)].prop_map(|by| Step::Seek(SeekFrom::Current(by))),
        (0usize..50_000).prop_map(Step::Read),
        (0usize..300).prop_map(Step::Read),
        (0usize..200_000).prop_map(Step::ReadExact),
        (0usize..20_000).prop_map(Step::Consume),
    ];
    proptest::collection::vec(step, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_does_what_a_cursor_does((len, steps) in (0u64..500_000).prop_flat_map(|len| (Just(len), steps(len)))) {
        let plain = plaintext(usize::try_from(len).unwrap());
        let plan = plan("sequences", Some(len), vec![]);
        let image = run(&plan, &plain);
        let mut reader = RangedReader::new(&image[..], |_| Ok(key_of(&plan))).unwrap();
        let mut cursor = Cursor::new(&plain[..]);
        for step in steps {
            match step {
                Step::Seek(to) => match (reader.seek(to), cursor.seek(to)) {
                    (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs),
                    (Err(ours), Err(theirs)) => prop_assert_eq!(ours.kind(), theirs.kind()),
                    (ours, theirs) => prop_assert!(false, "{:?} {:?} {:?}", to, ours, theirs),
                },
                Step::Read(count) => {
                    let mut buf = vec![0; count];
                    let got = reader.read(&mut buf).unwrap();
                    let mut same = vec![0; got];
                    cursor.read_exact(&mut same).unwrap();
                    prop_assert_eq!(&buf[..got], &same[..]);
                    let at_end = cursor.position() >= len;
                    prop_assert!(got > 0 || count == 0 || at_end, "short of the end a read gives something");
                }
                Step::ReadExact(count) => {
                    let mut buf = vec![0; count];
                    let before = cursor.position();
                    let ours = reader.read_exact(&mut buf).map_err(|error| error.kind());
                    let mut same = vec![0; count];
                    match cursor.read_exact(&mut same).map_err(|error| error.kind()) {
                        Ok(()) => {
                            prop_assert_eq!(ours, Ok(()));
                            prop_assert_eq!(buf, same);
                        }
                        Err(kind) => {
                            prop_assert_eq!(ours, Err(kind));
                            cursor.set_position(before);
                        }
                    }
                }
                Step::Consume(count) => {
                    let found = reader.fill_buf().unwrap().to_vec();
                    prop_assert!(cursor.fill_buf().unwrap().starts_with(&found));
                    prop_assert_eq!(found.is_empty(), cursor.fill_buf().unwrap().is_empty());
                    let count = count.min(found.len());
                    reader.consume(count);
                    cursor.consume(count);
                }
            }
            prop_assert_eq!(reader.stream_position().unwrap(), cursor.position());
        }
    }
}

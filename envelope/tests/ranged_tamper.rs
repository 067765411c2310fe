//! What a hostile store can do to random access: nothing but refuse it.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use sealift_envelope::{CHUNK_LEN, ClaimedLength, OpenError, RangedReader, ReadAt, SEALED_CHUNK_LEN};

use crate::support::{key_of, plaintext, plan, run};

const CHUNK: u64 = CHUNK_LEN as u64;

/// The library's error inside of an I/O error.
pub(crate) fn inner(error: &io::Error) -> &OpenError {
    error.get_ref().unwrap().downcast_ref().unwrap()
}

fn refused_chunk(error: &io::Error, wanted: u64) -> bool {
    error.kind() == ErrorKind::InvalidData
        && matches!(inner(error), OpenError::Chunk { index } if *index == wanted)
}

#[test]
fn a_flipped_chunk_is_refused_only_by_reads_that_touch_it() {
    let plain = plaintext(30 * CHUNK_LEN + 9);
    let plan = plan("flipped", None, vec![]);
    let mut image = run(&plan, &plain);
    image[plan.header().bytes().len() + 5 * SEALED_CHUNK_LEN + 77] ^= 4;
    let mut reader = RangedReader::new(image, |_| Ok(key_of(&plan))).unwrap();

    // In a row: all before it comes out although it was read ahead, then the same error every time, at the same position.
    let mut out = Vec::new();
    let error = reader.read_to_end(&mut out).unwrap_err();
    assert!(refused_chunk(&error, 5), "{error:?}");
    assert_eq!(out, &plain[..5 * CHUNK_LEN]);
    for _ in 0..3 {
        assert_eq!(reader.stream_position().unwrap(), 5 * CHUNK);
        assert!(refused_chunk(&reader.read(&mut [0; 10]).unwrap_err(), 5));
    }
    // Elsewhere: everything.
    out.clear();
    reader.seek(SeekFrom::Start(6 * CHUNK)).unwrap();
    reader.read_to_end(&mut out).unwrap();
    assert_eq!(out, &plain[6 * CHUNK_LEN..]);
    // A read that needs it for its last byte only.
    reader.seek(SeekFrom::Start(CHUNK)).unwrap();
    let mut across = vec![0; 4 * CHUNK_LEN + 1];
    assert!(refused_chunk(&reader.read_exact(&mut across).unwrap_err(), 5));
    assert_eq!(
        reader.stream_position().unwrap(),
        CHUNK,
        "a failed read_exact does not move"
    );
    reader.read_exact(&mut across[..4 * CHUNK_LEN]).unwrap();
    assert_eq!(&across[..4 * CHUNK_LEN], &plain[CHUNK_LEN..5 * CHUNK_LEN]);
}

#[test]
fn swapped_and_repeated_chunks_are_refused() {
    let plain = plaintext(6 * CHUNK_LEN);
    let plan = plan("swapped", None, vec![]);
    let genuine = run(&plan, &plain);
    let place = |index: usize| plan.header().bytes().len() + index * SEALED_CHUNK_LEN;
    let mut swapped = genuine.clone();
    let (front, back) = swapped.split_at_mut(place(3));
    front[place(1)..place(2)].swap_with_slice(&mut back[..SEALED_CHUNK_LEN]);
    let mut repeated = genuine.clone();
    repeated.copy_within(place(0)..place(1), place(1));
    for (image, wrong) in [(swapped, &[1, 3][..]), (repeated, &[1])] {
        let mut reader = RangedReader::new(image, |_| Ok(key_of(&plan))).unwrap();
        for chunk in 0..6 {
            let mut out = [0; 50];
            reader.seek(SeekFrom::Start(chunk * CHUNK + 5)).unwrap();
            match reader.read_exact(&mut out) {
                Ok(()) => assert_eq!(out, plain[chunk as usize * CHUNK_LEN + 5..][..50]),
                Err(error) => assert!(wrong.contains(&chunk) && refused_chunk(&error, chunk)),
            }
        }
    }
}

/// A length claim that is wrong by a byte, a chunk or a tag, downwards or upwards, opens nothing.
#[test]
fn cut_and_extended_objects_are_refused_before_anything_is_read() {
    for len in [0, 5, CHUNK_LEN - 1, CHUNK_LEN, 3 * CHUNK_LEN + 10, 4 * CHUNK_LEN] {
        let plain = plaintext(len);
        let plan = plan("cut", None, vec![]);
        let image = run(&plan, &plain);
        let header_len = plan.header().bytes().len();
        for less in [1, 15, 16, 17, SEALED_CHUNK_LEN, SEALED_CHUNK_LEN + 1] {
            let Some(cut) = image.len().checked_sub(less).filter(|cut| *cut >= header_len) else {
                continue;
            };
            let error = RangedReader::new(&image[..cut], |_| Ok(key_of(&plan))).unwrap_err();
            assert!(
                matches!(error, OpenError::Chunk { .. } | OpenError::Truncated { .. }),
                "{len} - {less}: {error}"
            );
        }
        for more in [1, 16, 17, SEALED_CHUNK_LEN, SEALED_CHUNK_LEN + 16] {
            let extended = [&image[..], &vec![0; more]].concat();
            let repeated = [&image[..], &image[image.len() - more.min(image.len())..]].concat();
            for image in [extended, repeated] {
                assert!(
                    RangedReader::new(image, |_| Ok(key_of(&plan))).is_err(),
                    "{len} + {more}"
                );
            }
        }
    }
}

#[test]
fn another_images_header_or_key_is_refused() {
    let plain = plaintext(2 * CHUNK_LEN);
    let (one, two) = (plan("one", None, vec![]), plan("two", None, vec![]));
    let (first, second) = (run(&one, &plain), run(&two, &plain));
    let header_len = one.header().bytes().len();
    let mixed = [&first[..header_len], &second[header_len..]].concat();
    let error = RangedReader::new(&mixed[..], |_| Ok(key_of(&one))).unwrap_err();
    assert!(matches!(error, OpenError::Chunk { index: 2 }), "{error}");
    let error = RangedReader::new(&mixed[..], |_| Ok(key_of(&two))).unwrap_err();
    assert!(matches!(error, OpenError::Commitment), "{error}");
    // A chunk of the other image in the place of our own.
    let mut mixed = first.clone();
    mixed[header_len..][..SEALED_CHUNK_LEN].copy_from_slice(&second[header_len..][..SEALED_CHUNK_LEN]);
    let mut reader = RangedReader::new(mixed, |_| Ok(key_of(&one))).unwrap();
    assert!(refused_chunk(&reader.read(&mut [0; 1]).unwrap_err(), 0));
}

/// Can be told to lie, to fail, and to turn into something else.
struct Moody {
    bytes: RefCell<Vec<u8>>,
    claims: Cell<Option<u64>>,
    fails: Cell<Option<ErrorKind>>,
}

impl Moody {
    fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes: RefCell::new(bytes),
            claims: Cell::new(None),
            fails: Cell::new(None),
        }
    }
}

impl ReadAt for Moody {
    fn size(&self) -> io::Result<u64> {
        Ok(self.claims.get().unwrap_or(self.bytes.borrow().len() as u64))
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        match self.fails.get() {
            Some(kind) => Err(kind.into()),
            None => self.bytes.borrow().read_exact_at(offset, buf),
        }
    }
}

#[test]
fn a_source_that_lies_about_its_size_is_refused() {
    let plan = plan("size", None, vec![]);
    let image = run(&plan, &plaintext(3 * CHUNK_LEN + 10));
    let len = image.len() as u64;
    let source = Moody::new(image);
    let sealed = SEALED_CHUNK_LEN as u64;
    let lies = [
        0,
        1,
        74,
        len - 1,
        len - 26,
        len - sealed,
        len + 1,
        len + sealed,
        1 << 32,
        1 << 52,
        u64::MAX,
    ];
    for lie in lies {
        source.claims.set(Some(lie));
        let opened = RangedReader::new(&source, |_| Ok(key_of(&plan)));
        assert!(opened.is_err(), "{lie}");
    }
    source.claims.set(Some(len));
    assert!(RangedReader::new(&source, |_| Ok(key_of(&plan))).is_ok());
}

#[test]
fn an_object_that_is_replaced_between_two_reads_is_refused() {
    let plain = plaintext(20 * CHUNK_LEN);
    let plan_a = plan("before", None, vec![]);
    let plan_b = plan("after", None, vec![]);
    let source = Moody::new(run(&plan_a, &plain));
    let mut reader = RangedReader::new(&source, |_| Ok(key_of(&plan_a))).unwrap();
    let mut out = [0; 100];
    reader.read_exact(&mut out).unwrap();
    *source.bytes.borrow_mut() = run(&plan_b, &plain);
    reader.seek(SeekFrom::Start(10 * CHUNK)).unwrap();
    assert!(refused_chunk(&reader.read_exact(&mut out).unwrap_err(), 10));
    // What was opened before is genuine still.
    reader.seek(SeekFrom::Start(50)).unwrap();
    reader.read_exact(&mut out).unwrap();
    assert_eq!(out, plain[50..150]);
}

#[test]
fn a_source_that_fails_can_be_asked_again() {
    let plain = plaintext(5 * CHUNK_LEN);
    let plan = plan("fails", None, vec![]);
    let source = Moody::new(run(&plan, &plain));
    let mut reader = RangedReader::new(&source, |_| Ok(key_of(&plan))).unwrap();
    reader.seek(SeekFrom::Start(CHUNK + 1)).unwrap();
    let mut out = [0; 20];
    for kind in [
        ErrorKind::TimedOut,
        ErrorKind::ConnectionReset,
        ErrorKind::UnexpectedEof,
    ] {
        source.fails.set(Some(kind));
        let error = reader.read_exact(&mut out).unwrap_err();
        assert_eq!(error.kind(), kind, "the kind is the source's");
        assert!(matches!(inner(&error), OpenError::Read(_)));
        assert_eq!(out, [0; 20]);
    }
    source.fails.set(None);
    reader.read_exact(&mut out).unwrap();
    assert_eq!(out, plain[CHUNK_LEN + 1..][..20]);
}

#[test]
fn a_core_takes_answers_of_the_right_length_only() {
    let plan = plan("answers", None, vec![]);
    let image = run(&plan, &plaintext(3 * CHUNK_LEN + 10));
    let claim = || ClaimedLength::new(plan.header().clone(), &key_of(&plan), image.len() as u64).unwrap();
    let at = |range: std::ops::Range<u64>| &image[range.start as usize..range.end as usize];
    let last = at(claim().last_chunk());
    for wrong in [&last[1..], &last[..last.len() - 1], &[][..], &image[..]] {
        let error = claim().prove(wrong).unwrap_err();
        assert!(matches!(error, OpenError::Answer { asked: 26, .. }), "{error}");
    }
    let core = claim().prove(last).unwrap();
    let chunks = core.plan(&(5..CHUNK + 5)).unwrap();
    let range = core.sealed_range(chunks);
    let mut out = Vec::new();
    for wrong in [range.start..range.end - 1, range.start..range.end + 1, 0..0] {
        let error = core.open(chunks, at(wrong), &mut out).unwrap_err();
        assert!(matches!(error, OpenError::Answer { .. }), "{error}");
        assert!(out.is_empty());
    }
    core.open(chunks, at(range), &mut out).unwrap();
    assert_eq!(out.len(), 2 * CHUNK_LEN);
}

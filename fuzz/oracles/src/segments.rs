//! Oracle of segment lists.

use std::sync::OnceLock;

use sealift_envelope::{Digest, MAX_SEGMENT_LIST_LEN, SegmentAlg, SegmentHasher, SegmentList, SegmentSize};
use sha2::{Digest as _, Sha256};

use crate::edit;

const ALGS: [SegmentAlg; 2] = [SegmentAlg::Blake3, SegmentAlg::Sha256];
const DIGEST_LEN: usize = 32;
/// Three whole segments of the smallest size, and a part of one.
const OBJECT_LEN: usize = 200_000;

/// A list is accepted exactly if it has one digest for each segment; it vouches for exactly the bytes it was made of.
///
/// The first byte chooses the algorithm and, with its highest bit, what the rest is: a list behind the length of its object
/// (eight bytes), or edits to an object whose list is known. The second is the segment size, or how the object is cut.
pub fn segments(input: &[u8]) {
    let Some((&[selector, second], rest)) = input.split_first_chunk() else {
        return;
    };
    let alg = ALGS[usize::from(selector & 1)];
    if selector & 0x80 != 0 {
        return object(alg, usize::from(second) * 257 + 1, rest);
    }
    let Some((length, list)) = rest.split_first_chunk() else {
        return;
    };
    let length = u64::from_be_bytes(*length);
    sizes(length);
    parsed(
        list,
        alg,
        SegmentSize::new(1 << (16 + second % 11)).unwrap(),
        length,
    );
}

fn sizes(number: u64) {
    let allowed = (16..=26).any(|shift| number == 1 << shift);
    assert_eq!(
        SegmentSize::new(number).is_ok(),
        allowed,
        "a power of two, 64 KiB to 64 MiB"
    );
    let listed = |size: SegmentSize| u128::from(number.div_ceil(size.bytes())) * DIGEST_LEN as u128;
    let cap = MAX_SEGMENT_LIST_LEN as u128;
    match SegmentSize::fitting(number) {
        Some(size) => {
            let smaller = SegmentSize::new(size.bytes() / 2).unwrap();
            assert!(
                listed(size) <= cap && (size == SegmentSize::default() || listed(smaller) > cap),
                "the smallest size that fits"
            );
        }
        None => assert!(listed(SegmentSize::MAX) > cap, "a size would fit"),
    }
}

fn parsed(bytes: &[u8], alg: SegmentAlg, size: SegmentSize, length: u64) {
    let result = SegmentList::parse(bytes, alg, size, length);
    let needed = u128::from(length.div_ceil(size.bytes())) * DIGEST_LEN as u128;
    let fits = needed == bytes.len() as u128 && bytes.len() <= MAX_SEGMENT_LIST_LEN;
    assert_eq!(result.is_ok(), fits, "one digest for each segment");
    let Ok(list) = result else { return };
    assert_eq!(list.bytes(), bytes, "a list comes out as it went in");
    assert_eq!(list.digest(), Digest::of(bytes), "the list's own digest");
    let mut end = 0;
    for index in 0..list.count() {
        let range = list.segment_range(index).unwrap();
        assert!(
            range.start == end && range.start < range.end && range.end - range.start <= size.bytes(),
            "segments lie side by side"
        );
        assert!(!list.check(index, &[]), "a segment is never empty");
        end = range.end;
    }
    assert_eq!(end, length, "segments cover the object");
    assert_eq!(
        list.segment_range(list.count()),
        None,
        "nothing is behind the last"
    );
}

fn object(alg: SegmentAlg, piece: usize, edits: &[u8]) {
    static GENUINE: OnceLock<(Vec<u8>, [SegmentList; 2])> = OnceLock::new();
    let (genuine, lists) = GENUINE.get_or_init(|| {
        let byte = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0];
        let bytes: Vec<u8> = (0..).map(byte).take(OBJECT_LEN).collect();
        let lists = ALGS.map(|alg| made(&bytes, alg, OBJECT_LEN));
        (bytes, lists)
    });
    let list = &lists[usize::from(alg == SegmentAlg::Sha256)];
    let edited = edit::apply(edits, genuine);
    let segment = |bytes: &[u8], index: usize| {
        let size = usize::try_from(SegmentSize::MIN.bytes()).unwrap();
        bytes.chunks(size).nth(index).map(<[u8]>::to_vec)
    };
    for index in 0..edited.len().div_ceil(65_536).max(4) {
        let found = segment(&edited, index).unwrap_or_default();
        let same = Some(&found) == segment(genuine, index).as_ref();
        assert_eq!(
            list.check(index as u64, &found),
            same,
            "only the genuine segment passes"
        );
    }
    let again = made(&edited, alg, piece);
    assert_eq!(
        again.object_length(),
        edited.len() as u64,
        "all bytes are counted"
    );
    assert_eq!(again == *list, edited == *genuine, "two objects, one list");
    let hashes: Vec<u8> = edited.chunks(65_536).flat_map(|bytes| hash(alg, bytes)).collect();
    assert_eq!(
        again.bytes(),
        hashes,
        "the plain hashes, however the object is cut"
    );
}

fn made(bytes: &[u8], alg: SegmentAlg, piece: usize) -> SegmentList {
    let mut hasher = SegmentHasher::new(alg, SegmentSize::MIN);
    for piece in bytes.chunks(piece) {
        hasher.push(piece).unwrap();
    }
    hasher.finish().unwrap()
}

fn hash(alg: SegmentAlg, bytes: &[u8]) -> [u8; DIGEST_LEN] {
    match alg {
        SegmentAlg::Blake3 => *blake3::hash(bytes).as_bytes(),
        _ => Sha256::digest(bytes).into(),
    }
}

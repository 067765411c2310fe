//! Segment digests of a sealed image.

use sealift_envelope::{
    Digest, FormatError, SealError, SealParams, SealPlan, SegmentAlg, SegmentHasher, SegmentList, SegmentSize,
};

use crate::support::{TestRng, plaintext};

const SIZE: SegmentSize = SegmentSize::MIN;

fn list_of(bytes: &[u8], alg: SegmentAlg) -> SegmentList {
    let mut hasher = SegmentHasher::new(alg, SIZE);
    for piece in bytes.chunks(10_007) {
        hasher.push(piece).unwrap();
    }
    hasher.finish().unwrap()
}

#[test]
fn every_segment_is_checked_by_length_and_digest() {
    for alg in [SegmentAlg::Blake3, SegmentAlg::Sha256] {
        for len in [0, 1, 65_535, 65_536, 65_537, 200_000] {
            let bytes = plaintext(len);
            let list = list_of(&bytes, alg);
            assert_eq!(list.count(), (len as u64).div_ceil(65_536));
            assert_eq!(list.object_length(), len as u64);
            for (index, segment) in (0..).zip(bytes.chunks(65_536)) {
                let range = list.segment_range(index).unwrap();
                assert_eq!(range.start, index * 65_536);
                assert_eq!(range.end - range.start, segment.len() as u64);
                assert!(list.check(index, segment));
                assert!(!list.check(index + 1, segment));
                assert!(!list.check(index, &segment[1..]));
                let mut altered = segment.to_vec();
                altered[segment.len() / 2] ^= 1;
                assert!(!list.check(index, &altered));
            }
            assert_eq!(list.segment_range(list.count()), None);
            assert_eq!(list.segment_range(u64::MAX), None);
            assert!(!list.check(list.count(), b""));
            let parsed = SegmentList::parse(list.bytes(), alg, SIZE, len as u64).unwrap();
            assert_eq!(parsed, list);
        }
    }
}

#[test]
fn digests_are_the_plain_hashes() {
    let bytes = plaintext(70_000);
    let blake = list_of(&bytes, SegmentAlg::Blake3);
    assert_eq!(blake.bytes()[..32], *blake3::hash(&bytes[..65_536]).as_bytes());
    let sha = list_of(&bytes, SegmentAlg::Sha256);
    assert_eq!(sha.bytes()[32..], Digest::of(&bytes[65_536..]).sha256);
    assert_eq!(sha.digest(), Digest::of(sha.bytes()));
}

#[test]
fn sealing_makes_the_list_of_the_sealed_bytes() {
    for alg in [SegmentAlg::Blake3, SegmentAlg::Sha256] {
        let params = SealParams {
            segment_alg: alg,
            segment_size: SIZE,
            ..SealParams::default()
        };
        for len in [0, 65_536, 500_000] {
            // A plan runs over one plaintext only.
            let plan = SealPlan::new(params.clone(), &mut TestRng::new("segments")).unwrap();
            let mut image = Vec::new();
            let sealed = plan
                .run(plaintext(len).as_slice(), &mut image, &mut |_| {})
                .unwrap();
            assert_eq!(sealed.segments, list_of(&image, alg));
        }
    }
}

#[test]
fn lists_of_another_length_are_refused() {
    let list = list_of(&plaintext(200_000), SegmentAlg::Blake3);
    for length in [0, 196_608, 262_145, u64::MAX] {
        assert!(
            SegmentList::parse(list.bytes(), SegmentAlg::Blake3, SIZE, length).is_err(),
            "{length}"
        );
    }
    assert!(SegmentList::parse(&list.bytes()[1..], SegmentAlg::Blake3, SIZE, 200_000).is_err());
    let long = vec![0; 8 * 1024 * 1024 + 32];
    let error = SegmentList::parse(&long, SegmentAlg::Blake3, SIZE, 262_145 * 65_536).unwrap_err();
    assert!(
        matches!(error, FormatError::TooLarge { cap: 8_388_608, .. }),
        "{error}"
    );
    assert!(SegmentList::parse(&long[32..], SegmentAlg::Blake3, SIZE, 262_144 * 65_536).is_ok());
}

#[test]
fn sizes_are_powers_of_two_between_64_kib_and_64_mib() {
    for bytes in [0, 1, 65_535, 32_768, 65_537, 1 << 27, u64::MAX] {
        assert!(SegmentSize::new(bytes).is_err(), "{bytes}");
    }
    for shift in 16..=26 {
        assert_eq!(SegmentSize::new(1 << shift).unwrap().bytes(), 1 << shift);
    }
    assert_eq!(SegmentSize::fitting(0), Some(SegmentSize::default()));
    assert_eq!(SegmentSize::fitting(1 << 38), Some(SegmentSize::default()));
    assert_eq!(
        SegmentSize::fitting((1 << 38) + 1),
        Some(SegmentSize::new(1 << 21).unwrap())
    );
    assert_eq!(SegmentSize::fitting(1 << 44), Some(SegmentSize::MAX));
    assert_eq!(SegmentSize::fitting((1 << 44) + 1), None);
}

#[test]
fn an_image_too_long_for_its_segment_size_is_refused_at_once() {
    let params = SealParams {
        plain_length: Some(1 << 35),
        segment_size: SIZE,
        ..SealParams::default()
    };
    let plan = SealPlan::new(params, &mut TestRng::new("too long"));
    assert!(matches!(plan, Err(SealError::SegmentList { size: SIZE })));
}

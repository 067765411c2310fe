use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

#[test]
fn known_lengths() {
    // (plaintext, chunks, sealed bytes behind a header of 100)
    let table = [
        (0, 1, 116),
        (1, 1, 117),
        (16_383, 1, 16_499),
        (16_384, 2, 16_516),
        (16_385, 2, 16_517),
        ((2 << 30) - 1, 131_072, 100 + 131_071 * 16_400 + 16_399),
        (2 << 30, 131_073, 100 + 131_072 * 16_400 + 16),
        ((4 << 30) - 1, 262_144, 100 + 262_143 * 16_400 + 16_399),
        (4 << 30, 262_145, 100 + 262_144 * 16_400 + 16),
        ((4 << 30) + 1, 262_145, 100 + 262_144 * 16_400 + 17),
        (1 << 46, (1 << 32) + 1, 100 + (1 << 32) * 16_400 + 16),
        (MAX_PLAIN_LEN, 1 << 38, 100 + ((1 << 38) - 1) * 16_400 + 16_399),
    ];
    for (plain, chunks, sealed) in table {
        let layout = Layout::from_plain_len(100, plain).unwrap();
        assert_eq!(layout.last_chunk() + 1, chunks, "{plain}");
        assert_eq!(layout.sealed_len(), sealed, "{plain}");
        assert_eq!(Layout::from_sealed_len(100, sealed).unwrap(), layout, "{plain}");
    }
}

#[test]
fn beyond_the_format() {
    assert_eq!(Layout::from_plain_len(100, MAX_PLAIN_LEN + 1), None);
    assert_eq!(Layout::from_plain_len(u64::MAX, 0), None);
    let longest = Layout::from_plain_len(100, MAX_PLAIN_LEN).unwrap().sealed_len();
    assert!(matches!(
        Layout::from_sealed_len(100, longest + 1),
        Err(OpenError::TooLong)
    ));
    assert!(matches!(
        Layout::from_sealed_len(100, longest + 17),
        Err(OpenError::TooLong)
    ));
    assert!(matches!(
        Layout::from_sealed_len(100, u64::MAX),
        Err(OpenError::TooLong)
    ));
    assert!(matches!(
        Layout::from_sealed_len(0, u64::MAX),
        Err(OpenError::TooLong)
    ));
}

#[test]
fn lengths_that_no_image_has() {
    for (sealed, chunks) in [
        (0, 0),
        (99, 0),
        (100, 0),
        (115, 0),
        (16_500, 1),
        (16_515, 1),
        (32_900, 2),
    ] {
        let error = Layout::from_sealed_len(100, sealed).unwrap_err();
        assert!(
            matches!(error, OpenError::Truncated { chunks: c } if c == chunks),
            "{sealed}: {error}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn lengths_and_offsets_agree(plain in 0..=MAX_PLAIN_LEN, header in 74u64..=65_536) {
        let layout = Layout::from_plain_len(header, plain).unwrap();
        prop_assert_eq!(Layout::from_sealed_len(header, layout.sealed_len()).unwrap(), layout);
        prop_assert_eq!(layout.plain_len(), plain);
        let last = layout.last_chunk();
        prop_assert!(layout.chunk_len(last) < CHUNK_LEN);
        prop_assert_eq!(layout.offset(last) + layout.chunk_len(last) as u64 + 16, layout.sealed_len());
        prop_assert_eq!(last * CHUNK_LEN as u64 + layout.chunk_len(last) as u64, plain);
    }

    #[test]
    fn every_byte_has_its_chunk(plain in 1..=MAX_PLAIN_LEN, at: u64) {
        let layout = Layout::from_plain_len(100, plain).unwrap();
        let at = at % plain;
        let chunk = Layout::chunk_of(at);
        prop_assert!(chunk <= layout.last_chunk());
        prop_assert!(at - chunk * 16_384 < layout.chunk_len(chunk) as u64);
        prop_assert_eq!(layout.offset(chunk), 100 + chunk * 16_400);
    }

    #[test]
    fn any_sealed_length_is_answered(header in 0u64..=65_536, sealed: u64) {
        if let Ok(layout) = Layout::from_sealed_len(header, sealed) {
            prop_assert_eq!(layout.sealed_len(), sealed);
        }
    }
}

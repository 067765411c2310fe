//! Headers that are not exactly what the format says are refused, with the reason.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sealift_envelope::{FormatError, Header};

use crate::support::{P256, parse_error, plan};

/// prefix, immutable, recipients and tail put together by hand.
fn header(version: u16, immutable: &[u8], recipients: &[u8]) -> Vec<u8> {
    let mut bytes = b"SEALIFT\0".to_vec();
    bytes.extend(version.to_be_bytes());
    bytes.extend(u32::try_from(immutable.len()).unwrap().to_be_bytes());
    bytes.extend(immutable);
    bytes.extend(u32::try_from(recipients.len()).unwrap().to_be_bytes());
    bytes.extend(recipients);
    bytes.extend([0xAA; 56]);
    bytes
}

/// {1: 1, 2: null, 3: "a", 4: 16 bytes}
fn immutable() -> Vec<u8> {
    let mut bytes = vec![0xA4, 1, 1, 2, 0xF6, 3, 0x61, b'a', 4, 0x50];
    bytes.extend([0x11; 16]);
    bytes
}

#[test]
fn the_smallest_header_parses() {
    let bytes = header(1, &immutable(), &[0x80]);
    let (parsed, len) = Header::parse(&bytes).unwrap();
    assert_eq!(len, bytes.len());
    assert_eq!(
        (parsed.plain_length(), parsed.media_type(), parsed.stanzas().len()),
        (None, "a", 0)
    );
    assert_eq!(parsed.bytes(), bytes);
    // What follows is not looked at.
    let longer = [bytes.as_slice(), &[1, 2, 3]].concat();
    assert_eq!(Header::parse(&longer).unwrap(), (parsed, len));
}

#[test]
fn other_magic_version_suite_and_recipient_type() {
    let mut bytes = header(1, &immutable(), &[0x80]);
    bytes[7] = 1;
    assert!(matches!(parse_error(&bytes), FormatError::Magic { .. }));
    for version in [0, 2, 0xFFFF] {
        let error = parse_error(&header(version, &immutable(), &[0x80]));
        assert!(matches!(error, FormatError::Version { version: v, .. } if v == version));
    }
    let mut suite = immutable();
    suite[2] = 2;
    assert_eq!(parse_error(&header(1, &suite, &[0x80])), FormatError::Suite(2));

    let good = plan("stanza", None, vec![P256.public()]);
    let at = good.header().bytes().len() - 56 - 153;
    for wrap in [0, 4, 5, 23] {
        let mut bytes = good.header().bytes().to_vec();
        assert_eq!(bytes[at..at + 2], [0x84, 1]);
        bytes[at + 1] = wrap;
        assert_eq!(parse_error(&bytes), FormatError::Wrap(wrap.into()));
    }
}

#[test]
fn cbor_in_any_other_than_its_one_form() {
    let long_int = [&immutable()[..2], &[0x18, 1], &immutable()[3..]].concat();
    let indefinite_map = [&[0xBF], &immutable()[1..], &[0xFF]].concat();
    let indefinite_text = [&immutable()[..6], &[0x7F, 0x61, b'a', 0xFF], &immutable()[8..]].concat();
    let duplicate_key = [&[0xA4, 1, 1, 1, 1], &immutable()[5..]].concat();
    let misordered = [&[0xA4, 2, 0xF6, 1, 1], &immutable()[5..]].concat();
    let extra_key = [&[0xA5], &immutable()[1..], &[5, 0]].concat();
    let missing_key = vec![0xA2, 1, 1, 2, 0xF6];
    let tagged = [&immutable()[..4], &[0xC1, 0], &immutable()[5..]].concat();
    let undefined = [&immutable()[..4], &[0xF7], &immutable()[5..]].concat();
    let negative = [&immutable()[..4], &[0x20], &immutable()[5..]].concat();
    let short_id = immutable()[..25].to_vec();
    let no_utf8 = [&immutable()[..7], &[0xFF], &immutable()[8..]].concat();
    let cases = [
        long_int,
        indefinite_map,
        indefinite_text,
        duplicate_key,
        misordered,
        extra_key,
        missing_key,
        tagged,
        undefined,
        negative,
        short_id,
        no_utf8,
        vec![],
        vec![0x80],
    ];
    for case in cases {
        let error = parse_error(&header(1, &case, &[0x80]));
        assert!(
            matches!(error, FormatError::Cbor { .. }),
            "{}: {error}",
            hex::encode(case)
        );
    }
    let trailing = [&immutable()[..], &[0]].concat();
    assert!(matches!(
        parse_error(&header(1, &trailing, &[0x80])),
        FormatError::Trailing { .. }
    ));
    for recipients in [
        vec![],
        vec![0x98, 0],
        vec![0x9F, 0xFF],
        vec![0xA0],
        vec![0x81],
        vec![0x81, 0x80],
    ] {
        assert!(
            Header::parse(&header(1, &immutable(), &recipients)).is_err(),
            "{recipients:?}"
        );
    }
    assert!(matches!(
        parse_error(&header(1, &immutable(), &[0x80, 0x80])),
        FormatError::Trailing { .. }
    ));
}

#[test]
fn media_types_are_printable_ascii() {
    for bad in [b'\n', 0x1B, 0x7F] {
        let mut immutable = immutable();
        immutable[7] = bad;
        assert!(matches!(
            parse_error(&header(1, &immutable, &[0x80])),
            FormatError::Field { .. }
        ));
    }
}

#[test]
fn a_growing_buffer_is_told_how_much_is_needed() {
    let plan = plan("grow", Some(5), vec![P256.public()]);
    let bytes = plan.header().bytes();
    let mut have = 0;
    let mut rounds = 0;
    loop {
        match Header::parse(&bytes[..have]) {
            Ok((header, len)) => {
                assert_eq!(&header, plan.header());
                assert_eq!(len, bytes.len());
                break;
            }
            Err(FormatError::Truncated { needed, .. }) => {
                assert!(needed > have && needed <= bytes.len());
                have = needed;
            }
            Err(error) => panic!("{error}"),
        }
        rounds += 1;
    }
    assert!(rounds <= 3, "{rounds}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    /// Whatever parses is its own encoding; whatever does not, does not panic.
    #[test]
    fn altered_headers_parse_to_themselves(at in 0usize..400, value: u8, cut in 0usize..400) {
        let plan = plan("fuzz", Some(5), vec![P256.public()]);
        let mut bytes = plan.header().bytes().to_vec();
        let at = at % bytes.len();
        bytes[at] = value;
        bytes.truncate(bytes.len().saturating_sub(cut % 3 * 50));
        if let Ok((header, len)) = Header::parse(&bytes) {
            prop_assert_eq!(header.bytes(), &bytes[..len]);
        }
    }

    #[test]
    fn random_bytes_do_not_panic(immutable: Vec<u8>, recipients: Vec<u8>) {
        let _ = Header::parse(&header(1, &immutable, &recipients));
        let _ = Header::parse(&immutable);
    }
}

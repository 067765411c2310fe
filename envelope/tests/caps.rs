//! Claims above a cap are refused before anything is allocated for them.

use sealift_envelope::{
    EnvelopeDigest, FormatError, Header, KeyBox, KeyFile, KeyId, MAX_HEADER_LEN, MAX_KEY_FILE_LEN,
    MAX_KEY_FILE_RECIPIENTS, MAX_PLAIN_LEN, SealError, SealParams, SealPlan, SegmentSize, Stanza, Wrap,
};

use crate::support::{TestRng, parse_error};

#[test]
fn length_fields_at_and_above_the_cap() {
    let mut bytes = b"SEALIFT\0\0\x01".to_vec();
    bytes.extend(u32::MAX.to_be_bytes());
    assert!(
        matches!(parse_error(&bytes), FormatError::TooLarge { claimed, .. } if claimed > u64::from(u32::MAX))
    );
    // The largest immutable part that leaves room for an empty list's length field and the tail.
    let room = u32::try_from(MAX_HEADER_LEN - 14 - 4 - 56).unwrap();
    bytes.truncate(10);
    bytes.extend(room.to_be_bytes());
    assert!(matches!(parse_error(&bytes), FormatError::Truncated { needed, .. } if needed <= MAX_HEADER_LEN));
    bytes.truncate(10);
    bytes.extend((room + 1).to_be_bytes());
    assert!(matches!(parse_error(&bytes), FormatError::TooLarge { .. }));
}

#[test]
fn strings_and_lists_of_two_to_the_63() {
    let huge = [0x80, 0, 0, 0, 0, 0, 0, 0];
    let with = |immutable: &[u8], recipients: &[u8]| {
        let mut bytes = b"SEALIFT\0\0\x01\0\0\0".to_vec();
        bytes.push(u8::try_from(immutable.len()).unwrap());
        bytes.extend(immutable);
        bytes.extend([0, 0, 0, u8::try_from(recipients.len()).unwrap()]);
        bytes.extend(recipients);
        bytes.extend([0; 56]);
        bytes
    };
    let text = [&[0xA4, 1, 1, 2, 0xF6, 3, 0x7B][..], &huge].concat();
    assert!(matches!(
        parse_error(&with(&text, &[0x80])),
        FormatError::Cbor { .. }
    ));
    let id = [&[0xA4, 1, 1, 2, 0xF6, 3, 0x60, 4, 0x5B][..], &huge].concat();
    assert!(matches!(
        parse_error(&with(&id, &[0x80])),
        FormatError::Cbor { .. }
    ));
    let map = [&[0xBB][..], &huge].concat();
    assert!(matches!(
        parse_error(&with(&map, &[0x80])),
        FormatError::Cbor { .. }
    ));

    let good = [&[0xA4, 1, 1, 2, 0xF6, 3, 0x60, 4, 0x50][..], &[0; 16]].concat();
    let list = [&[0x9B][..], &huge].concat();
    let error = parse_error(&with(&good, &list));
    assert_eq!(
        error,
        FormatError::TooLarge {
            what: "the number of recipients",
            claimed: 1 << 63,
            cap: 256
        }
    );
    let enc = [&[0x81, 0x84, 1, 0x58, 32][..], &[0; 32], &[0x5B], &huge].concat();
    assert!(matches!(
        parse_error(&with(&good, &enc)),
        FormatError::Cbor { .. }
    ));

    let length = [&[0xA4, 1, 1, 2, 0x1B][..], &huge, &good[5..]].concat();
    assert!(
        matches!(parse_error(&with(&length, &[0x80])), FormatError::TooLarge { claimed, .. } if claimed == 1 << 63)
    );
    let over = [
        &[0xA4, 1, 1, 2, 0x1B][..],
        &(MAX_PLAIN_LEN + 1).to_be_bytes(),
        &good[5..],
    ]
    .concat();
    assert!(matches!(
        parse_error(&with(&over, &[0x80])),
        FormatError::TooLarge { .. }
    ));
    let most = [
        &[0xA4, 1, 1, 2, 0x1B][..],
        &MAX_PLAIN_LEN.to_be_bytes(),
        &good[5..],
    ]
    .concat();
    assert_eq!(
        Header::parse(&with(&most, &[0x80])).unwrap().0.plain_length(),
        Some(MAX_PLAIN_LEN)
    );
}

#[test]
fn key_files_and_key_boxes() {
    let mut bytes = b"SEALKEY\0\0\x01".to_vec();
    bytes.extend(u32::MAX.to_be_bytes());
    assert!(matches!(
        KeyFile::parse(&bytes).unwrap_err(),
        FormatError::TooLarge { .. }
    ));
    let long = vec![0; MAX_KEY_FILE_LEN + 1];
    assert!(matches!(
        KeyFile::parse(&long).unwrap_err(),
        FormatError::TooLarge { .. }
    ));
    assert!(matches!(
        KeyFile::parse(&long[1..]).unwrap_err(),
        FormatError::Magic { .. }
    ));
    assert!(matches!(
        KeyBox::parse(&[0; 4097]).unwrap_err(),
        FormatError::TooLarge { .. }
    ));
    assert!(matches!(
        KeyBox::parse(&[0; 4096]).unwrap_err(),
        FormatError::Cbor { .. }
    ));
}

/// A stanza for the recipient with this number that nobody could open.
fn stanza(wrap: Wrap, enc_len: usize, number: usize) -> Stanza {
    let mut id = [0; 32];
    id[24..].copy_from_slice(&(number as u64).to_be_bytes());
    Stanza::new(wrap, KeyId::from_bytes(id), vec![4; enc_len], [0; 48]).unwrap()
}

fn key_file(wrap: Wrap, enc_len: usize, count: usize) -> Result<KeyFile, FormatError> {
    let mut file = KeyFile::new(EnvelopeDigest::from_bytes([0; 32]));
    (0..count).try_for_each(|number| file.add(stanza(wrap, enc_len, number)))?;
    Ok(file)
}

#[test]
fn a_key_file_takes_1024_recipients_where_a_header_takes_256() {
    for count in [0, 1, 255, 256, 257, 1023, 1024] {
        let file = key_file(Wrap::HpkeP256, 65, count).unwrap();
        let bytes = file.encode();
        assert_eq!(KeyFile::parse(&bytes).unwrap(), file);
        assert_eq!(file.stanzas().len(), count);
    }
    assert_eq!(MAX_KEY_FILE_RECIPIENTS, 1024);
    let refused = |count: u64| FormatError::TooLarge {
        what: "the number of recipients",
        claimed: count,
        cap: 1024,
    };
    assert_eq!(key_file(Wrap::HpkeP256, 65, 1025).unwrap_err(), refused(1025));

    // And so it is in a file from elsewhere, which says how many it has in the two bytes behind a 0x99.
    let mut bytes = key_file(Wrap::HpkeP256, 65, 1024).unwrap().encode();
    let count = bytes[14..].iter().position(|byte| *byte == 0x99).unwrap() + 15;
    assert_eq!(bytes[count..count + 2], [4, 0]);
    bytes[count + 1] = 1;
    assert_eq!(KeyFile::parse(&bytes).unwrap_err(), refused(1025));
    bytes[count..count + 2].copy_from_slice(&[0xFF, 0xFF]);
    assert_eq!(KeyFile::parse(&bytes).unwrap_err(), refused(65_535));
}

#[test]
fn a_key_file_ends_at_1_mib_before_1024_large_recipients() {
    // (encapsulation, stanzas that fit): 1209 bytes each for X-Wing, 1113 for RSA with 8192 bits.
    for (wrap, enc_len, most) in [(Wrap::XWing, 1120, 867), (Wrap::RsaOaep, 1024, 942)] {
        let mut file = key_file(wrap, enc_len, most).unwrap();
        assert!(file.encode().len() <= MAX_KEY_FILE_LEN);
        KeyFile::parse(&file.encode()).unwrap();
        let before = file.clone();
        let error = file.add(stanza(wrap, enc_len, most)).unwrap_err();
        let FormatError::TooLarge {
            what: "key file",
            claimed: 1_048_577..,
            cap: 1_048_576,
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!(file, before, "what was refused left no trace");
    }
}

#[test]
fn a_key_file_may_fill_its_cap_to_the_last_byte() {
    let kinds = [
        (Wrap::XWing, 1120, 617),
        (Wrap::RsaOaep, 1024, 271),
        (Wrap::RsaOaep, 384, 2),
    ];
    let mut file = key_file(Wrap::XWing, 1120, 0).unwrap();
    for (kind, (wrap, enc_len, count)) in kinds.into_iter().enumerate() {
        for number in 0..count {
            file.add(stanza(wrap, enc_len, kind * 1000 + number)).unwrap();
        }
    }
    let bytes = file.encode();
    assert_eq!(bytes.len(), MAX_KEY_FILE_LEN);
    assert_eq!(KeyFile::parse(&bytes).unwrap(), file);
}

#[test]
fn the_sealing_side_keeps_to_the_caps_too() {
    let new = |params| SealPlan::new(params, &mut TestRng::new("caps")).map(drop);
    let plain_length = |n| SealParams {
        plain_length: Some(n),
        segment_size: SegmentSize::MAX,
        ..SealParams::default()
    };
    // The format would allow 4 PiB; the cap on the segment list ends at 16 TiB.
    new(plain_length((1 << 44) - (1 << 36))).unwrap();
    assert!(matches!(
        new(plain_length(MAX_PLAIN_LEN)),
        Err(SealError::SegmentList { .. })
    ));
    assert!(matches!(
        new(plain_length(MAX_PLAIN_LEN + 1)),
        Err(SealError::Params(_))
    ));
    let media = |len| SealParams {
        media_type: "m".repeat(len),
        ..SealParams::default()
    };
    new(media(0)).unwrap();
    new(media(255)).unwrap();
    assert!(matches!(
        new(media(256)),
        Err(SealError::Params(FormatError::TooLarge { .. }))
    ));
    let newline = SealParams {
        media_type: "a\nb".into(),
        ..SealParams::default()
    };
    assert!(matches!(
        new(newline),
        Err(SealError::Params(FormatError::Field { .. }))
    ));
}

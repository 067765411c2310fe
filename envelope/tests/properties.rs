//! Whatever the length and however the bytes are cut, sealing and opening give the same; whatever is changed, nothing but a
//! genuine beginning comes out.

use std::io::{self, Read, Write};
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sealift_envelope::{
    CHUNK_LEN, ContentKey, Header, MAX_PLAIN_LEN, OpenError, RangedOpener, SEALED_CHUNK_LEN, SealPlan, open,
};

use crate::support::{P256, for_p256, key_of, open_pushed, open_stream, plaintext, plan, run, sealed};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    }
}

/// A length of up to five chunks, often next to the end of a chunk.
fn length() -> impl Strategy<Value = usize> {
    let near = (0..5usize, 0..4usize).prop_map(|(chunks, by)| (chunks * CHUNK_LEN + by).saturating_sub(2));
    prop_oneof![3 => near, 1 => 0..5 * CHUNK_LEN]
}

/// Sizes of pieces, the whole list again and again; one byte, a chunk more or less, or anything.
fn pieces() -> impl Strategy<Value = Vec<usize>> {
    let near = prop_oneof![Just(CHUNK_LEN), Just(SEALED_CHUNK_LEN)];
    let piece = prop_oneof![
        1 => 1..4usize,
        2 => (near, 0..3usize).prop_map(|(near, by)| near + by - 1),
        3 => 1..3 * CHUNK_LEN,
    ];
    vec(piece, 1..8)
}

/// Cuts `bytes` into pieces of these sizes.
fn cut<'b>(bytes: &'b [u8], sizes: &[usize]) -> Vec<&'b [u8]> {
    let (mut rest, mut parts) = (bytes, Vec::new());
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (part, later) = rest.split_at(rest.len().min(*size));
        parts.push(part);
        rest = later;
    }
    parts
}

/// Reads and writes in pieces of these sizes; each is interrupted once before.
struct Choppy<'s, T> {
    inner: T,
    sizes: std::iter::Cycle<std::slice::Iter<'s, usize>>,
    interrupt: bool,
}

impl<'s, T> Choppy<'s, T> {
    fn new(inner: T, sizes: &'s [usize]) -> Self {
        Self {
            inner,
            sizes: sizes.iter().cycle(),
            interrupt: false,
        }
    }

    fn next(&mut self, len: usize) -> io::Result<usize> {
        self.interrupt = !self.interrupt;
        if self.interrupt {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(self.sizes.next().map_or(len, |size| len.min(*size)))
    }
}

impl<T: Read> Read for Choppy<'_, T> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = self.next(out.len())?;
        self.inner.read(&mut out[..len])
    }
}

impl<T: Write> Write for Choppy<'_, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.next(bytes.len())?;
        self.inner.write(&bytes[..len])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn machines_do_not_mind_how_bytes_are_cut(len in length(), sizes in pieces(), other in pieces(), known: bool) {
        let plain = plaintext(len);
        let plan = plan("cut", known.then_some(len as u64), vec![]);
        let image = run(&plan, &plain);
        let mut sealer = plan.sealer().unwrap();
        let mut pushed = plan.header().bytes().to_vec();
        for piece in cut(&plain, &sizes) {
            sealer.update(piece, &mut pushed).unwrap();
        }
        let result = sealer.finish(&mut pushed).unwrap();
        prop_assert!(pushed == image);
        prop_assert_eq!(result.sealed, sealift_envelope::Digest::of(&image));
        prop_assert_eq!(result.plain, sealift_envelope::Digest::of(&plain));

        let (header, header_len) = Header::parse(&image).unwrap();
        let mut opener = sealift_envelope::Opener::new(&header, key_of(&plan)).unwrap();
        let mut opened = Vec::new();
        let mut seen = 0;
        for piece in cut(&image[header_len..], &other) {
            opener.update(piece, &mut opened).unwrap();
            seen += piece.len();
            // A whole chunk comes out as soon as it is there, and nothing earlier.
            prop_assert_eq!(opened.len(), seen / SEALED_CHUNK_LEN * CHUNK_LEN);
        }
        prop_assert_eq!(opener.finish(&mut opened).unwrap(), result.plain);
        prop_assert!(opened == plain);
    }

    #[test]
    fn streams_do_not_mind_short_and_interrupted_calls(
        len in length(), reads in pieces(), writes in pieces(), known: bool,
    ) {
        let plain = plaintext(len);
        let plan = plan("choppy", known.then_some(len as u64), vec![P256.public()]);
        let image = run(&plan, &plain);
        let mut written = Vec::new();
        let mut counted = 0;
        let result = plan
            .run(Choppy::new(&plain[..], &reads), Choppy::new(&mut written, &writes), &mut |n| counted = n)
            .unwrap();
        prop_assert!(written == image);
        prop_assert_eq!(result.sealed, sealift_envelope::Digest::of(&image));
        prop_assert_eq!(counted, len as u64);

        let mut opened = Vec::new();
        let result = open(
            Choppy::new(&image[..], &writes),
            Choppy::new(&mut opened, &reads),
            for_p256,
            &mut |n| counted = n,
        )
        .unwrap();
        prop_assert!(opened == plain);
        prop_assert_eq!(result.plain, sealift_envelope::Digest::of(&plain));
        prop_assert_eq!(result.sealed, sealift_envelope::Digest::of(&image));
        prop_assert_eq!(counted, len as u64);
    }
}

/// All three ways of opening refuse `image`; what came out before is a genuine beginning. Says how it was refused.
fn refused(image: &[u8], plan: &SealPlan, plain: &[u8]) -> Result<OpenError, TestCaseError> {
    let (pushed, released) = open_pushed(image, key_of(plan), 5000);
    prop_assert!(plain.starts_with(&released), "released by the push machine");
    prop_assert!(pushed.is_err(), "accepted by the push machine");
    let (streamed, released) = open_stream(image, key_of(plan));
    prop_assert!(plain.starts_with(&released), "released by the stream");
    let Err(error) = streamed else {
        return Err(TestCaseError::fail("accepted by the stream"));
    };
    if let Ok(mut opener) = RangedOpener::new(image, |_| Ok(key_of(plan))) {
        // The last chunk is genuine; then so is the length, and every range that can be read.
        prop_assert_eq!(opener.plain_length(), plain.len() as u64);
        let mut whole = Vec::new();
        prop_assert!(
            opener.read_range(0, plain.len() as u64, &mut whole).is_err(),
            "accepted by ranges"
        );
        prop_assert!(whole.is_empty());
        for (number, chunk) in plain.chunks(CHUNK_LEN).enumerate() {
            let mut out = Vec::new();
            if opener
                .read_range((number * CHUNK_LEN) as u64, chunk.len() as u64, &mut out)
                .is_ok()
            {
                prop_assert!(out == chunk);
            }
        }
    }
    Ok(error)
}

/// A place in an image of `len` bytes with a header of `header` bytes; often in the header or next to the end of a chunk.
fn place(header: usize, len: usize) -> impl Strategy<Value = usize> {
    let chunks = (len - header) / SEALED_CHUNK_LEN + 1;
    let near = (0..chunks, 0..36usize).prop_map(move |(chunk, by)| {
        (header + chunk * SEALED_CHUNK_LEN + by)
            .saturating_sub(18)
            .min(len - 1)
    });
    prop_oneof![1 => 0..header, 2 => near, 2 => header..len]
}

/// Three whole chunks and a short one, without recipients in the header, so that every bit of the file is authenticated.
static IMAGE: LazyLock<(SealPlan, Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
    let plain = plaintext(3 * CHUNK_LEN + 100);
    let plan = plan("mutations", None, vec![]);
    let image = run(&plan, &plain);
    (plan, plain, image)
});

fn image() -> (&'static SealPlan, &'static [u8], Vec<u8>) {
    let (plan, plain, image) = &*IMAGE;
    (plan, plain, image.clone())
}

fn anywhere() -> impl Strategy<Value = usize> {
    let (plan, _, image) = image();
    place(plan.header().bytes().len(), image.len())
}

#[test]
fn every_bit_of_a_short_image_counts() {
    let plain = plaintext(20);
    for known in [Some(20), None] {
        let plan = plan("bits", known, vec![]);
        let image = run(&plan, &plain);
        for bit in 0..8 * image.len() {
            let mut image = image.clone();
            image[bit / 8] ^= 1 << (bit % 8);
            let error = refused(&image, &plan, &plain).unwrap();
            let body = bit / 8 >= plan.header().bytes().len();
            assert_eq!(
                matches!(error, OpenError::Chunk { index: 0 }),
                body,
                "bit {bit}: {error}"
            );
        }
    }
}

#[test]
fn every_byte_of_one_s_own_recipient_counts() {
    let plain = plaintext(20);
    let (plan, image) = sealed(&plain);
    let header_len = plan.header().bytes().len();
    for at in 0..image.len() {
        let mut image = image.clone();
        image[at] ^= 1 << (at % 8);
        let mut released = Vec::new();
        let result = open(image.as_slice(), &mut released, for_p256, &mut |_| {});
        assert!(result.is_err(), "byte {at}");
        assert!(released.is_empty(), "byte {at}");
        if (header_len - 56 - 48..header_len - 56).contains(&at) {
            assert!(
                matches!(result, Err(OpenError::Unwrap(_))),
                "byte {at}: {result:?}"
            );
        }
    }
}

#[test]
fn every_truncation_of_a_short_image_is_refused() {
    let plain = plaintext(20);
    let (plan, image) = sealed(&plain);
    for len in 0..image.len() {
        let error = refused(&image[..len], &plan, &plain).unwrap();
        let expected = match len.checked_sub(plan.header().bytes().len()) {
            None => matches!(error, OpenError::Format(_)),
            Some(0..16) => matches!(error, OpenError::Truncated { chunks: 0 }),
            Some(_) => matches!(error, OpenError::Chunk { index: 0 }),
        };
        assert!(expected, "{len} bytes: {error}");
    }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn any_flipped_bit_is_refused(at in anywhere(), bit in 0..8u32) {
        let (plan, plain, mut image) = image();
        image[at] ^= 1 << bit;
        refused(&image, plan, plain)?;
    }

    #[test]
    fn any_truncation_is_refused(at in anywhere()) {
        let (plan, plain, image) = image();
        let error = refused(&image[..at], plan, plain)?;
        let cut_short = matches!(error, OpenError::Format(_) | OpenError::Truncated { .. } | OpenError::Chunk { .. });
        prop_assert!(cut_short, "{}", error);
    }

    #[test]
    fn any_insertion_is_refused(at in anywhere(), bytes in vec(any::<u8>(), 1..40), copy in 0..2 * SEALED_CHUNK_LEN, own: bool) {
        let (plan, plain, mut image) = image();
        let inserted = if own { image[at..image.len().min(at + 1 + copy)].to_vec() } else { bytes };
        image.splice(at..at, inserted);
        // What is repeated right away may leave a genuine image, as long as it is the same image.
        prop_assume!(image != IMAGE.2);
        refused(&image, plan, plain)?;
    }

    #[test]
    fn any_removal_is_refused(at in anywhere(), len in 1..2 * SEALED_CHUNK_LEN) {
        let (plan, plain, mut image) = image();
        image.drain(at..image.len().min(at + len));
        refused(&image, plan, plain)?;
    }

    #[test]
    fn any_order_of_chunks_but_the_right_one_is_refused(order in Just(vec![0usize, 1, 2, 3]).prop_shuffle()) {
        let (plan, plain, image) = image();
        let (header, body) = image.split_at(plan.header().bytes().len());
        let chunks: Vec<&[u8]> = body.chunks(SEALED_CHUNK_LEN).collect();
        let right = order.iter().zip(0..).take_while(|(chunk, place)| *chunk == place).count();
        prop_assume!(right < chunks.len());

        let shuffled: Vec<&[u8]> = order.iter().map(|chunk| chunks[*chunk]).collect();
        refused(&[header, &shuffled.concat()].concat(), plan, plain)?;

        // And chunk by chunk, as a receiver would push them that trusts the order in which they came.
        let header = plan.header();
        let mut opener = sealift_envelope::Opener::new(header, key_of(plan)).unwrap();
        let mut released = Vec::new();
        let failed = shuffled.iter().try_for_each(|chunk| opener.update(chunk, &mut released));
        prop_assert_eq!(&released[..], &plain[..right * CHUNK_LEN]);
        let error = failed.and_then(|()| opener.finish(&mut released).map(drop)).unwrap_err();
        prop_assert!(matches!(error, OpenError::Chunk { index } if index == right as u64), "{}", error);
        prop_assert_eq!(&released[..], &plain[..right * CHUNK_LEN]);
    }

    #[test]
    fn a_chunk_of_another_place_or_image_is_refused(from in 0..3usize, to in 0..3usize, other: bool) {
        prop_assume!(other || from != to);
        let (plan, plain, mut image) = image();
        // Another salt and content key under a header of the same length.
        let source = if other { run(&crate::support::plan("other", None, vec![]), plain) } else { image.clone() };
        let start = plan.header().bytes().len();
        let at = |chunk: usize| start + chunk * SEALED_CHUNK_LEN..start + (chunk + 1) * SEALED_CHUNK_LEN;
        image[at(to)].copy_from_slice(&source[at(from)]);
        let error = refused(&image, plan, plain)?;
        prop_assert!(matches!(error, OpenError::Chunk { index } if index == to as u64), "{}", error);
    }

    #[test]
    fn any_other_content_key_is_refused(key: [u8; 32], byte in 0..32usize, bit in 0..8u32, near: bool) {
        let (plan, _, image) = image();
        let mut wrong = if near { *plan.content_key().expose() } else { key };
        if near {
            wrong[byte] ^= 1 << bit;
        }
        let (result, released) = open_stream(&image, ContentKey::from_bytes(wrong));
        prop_assert!(matches!(result, Err(OpenError::Commitment)));
        prop_assert!(released.is_empty());
    }

    /// The header is the only part of a long image that tests can hold; it keeps its promise on the length.
    #[test]
    fn announced_lengths_of_any_size_come_back(exponent in 0..53u32, by in 0..3u64) {
        let len = ((1 << exponent) + by).saturating_sub(1).min(MAX_PLAIN_LEN);
        let mut params = sealift_envelope::SealParams { plain_length: Some(len), ..Default::default() };
        params.segment_size = sealift_envelope::SegmentSize::MAX;
        let plan = SealPlan::new(params, &mut crate::support::TestRng::new("long"));
        // With the largest segments a list reaches 16 TiB (§9).
        let Ok(plan) = plan else {
            prop_assert!(len >= (1 << 44) - (1 << 36), "{} bytes were refused", len);
            return Ok(());
        };
        let (header, _) = Header::parse(plan.header().bytes()).unwrap();
        prop_assert_eq!(header.plain_length(), Some(len));
        prop_assert!(len <= 1 << 44, "{} bytes were accepted", len);
    }
}

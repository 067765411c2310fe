use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

use super::*;
use crate::layout::MAX_CHUNKS;

/// All draws are alike. Provides NO SECURITY.
struct Ones;

impl TryRng for Ones {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(1)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(1)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.fill(1);
        Ok(())
    }
}

impl TryCryptoRng for Ones {}

/// A machine that has taken all but the last of the chunks that there can be.
fn near_the_end(plain_length: Option<u64>) -> ChunkSealer {
    let params = SealParams {
        plain_length,
        segment_size: SegmentSize::MAX,
        ..SealParams::default()
    };
    let mut sealer = SealPlan::new(params, &mut Ones).unwrap().chunk_sealer().unwrap();
    sealer.next = MAX_CHUNKS - 1;
    sealer.taken = (MAX_CHUNKS - 1) * CHUNK_LEN as u64;
    sealer
}

#[test]
fn the_longest_plaintext_is_sealed_and_not_a_byte_more() {
    let mut sealer = near_the_end(None);
    let mut out = Vec::new();
    sealer.update(&[7; CHUNK_LEN - 1], &mut out).unwrap();
    assert_eq!(sealer.taken, MAX_PLAIN_LEN);
    assert!(out.is_empty(), "the last chunk is short, and waits for the end");
    assert!(matches!(sealer.update(&[7], &mut out), Err(SealError::TooLong)));
    assert!(out.is_empty());

    let mut sealer = near_the_end(None);
    sealer.update(&[7; CHUNK_LEN - 1], &mut out).unwrap();
    sealer.finish(&mut out).unwrap();
    assert_eq!(out.len(), SEALED_CHUNK_LEN - 1);
}

#[test]
fn a_counter_past_its_end_seals_nothing() {
    let mut out = Vec::new();
    let mut sealer = near_the_end(None);
    sealer.next = MAX_CHUNKS;
    assert!(matches!(sealer.finish(&mut out), Err(SealError::TooLong)));
    let mut sealer = near_the_end(None);
    (sealer.next, sealer.taken) = (MAX_CHUNKS, 0);
    out.push(3);
    let error = sealer.update(&[7; BLOCK_LEN], &mut out).unwrap_err();
    assert!(matches!(error, SealError::TooLong), "{error}");
    assert_eq!(out, [3], "what was there before stays");
}

#[test]
fn an_announced_length_near_the_end_is_held_to() {
    let announced = (1 << 40) + 5;
    let mut sealer = near_the_end(Some(announced));
    let error = sealer.update(&[7], &mut Vec::new()).unwrap_err();
    let SealError::PlainLength { found, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(found, (MAX_CHUNKS - 1) * CHUNK_LEN as u64 + 1);
    let mut sealer = near_the_end(Some(announced));
    sealer.taken = u64::MAX;
    assert!(matches!(
        sealer.update(&[7], &mut Vec::new()),
        Err(SealError::TooLong)
    ));
    assert_eq!(sealer.taken, u64::MAX, "counting does not wrap");
}

#[test]
fn what_is_pending_is_not_shown() {
    let mut sealer = near_the_end(None);
    sealer.taken = 0;
    sealer.update(&[77; 20], &mut Vec::new()).unwrap();
    assert_eq!(format!("{sealer:?}"), "ChunkSealer(20 bytes so far, redacted)");
}

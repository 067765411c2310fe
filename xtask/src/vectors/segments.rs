//! Segment lists (envelope-v1 §8): their length, what signed metadata says of them, and the segments that they vouch for.

use sealift_envelope::{SegmentAlg, SegmentHasher, SegmentSize};

use super::stanzas::flipped;
use super::vector::{Class, Vector};
use super::world::{World, plaintext};
use crate::failure::Failure;

/// The smallest segment, bytes.
const SIZE: usize = 65_536;
/// A whole segment and one of a byte.
const TWO: usize = SIZE + 1;
const DIGEST: usize = 32;
/// Segments in a list, at most.
const MAX_SEGMENTS: u64 = 262_144;

/// What signed metadata says of a list, and how much of the object there is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    pub(super) algorithm: &'static str,
    pub(super) segment_size: u64,
    pub(super) object_length: u64,
    pub(super) received: usize,
}

impl Claim {
    fn of(len: usize) -> Self {
        Self {
            algorithm: "blake3",
            segment_size: SIZE as u64,
            object_length: len as u64,
            received: len,
        }
    }
}

pub(super) fn all(_: &World) -> Result<Vec<Vector>, Failure> {
    let mut vectors = genuine()?;
    vectors.extend(lengths()?);
    vectors.extend(claims()?);
    vectors.extend(segments()?);
    Ok(vectors)
}

fn list(claim: Claim) -> Result<Vec<u8>, Failure> {
    let alg = SegmentAlg::from_name(claim.algorithm).ok_or_else(|| Failure::new("no such algorithm"))?;
    let mut hasher = SegmentHasher::new(alg, SegmentSize::new(claim.segment_size)?);
    hasher.push(&plaintext(claim.received))?;
    Ok(hasher.finish()?.bytes().to_vec())
}

fn genuine() -> Result<Vec<Vector>, Failure> {
    let sha256 = |len| Claim {
        algorithm: "sha256",
        ..Claim::of(len)
    };
    let sized = |segment_size| Claim {
        segment_size,
        ..Claim::of(TWO)
    };
    let rows = [
        ("segments-0", "an empty object has an empty list", Claim::of(0)),
        ("segments-1", "one byte", Claim::of(1)),
        (
            "segments-65536",
            "one whole segment and none behind it",
            Claim::of(SIZE),
        ),
        ("segments-65537", "one byte in the second segment", Claim::of(TWO)),
        ("segments-131072", "two whole segments", Claim::of(2 * SIZE)),
        ("segments-sha256-0", "SHA-256 of nothing is no segment", sha256(0)),
        (
            "segments-sha256",
            "SHA-256, one byte in the second segment",
            sha256(TWO),
        ),
        ("segments-1-mib", "segments of 1 MiB", sized(1 << 20)),
        ("segments-64-mib", "the largest segments", sized(1 << 26)),
    ];
    rows.into_iter()
        .map(|(name, comment, claim)| {
            Ok(Vector::segment_list(name, comment, claim, list(claim)?).opens_to(&plaintext(claim.received)))
        })
        .collect()
}

/// Lists whose length does not follow from the object's.
fn lengths() -> Result<Vec<Vector>, Failure> {
    let good = list(Claim::of(TWO))?;
    let digest = list(Claim::of(1))?;
    let more = [good.as_slice(), &digest].concat();
    let capped = Claim {
        object_length: (MAX_SEGMENTS + 1) * SIZE as u64,
        received: 0,
        ..Claim::of(0)
    };
    let too_long = vec![0; (MAX_SEGMENTS as usize + 1) * DIGEST];
    let rows = [
        ("segments-none", "no digest for a byte", Claim::of(1), Vec::new()),
        (
            "segments-of-nothing",
            "a digest for an empty object",
            Claim::of(0),
            digest,
        ),
        (
            "segments-one-less",
            "a digest is missing",
            Claim::of(TWO),
            good[..DIGEST].to_vec(),
        ),
        ("segments-one-more", "a digest too many", Claim::of(TWO), more),
        (
            "segments-cut",
            "the last byte is missing",
            Claim::of(TWO),
            good[..good.len() - 1].to_vec(),
        ),
        (
            "segments-trailing",
            "a byte behind the last digest",
            Claim::of(TWO),
            [good.as_slice(), &[0]].concat(),
        ),
        (
            "segments-above-cap",
            "one segment more than a list may have",
            capped,
            too_long,
        ),
    ];
    Ok(refused(rows.into_iter()))
}

/// Metadata that no list can answer to.
fn claims() -> Result<Vec<Vector>, Failure> {
    let (good, claim) = (list(Claim::of(TWO))?, Claim::of(TWO));
    let sized = |segment_size| Claim {
        segment_size,
        ..claim
    };
    let long = |object_length| Claim {
        object_length,
        ..claim
    };
    let named = |algorithm| Claim { algorithm, ..claim };
    let rows = [
        ("segments-size-0", "segments of no bytes", sized(0)),
        (
            "segments-size-32768",
            "segments of 32 KiB",
            sized(SIZE as u64 / 2),
        ),
        (
            "segments-size-98304",
            "a segment size between two powers of two",
            sized(98_304),
        ),
        ("segments-size-128-mib", "segments of 128 MiB", sized(1 << 27)),
        ("segments-size-2-63", "segments of 2^63 bytes", sized(1 << 63)),
        (
            "segments-object-longer",
            "the object has a segment more",
            long(2 * SIZE as u64 + 1),
        ),
        ("segments-object-2-63", "an object of 2^63 bytes", long(1 << 63)),
        (
            "segments-object-64-bits",
            "an object of 2^64 - 1 bytes",
            long(u64::MAX),
        ),
        (
            "segments-sha512",
            "an algorithm that is none of the two",
            named("sha512"),
        ),
        (
            "segments-upper-case",
            "the algorithm's name in capitals",
            named("BLAKE3"),
        ),
    ];
    Ok(refused(rows.into_iter().map(|(name, comment, claim)| {
        (name, comment, claim, good.clone())
    })))
}

type Row = (&'static str, &'static str, Claim, Vec<u8>);

fn refused(rows: impl Iterator<Item = Row>) -> Vec<Vector> {
    rows.map(|(name, comment, claim, list)| {
        Vector::segment_list(name, comment, claim, list).fails(Class::Header)
    })
    .collect()
}

/// A row, and the segments that pass.
type Partly<'a> = (&'static str, &'static str, Claim, Vec<u8>, &'a [u8]);

/// Lists as long as they should be, and segments that they do not vouch for.
fn segments() -> Result<Vec<Vector>, Failure> {
    let (good, claim, object) = (list(Claim::of(TWO))?, Claim::of(TWO), plaintext(TWO));
    let (whole, last) = object.split_at(SIZE);
    let swapped = [&good[DIGEST..], &good[..DIGEST]].concat();
    let received = |received| Claim { received, ..claim };
    let long = |object_length| Claim {
        object_length,
        ..claim
    };
    let sha256 = Claim {
        algorithm: "sha256",
        ..claim
    };
    let of_all = list(Claim {
        segment_size: 1 << 20,
        ..claim
    })?;
    let rows: [Partly<'_>; 9] = [
        (
            "segments-altered-first",
            "a bit of the first digest is turned",
            claim,
            flipped(&good, 0),
            last,
        ),
        (
            "segments-altered-last",
            "a bit of the last digest is turned",
            claim,
            flipped(&good, 63),
            whole,
        ),
        (
            "segments-swapped",
            "the digests in another order",
            claim,
            swapped,
            b"",
        ),
        (
            "segments-other-hash",
            "digests by BLAKE3 where SHA-256 is announced",
            sha256,
            good.clone(),
            b"",
        ),
        (
            "segments-of-object",
            "the digest of the object in place of the first segment's",
            claim,
            [&of_all, &good[DIGEST..]].concat(),
            last,
        ),
        (
            "segments-missing",
            "the last segment has not come",
            received(SIZE),
            good.clone(),
            whole,
        ),
        (
            "segments-short",
            "the first segment has come but for a byte",
            received(SIZE - 1),
            good.clone(),
            b"",
        ),
        (
            "segments-longer",
            "a byte behind the last segment",
            received(TWO + 1),
            good.clone(),
            whole,
        ),
        (
            "segments-announced-longer",
            "the object is announced one byte longer",
            long(TWO as u64 + 1),
            good.clone(),
            whole,
        ),
    ];
    Ok(rows
        .into_iter()
        .map(|(name, comment, claim, list, passed)| {
            Vector::segment_list(name, comment, claim, list).fails_but_for(passed)
        })
        .collect())
}

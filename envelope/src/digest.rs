//! Digests of byte strings, with their length.

use std::fmt;

use sha2::Sha256;
use sha2::digest::Output;
use sha2::digest::block_api::{self, Buffer, EagerHash, FixedOutputCore as _, UpdateCore as _};

/// Length in bytes and SHA-256 of a byte string.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest {
    /// Length in bytes.
    pub length: u64,
    /// SHA-256.
    pub sha256: [u8; 32],
}

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut counter = DigestCounter::default();
        counter.update(bytes);
        counter.finish()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Digest {{ length: {}, sha256: {} }}",
            self.length,
            hex::encode(self.sha256)
        )
    }
}

/// SHA-256(context ‖ salt ‖ commitment): names one sealing, and binds wrapped keys to it (§4.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnvelopeDigest([u8; 32]);

impl EnvelopeDigest {
    /// The digest with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for EnvelopeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for EnvelopeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnvelopeDigest({self})")
    }
}

/// The block function of SHA-256, and the buffer for what does not yet fill a block: the two halves of [`Sha256`].
type Core = <Sha256 as EagerHash>::Core;
type Block = block_api::Block<Core>;

/// Blocks of one digest between two blocks of the other: one is too short for the calls' own cost, and with four the
/// processor no longer sees far enough ahead to work on both.
const STRIDE: usize = 2;

/// A running [`Digest`].
#[derive(Default, Clone)]
pub(crate) struct DigestCounter {
    length: u64,
    core: Core,
    // Plaintext, on the heap so that it leaves no copies behind where the counter is handed on. It erases itself.
    buffer: Box<Buffer<Core>>,
}

impl DigestCounter {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.count(bytes);
        self.absorb(bytes);
    }

    /// Takes the next bytes of two unrelated strings, a few blocks of one and a few of the other in turn.
    ///
    /// A processor with instructions for SHA-256 spends most of a block waiting for the round before. Two digests do not
    /// wait for each other, so in turn they take little longer than the longer one alone.
    pub(crate) fn update_both(one: (&mut Self, &[u8]), other: (&mut Self, &[u8])) {
        let ((one, one_bytes), (other, other_bytes)) = (one, other);
        let (one_blocks, one_rest) = one.align(one_bytes);
        let (other_blocks, other_rest) = other.align(other_bytes);
        let shared = one_blocks.len().min(other_blocks.len());
        let (one_shared, one_more) = one_blocks.split_at(shared);
        let (other_shared, other_more) = other_blocks.split_at(shared);
        for (blocks, others) in one_shared.chunks(STRIDE).zip(other_shared.chunks(STRIDE)) {
            one.core.update_blocks(blocks);
            other.core.update_blocks(others);
        }
        one.core.update_blocks(one_more);
        other.core.update_blocks(other_more);
        one.absorb(one_rest);
        other.absorb(other_rest);
    }

    /// Counts `bytes` and absorbs as many as fill the buffered block; gives back the whole blocks that follow, and what is
    /// left behind them.
    fn align<'a>(&mut self, bytes: &'a [u8]) -> (&'a [Block], &'a [u8]) {
        self.count(bytes);
        let buffered = self.buffer.get_pos();
        let missing = if buffered == 0 { 0 } else { self.buffer.remaining() };
        let (first, rest) = bytes.split_at(missing.min(bytes.len()));
        self.absorb(first);
        Block::slice_as_chunks(rest)
    }

    fn count(&mut self, bytes: &[u8]) {
        // A usize always fits u64 on the platforms that exist; a stream of 2^64 bytes does not.
        self.length = self.length.saturating_add(bytes.len() as u64);
    }

    fn absorb(&mut self, bytes: &[u8]) {
        let Self { core, buffer, .. } = self;
        buffer.digest_blocks(bytes, |blocks| core.update_blocks(blocks));
    }

    pub(crate) fn finish(mut self) -> Digest {
        let mut sha256 = Output::<Core>::default();
        self.core.finalize_fixed_core(&mut self.buffer, &mut sha256);
        Digest {
            length: self.length,
            sha256: sha256.into(),
        }
    }
}

/// The buffer holds plaintext.
impl fmt::Debug for DigestCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DigestCounter({} bytes so far)", self.length)
    }
}

#[cfg(test)]
mod tests {
    use sha2::Digest as _;

    use super::*;

    fn expected(bytes: &[u8]) -> Digest {
        Digest {
            length: bytes.len() as u64,
            sha256: Sha256::digest(bytes).into(),
        }
    }

    /// Every way in which two strings can lie in their blocks: aligned or not, one longer, one empty.
    #[test]
    fn two_digests_in_turn_are_those_of_one_after_the_other() {
        let bytes: Vec<u8> = (0..2500_u32)
            .map(|i| i.to_le_bytes()[0] ^ i.to_le_bytes()[1])
            .collect();
        let lengths = [0, 1, 55, 56, 63, 64, 65, 127, 128, 129, 256, 640, 1000];
        for header in [0, 1, 63, 64, 100] {
            for one_len in lengths {
                for other_len in lengths {
                    let (mut one, mut other) = (DigestCounter::default(), DigestCounter::default());
                    other.update(&bytes[..header]);
                    let (one_bytes, other_bytes) = (&bytes[..2 * one_len], &bytes[..header + 2 * other_len]);
                    for half in 0..2 {
                        let one_half = &one_bytes[half * one_len..][..one_len];
                        let other_half = &other_bytes[header + half * other_len..][..other_len];
                        DigestCounter::update_both((&mut one, one_half), (&mut other, other_half));
                    }
                    assert_eq!(
                        one.finish(),
                        expected(one_bytes),
                        "{header} {one_len} {other_len}"
                    );
                    assert_eq!(
                        other.finish(),
                        expected(other_bytes),
                        "{header} {one_len} {other_len}"
                    );
                }
            }
        }
    }

    #[test]
    fn debug_shows_no_bytes() {
        let mut counter = DigestCounter::default();
        counter.update(b"secret");
        assert_eq!(format!("{counter:?}"), "DigestCounter(6 bytes so far)");
    }
}

//! Segment digests: an early check of parts of a sealed image (§8).
//!
//! A list of digests is only as trustworthy as where its own digest comes from, and it replaces neither the digest of the
//! whole image nor the chunks' authentication.

use std::fmt;
use std::ops::Range;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::digest::Digest;
use crate::error::FormatError;

/// Bytes of a segment list, at most.
pub const MAX_SEGMENT_LIST_LEN: usize = 8 * 1024 * 1024;
const DIGEST_LEN: usize = 32;
/// Segments in a list, at most.
const MAX_SEGMENTS: u64 = (MAX_SEGMENT_LIST_LEN / DIGEST_LEN) as u64;

/// The hash of segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SegmentAlg {
    /// BLAKE3, 32 bytes of output. Four times as fast as SHA-256.
    #[default]
    Blake3,
    /// SHA-256, where policy forbids BLAKE3.
    Sha256,
}

impl SegmentAlg {
    /// The name in metadata: `blake3` or `sha256`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blake3 => "blake3",
            Self::Sha256 => "sha256",
        }
    }

    /// The algorithm with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Blake3, Self::Sha256]
            .into_iter()
            .find(|alg| alg.name() == name)
    }
}

/// Bytes of every segment but the last: a power of two from 64 KiB to 64 MiB, 1 MiB by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentSize(u64);

impl SegmentSize {
    /// 64 KiB.
    pub const MIN: Self = Self(64 * 1024);
    /// 64 MiB.
    pub const MAX: Self = Self(64 * 1024 * 1024);

    /// A size in bytes.
    ///
    /// # Errors
    /// [`FormatError::Field`] unless it is a power of two from 64 KiB to 64 MiB.
    pub fn new(bytes: u64) -> Result<Self, FormatError> {
        if bytes.is_power_of_two() && (Self::MIN.0..=Self::MAX.0).contains(&bytes) {
            Ok(Self(bytes))
        } else {
            Err(FormatError::Field {
                what: "a segment size other than a power of two from 64 KiB to 64 MiB",
            })
        }
    }

    /// The size in bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// Whether the list for an object of `length` bytes stays under its cap.
    pub(crate) fn fits(self, length: u64) -> bool {
        length.div_ceil(self.0) <= MAX_SEGMENTS
    }

    /// The smallest size, from the default up, with which the list for an object of `length` bytes stays under its cap.
    pub fn fitting(length: u64) -> Option<Self> {
        let mut size = Self::default();
        while size <= Self::MAX {
            if size.fits(length) {
                return Some(size);
            }
            size = Self(size.0 * 2);
        }
        None
    }
}

impl Default for SegmentSize {
    fn default() -> Self {
        Self(1024 * 1024)
    }
}

impl fmt::Display for SegmentSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}

/// The digests of all segments of one object, in order.
#[derive(Clone, PartialEq, Eq)]
pub struct SegmentList {
    alg: SegmentAlg,
    size: SegmentSize,
    object_length: u64,
    digests: Vec<u8>,
}

impl SegmentList {
    /// Parses a list: 32 bytes for each segment of an object of `object_length` bytes.
    ///
    /// # Errors
    /// [`FormatError::TooLarge`] above 8 MiB, [`FormatError::Field`] if the length is not the one that follows.
    pub fn parse(
        bytes: &[u8],
        alg: SegmentAlg,
        size: SegmentSize,
        object_length: u64,
    ) -> Result<Self, FormatError> {
        let claimed = bytes.len() as u64;
        if bytes.len() > MAX_SEGMENT_LIST_LEN {
            let cap = MAX_SEGMENT_LIST_LEN as u64;
            return Err(FormatError::TooLarge {
                what: "a segment list",
                claimed,
                cap,
            });
        }
        if object_length.div_ceil(size.0).checked_mul(DIGEST_LEN as u64) != Some(claimed) {
            return Err(FormatError::Field {
                what: "a segment list whose length does not follow from the object's",
            });
        }
        Ok(Self {
            alg,
            size,
            object_length,
            digests: bytes.to_vec(),
        })
    }

    /// The list's bytes: the digests, one after the other.
    pub fn bytes(&self) -> &[u8] {
        &self.digests
    }

    /// Length and SHA-256 of the list itself, as signed metadata carries them.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.digests)
    }

    /// The hash in use.
    pub fn alg(&self) -> SegmentAlg {
        self.alg
    }

    /// The segment size.
    pub fn size(&self) -> SegmentSize {
        self.size
    }

    /// Bytes of the object that the list is about.
    pub fn object_length(&self) -> u64 {
        self.object_length
    }

    /// How many segments there are.
    pub fn count(&self) -> u64 {
        (self.digests.len() / DIGEST_LEN) as u64
    }

    /// The bytes of the object that segment `index` covers; `None` behind the last.
    pub fn segment_range(&self, index: u64) -> Option<Range<u64>> {
        let start = index
            .checked_mul(self.size.0)
            .filter(|start| *start < self.object_length)?;
        Some(start..start.saturating_add(self.size.0).min(self.object_length))
    }

    /// Whether `bytes` are segment `index`: of its length and digest.
    pub fn check(&self, index: u64, bytes: &[u8]) -> bool {
        let Some(range) = self.segment_range(index) else {
            return false;
        };
        let expected = usize::try_from(index)
            .ok()
            .and_then(|i| self.digests.chunks_exact(DIGEST_LEN).nth(i));
        let mut hash = SegmentHash::new(self.alg);
        hash.update(bytes);
        range.end - range.start == bytes.len() as u64
            && expected.is_some_and(|digest| bool::from(digest.ct_eq(&hash.finish())))
    }
}

impl fmt::Debug for SegmentList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (alg, size, count) = (self.alg.name(), self.size, self.count());
        write!(
            f,
            "SegmentList({count} digests, {alg}, segments of {size}, {} bytes in all)",
            self.object_length
        )
    }
}

enum SegmentHash {
    Blake3(Box<blake3::Hasher>),
    Sha256(Sha256),
}

impl SegmentHash {
    fn new(alg: SegmentAlg) -> Self {
        match alg {
            SegmentAlg::Blake3 => Self::Blake3(Box::default()),
            SegmentAlg::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Blake3(hash) => drop(hash.update(bytes)),
            Self::Sha256(hash) => hash.update(bytes),
        }
    }

    /// The digest; the hash starts anew.
    fn finish(&mut self) -> [u8; DIGEST_LEN] {
        match self {
            Self::Blake3(hash) => {
                let digest = hash.finalize().into();
                hash.reset();
                digest
            }
            Self::Sha256(hash) => hash.finalize_reset().into(),
        }
    }
}

/// Makes a [`SegmentList`] from bytes pushed in order.
pub struct SegmentHasher {
    alg: SegmentAlg,
    size: SegmentSize,
    hash: SegmentHash,
    filled: u64,
    length: u64,
    digests: Vec<u8>,
}

impl SegmentHasher {
    /// A hasher at the start of an object.
    pub fn new(alg: SegmentAlg, size: SegmentSize) -> Self {
        Self {
            alg,
            size,
            hash: SegmentHash::new(alg),
            filled: 0,
            length: 0,
            digests: Vec::new(),
        }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`FormatError::TooLarge`] once the list would pass its cap.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), FormatError> {
        while !bytes.is_empty() {
            let room = usize::try_from(self.size.0 - self.filled).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.hash.update(now);
            self.filled += now.len() as u64;
            self.length += now.len() as u64;
            bytes = later;
            if self.filled == self.size.0 {
                self.close()?;
            }
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), FormatError> {
        let claimed = (self.digests.len() + DIGEST_LEN) as u64;
        let cap = MAX_SEGMENT_LIST_LEN as u64;
        if claimed > cap {
            return Err(FormatError::TooLarge {
                what: "a segment list",
                claimed,
                cap,
            });
        }
        self.digests.extend(self.hash.finish());
        self.filled = 0;
        Ok(())
    }

    /// Ends the object.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn finish(mut self) -> Result<SegmentList, FormatError> {
        if self.filled > 0 {
            self.close()?;
        }
        Ok(SegmentList {
            alg: self.alg,
            size: self.size,
            object_length: self.length,
            digests: self.digests,
        })
    }
}

impl fmt::Debug for SegmentHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SegmentHasher({}, {} bytes so far)",
            self.alg.name(),
            self.length
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashing 16 GiB to get there would take too long.
    #[test]
    fn a_list_may_fill_its_cap_and_no_more() {
        let mut hasher = SegmentHasher::new(SegmentAlg::Blake3, SegmentSize::MIN);
        hasher.digests = vec![0; MAX_SEGMENT_LIST_LEN - DIGEST_LEN];
        let segment = vec![0; 64 * 1024];
        hasher.push(&segment).unwrap();
        assert_eq!(hasher.digests.len(), MAX_SEGMENT_LIST_LEN);
        hasher.push(&segment[1..]).unwrap();
        let error = hasher.push(&[0]).unwrap_err();
        let what = "a segment list";
        let (claimed, cap) = (8 * 1024 * 1024 + 32, 8 * 1024 * 1024);
        assert_eq!(error, FormatError::TooLarge { what, claimed, cap });
    }
}

//! Where chunks are (§4.5): arithmetic on lengths and offsets, and nothing else.

use crate::error::OpenError;

/// Plaintext bytes in every chunk but the last.
pub const CHUNK_LEN: usize = 16_384;
/// Bytes of the authentication tag of a chunk.
pub(crate) const TAG_LEN: usize = 16;
/// Sealed bytes of every chunk but the last.
pub const SEALED_CHUNK_LEN: usize = CHUNK_LEN + TAG_LEN;
/// Bytes of the salt.
pub(crate) const SALT_LEN: usize = 24;
/// Bytes of the key commitment.
pub(crate) const COMMITMENT_LEN: usize = 32;
/// Chunks that a message may have, at most.
pub(crate) const MAX_CHUNKS: u64 = 1 << 38;
/// The longest plaintext, in bytes: 4 PiB − 1.
pub const MAX_PLAIN_LEN: u64 = MAX_CHUNKS * CHUNK_LEN as u64 - 1;

const CHUNK: u64 = CHUNK_LEN as u64;
const SEALED_CHUNK: u64 = SEALED_CHUNK_LEN as u64;
const TAG: u64 = TAG_LEN as u64;

/// The shape of one body: how many chunks, and where each is. Built from a length, so its parts always agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    header_len: u64,
    plain_len: u64,
}

impl Layout {
    /// The layout of a plaintext of `plain_len` bytes behind a header of `header_len`; `None` above 4 PiB − 1.
    pub fn from_plain_len(header_len: u64, plain_len: u64) -> Option<Self> {
        let fits = plain_len <= MAX_PLAIN_LEN && header_len <= u64::from(u32::MAX);
        fits.then_some(Self {
            header_len,
            plain_len,
        })
    }

    /// The layout of a sealed image of `sealed_len` bytes, its header included.
    ///
    /// The length is a claim until the last chunk has been opened.
    ///
    /// # Errors
    /// [`OpenError::Truncated`] for a length that no sealed image has, [`OpenError::TooLong`] above the format's limit.
    pub fn from_sealed_len(header_len: u64, sealed_len: u64) -> Result<Self, OpenError> {
        let body = sealed_len
            .checked_sub(header_len)
            .ok_or(OpenError::Truncated { chunks: 0 })?;
        let (whole, rest) = (body / SEALED_CHUNK, body % SEALED_CHUNK);
        if whole >= MAX_CHUNKS {
            return Err(OpenError::TooLong);
        }
        let last = rest
            .checked_sub(TAG)
            .ok_or(OpenError::Truncated { chunks: whole })?;
        Ok(Self {
            header_len,
            plain_len: whole * CHUNK + last,
        })
    }

    /// Bytes of plaintext.
    pub fn plain_len(&self) -> u64 {
        self.plain_len
    }

    /// Bytes of the whole sealed image, header included.
    pub fn sealed_len(&self) -> u64 {
        self.header_len + self.last_chunk() * SEALED_CHUNK + self.plain_len % CHUNK + TAG
    }

    /// Number of the last chunk, counted from 0. It is always shorter than [`CHUNK_LEN`].
    pub fn last_chunk(&self) -> u64 {
        self.plain_len / CHUNK
    }

    /// Number of the chunk that holds plaintext byte `index`.
    pub fn chunk_of(index: u64) -> u64 {
        index / CHUNK
    }

    /// Offset of chunk `index` in the sealed image; at the end of all numbers for one that no image has.
    pub fn offset(&self, index: u64) -> u64 {
        self.header_len.saturating_add(index.saturating_mul(SEALED_CHUNK))
    }

    /// Plaintext bytes of chunk `index`.
    pub fn chunk_len(&self, index: u64) -> usize {
        if index < self.last_chunk() {
            CHUNK_LEN
        } else {
            usize::try_from(self.plain_len % CHUNK).unwrap_or(CHUNK_LEN)
        }
    }
}

#[cfg(test)]
mod tests;

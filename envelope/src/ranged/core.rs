//! Random access without I/O (§4.6): which sealed bytes a range needs, and opening them when they are there.

use std::fmt;
use std::ops::Range;

use zeroize::{Zeroize, Zeroizing};

use crate::cobblestone::BodyKeys;
use crate::content_key::ContentKey;
use crate::error::OpenError;
use crate::header::Header;
use crate::layout::{CHUNK_LEN, Layout, SEALED_CHUNK_LEN};

/// An image with a length that nobody has vouched for yet: the first of the two states of random access.
///
/// Whoever stores the image says how long it is. Only the last chunk, which opens at no other place than its own, proves it.
#[derive(Debug)]
pub struct ClaimedLength {
    header: Header,
    keys: BodyKeys,
    layout: Layout,
}

impl ClaimedLength {
    /// Takes an image's header, its content key, and the claim that the whole image has `sealed_len` bytes.
    ///
    /// # Errors
    /// [`OpenError::Commitment`] for another key, [`OpenError::Truncated`] and [`OpenError::TooLong`] for a length that no
    /// sealed image has.
    pub fn new(header: Header, key: &ContentKey, sealed_len: u64) -> Result<Self, OpenError> {
        let keys = header.body_keys(key)?;
        let layout = Layout::from_sealed_len(header.header_len(), sealed_len)?;
        Ok(Self { header, keys, layout })
    }

    /// Where the last chunk would be: the sealed bytes to hand to [`ClaimedLength::prove`], 16 to 16 399 of them.
    pub fn last_chunk(&self) -> Range<u64> {
        self.layout.offset(self.layout.last_chunk())..self.layout.sealed_len()
    }

    /// Opens the last chunk, and with it the image.
    ///
    /// # Errors
    /// [`OpenError::Chunk`] if this is not the last chunk of this image, [`OpenError::PlainLength`] if the header
    /// announced another length, [`OpenError::Answer`] for more or fewer bytes than [`ClaimedLength::last_chunk`] has.
    pub fn prove(self, sealed: &[u8]) -> Result<RangedCore, OpenError> {
        expect_len(&self.last_chunk(), sealed)?;
        let mut last = Zeroizing::new(Vec::with_capacity(CHUNK_LEN));
        self.keys
            .open_chunk(self.layout.last_chunk(), sealed, &mut last)?;
        let found = self.layout.plain_len();
        if let Some(announced) = self.header.plain_length().filter(|n| *n != found) {
            return Err(OpenError::PlainLength { announced, found });
        }
        Ok(RangedCore {
            header: self.header,
            keys: self.keys,
            layout: self.layout,
            last,
        })
    }
}

/// An image whose length is proven: plans which sealed bytes a range of the plaintext needs, and opens them.
///
/// It does no I/O and keeps no state, so it can be shared between readers. The last chunk, which had to be opened for the
/// proof, is kept (and wiped on drop); plans leave it out. A chunk's number is in its nonce: bytes of another chunk or
/// another image do not open, in whatever order they come.
///
/// ```
/// # use sealift_envelope::{Binding, ClaimedLength, Header, PrivateKey, RangedCore, SealParams, SealPlan};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
/// # let key = PrivateKey::generate_p256(&mut rng);
/// # let plan = SealPlan::new(SealParams { recipients: vec![key.public()], ..SealParams::default() }, &mut rng)?;
/// # let plain = vec![7; 50_000];
/// # let mut image = Vec::new();
/// # plan.run(plain.as_slice(), &mut image, &mut |_| {})?;
/// # let fetch = |range: std::ops::Range<u64>| image[range.start as usize..range.end as usize].to_vec();
/// let (header, _) = Header::parse(&image)?;
/// let content_key = header.unwrap_with(&key, &Binding::in_file())?;
/// let claim = ClaimedLength::new(header, &content_key, image.len() as u64)?;
/// let last = fetch(claim.last_chunk());
/// let core = claim.prove(&last)?;
///
/// let range = 30_000..core.plain_length();
/// let chunks = core.plan(&range)?;
/// let (mut opened, mut out) = (Vec::new(), Vec::new());
/// core.open(chunks, &fetch(core.sealed_range(chunks)), &mut opened)?;
/// RangedCore::append_opened(chunks, &opened, &range, &mut out);
/// core.append_last(&range, &mut out);
/// assert_eq!(out, plain[30_000..]);
/// # Ok(())
/// # }
/// ```
pub struct RangedCore {
    header: Header,
    keys: BodyKeys,
    layout: Layout,
    last: Zeroizing<Vec<u8>>,
}

/// Neighbouring whole chunks: `first`, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunks {
    pub(super) first: u64,
    pub(super) count: u64,
}

impl Chunks {
    /// Number of the first chunk, from 0.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// How many chunks.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Number of the chunk behind the last one.
    pub fn until(&self) -> u64 {
        self.first + self.count
    }

    /// Whether there are none, because the kept last chunk is enough.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Takes up to `max` chunks off the front; `None` when there are none left.
    pub fn take_front(&mut self, max: u64) -> Option<Self> {
        let count = self.count.min(max);
        let front = Self {
            first: self.first,
            count,
        };
        self.first += count;
        self.count -= count;
        (count > 0).then_some(front)
    }

    /// The byte of plaintext behind the last one in them.
    pub fn plain_end(&self) -> u64 {
        self.until() * CHUNK_LEN as u64
    }
}

impl RangedCore {
    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes of plaintext, authenticated.
    pub fn plain_length(&self) -> u64 {
        self.layout.plain_len()
    }

    /// The whole chunks that cover bytes `plain` of the plaintext, and no others.
    ///
    /// # Errors
    /// [`OpenError::Range`] if `plain` is inverted or reaches outside the plaintext.
    pub fn plan(&self, plain: &Range<u64>) -> Result<Chunks, OpenError> {
        let plain_length = self.plain_length();
        if plain.start > plain.end || plain.end > plain_length {
            return Err(OpenError::Range {
                start: plain.start,
                len: plain.end.saturating_sub(plain.start),
                plain_length,
            });
        }
        let first = Layout::chunk_of(plain.start);
        let until = plain.end.div_ceil(CHUNK_LEN as u64).min(self.whole_chunks());
        let count = match plain.is_empty() {
            true => 0,
            false => until.saturating_sub(first),
        };
        Ok(Chunks { first, count })
    }

    /// Where `chunks` are in the sealed image.
    pub fn sealed_range(&self, chunks: Chunks) -> Range<u64> {
        self.layout.offset(chunks.first)..self.layout.offset(chunks.until())
    }

    /// Opens the bytes at [`RangedCore::sealed_range`] onto the end of `out`; on failure `out` is as before.
    ///
    /// # Errors
    /// [`OpenError::Chunk`] with the first chunk that does not authenticate, [`OpenError::Answer`] for more or fewer bytes
    /// than the range has.
    pub fn open(&self, chunks: Chunks, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        expect_len(&self.sealed_range(chunks), sealed)?;
        let from = out.len();
        let opened = (chunks.first..)
            .zip(sealed.chunks(SEALED_CHUNK_LEN))
            .try_for_each(|(index, chunk)| self.open_whole(index, chunk, out));
        if opened.is_err() {
            out[from..].zeroize();
            out.truncate(from);
        }
        opened
    }

    /// How many chunks there are before the last one; all are whole.
    pub(super) fn whole_chunks(&self) -> u64 {
        self.layout.last_chunk()
    }

    /// Plaintext of the last chunk, possibly empty.
    pub(super) fn last(&self) -> &[u8] {
        &self.last
    }

    /// Opens one chunk before the last.
    pub(super) fn open_whole(&self, index: u64, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        // The last chunk has been opened where it is; at any other length or place there is none.
        if index >= self.whole_chunks() || sealed.len() != SEALED_CHUNK_LEN {
            return Err(OpenError::Chunk { index });
        }
        self.keys.open_chunk(index, sealed, out)
    }

    /// Appends that part of `opened`, the plaintext of `chunks`, that lies in `plain`.
    pub fn append_opened(chunks: Chunks, opened: &[u8], plain: &Range<u64>, out: &mut Vec<u8>) {
        out.extend_from_slice(overlap(chunks.first, opened, plain));
    }

    /// Appends that part of the last chunk, which plans leave out, that lies in `plain`.
    pub fn append_last(&self, plain: &Range<u64>, out: &mut Vec<u8>) {
        out.extend_from_slice(overlap(self.whole_chunks(), &self.last, plain));
    }
}

/// That part of `opened`, which starts with chunk `first`, that lies in `plain`.
fn overlap<'a>(first: u64, opened: &'a [u8], plain: &Range<u64>) -> &'a [u8] {
    let base = first * CHUNK_LEN as u64;
    let clamp = |at: u64| {
        let within = usize::try_from(at.saturating_sub(base));
        within.unwrap_or(usize::MAX).min(opened.len())
    };
    let (start, end) = (clamp(plain.start), clamp(plain.end));
    opened.get(start..end).unwrap_or_default()
}

fn expect_len(range: &Range<u64>, sealed: &[u8]) -> Result<(), OpenError> {
    let (asked, got) = (range.end - range.start, sealed.len() as u64);
    match asked == got {
        true => Ok(()),
        false => Err(OpenError::Answer { asked, got }),
    }
}

impl fmt::Debug for RangedCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RangedCore")
            .field("header", &self.header)
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}

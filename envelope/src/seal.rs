//! Sealing without I/O: plaintext is pushed in, sealed bytes come out (§3, §4).

use std::fmt;
use std::io::{Read, Write};
use std::sync::OnceLock;

use rand_core::CryptoRng;
use zeroize::Zeroize as _;

use crate::cipher::CipherBackend;
use crate::cobblestone::BodyKeys;
use crate::content_key::ContentKey;
use crate::digest::{Digest, DigestCounter, EnvelopeDigest};
use crate::error::SealError;
use crate::header::{Header, Immutable, envelope_digest};
use crate::keys::RecipientKey;
use crate::layout::{CHUNK_LEN, Layout, MAX_PLAIN_LEN, SALT_LEN, SEALED_CHUNK_LEN};
use crate::segments::{MAX_SEGMENTS, SegmentAlg, SegmentHasher, SegmentList, SegmentSize};
use crate::stanza::{MAX_RECIPIENTS, StanzaList};
use crate::{Binding, stream, wrap};

/// What to write into the header, and how to digest segments.
#[derive(Debug, Clone)]
pub struct SealParams {
    /// Bytes of plaintext, if known; sealing then fails on any other length.
    pub plain_length: Option<u64>,
    /// Media type; printable ASCII, at most 255 bytes, may be empty.
    pub media_type: String,
    /// A name without meaning to the format, for instance random.
    pub envelope_id: [u8; 16],
    /// In-file recipients; none is legal.
    pub recipients: Vec<RecipientKey>,
    /// Hash of segments.
    pub segment_alg: SegmentAlg,
    /// Size of segments.
    pub segment_size: SegmentSize,
}

impl Default for SealParams {
    fn default() -> Self {
        Self {
            plain_length: None,
            media_type: String::from("application/octet-stream"),
            envelope_id: [0; 16],
            recipients: Vec::new(),
            segment_alg: SegmentAlg::default(),
            segment_size: SegmentSize::default(),
        }
    }
}

/// What came out of sealing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The plaintext.
    pub plain: Digest,
    /// The sealed image, header included.
    pub sealed: Digest,
    /// The header, through the commitment.
    pub header: Digest,
    /// Digests of the sealed image's segments.
    pub segments: SegmentList,
    /// Names this sealing.
    pub envelope: EnvelopeDigest,
}

/// Everything random about one sealing, fixed: content key, salt and wrapped recipients.
///
/// A plan can be run any number of times and gives the same bytes for the same plaintext, so a file can be hashed first
/// and uploaded after, without a copy. Never run one plan over different plaintexts: that repeats nonces, and two such
/// outputs together give both plaintexts away. A plan remembers the plaintext of its first run, and [`SealPlan::run`] over
/// another one ends in [`SealError::OtherPlaintext`]; by then the bytes are written, so hash first and send after.
#[derive(Debug)]
pub struct SealPlan {
    key: ContentKey,
    header: Header,
    segment_alg: SegmentAlg,
    segment_size: SegmentSize,
    /// The plaintext of the first whole run.
    plain: OnceLock<Digest>,
}

impl SealPlan {
    /// A plan that was interrupted: its content key and header, and the plaintext that it was run over.
    ///
    /// # Errors
    /// [`SealError::Cipher`] if the header does not commit to this key.
    pub fn resume(
        key: ContentKey,
        header: Header,
        plain: Digest,
        segment_alg: SegmentAlg,
        segment_size: SegmentSize,
    ) -> Result<Self, SealError> {
        header.check_key(&key).map_err(|_| SealError::Cipher)?;
        Ok(Self {
            key,
            header,
            segment_alg,
            segment_size,
            plain: OnceLock::from(plain),
        })
    }

    /// A plan with a fresh content key and salt.
    ///
    /// # Errors
    /// [`SealError`] for parameters that the format refuses.
    pub fn new<R: CryptoRng + ?Sized>(params: SealParams, rng: &mut R) -> Result<Self, SealError> {
        let key = ContentKey::generate(rng);
        let mut salt = [0; SALT_LEN];
        rng.fill_bytes(&mut salt);
        Self::with_key(params, key, salt, rng)
    }

    /// A plan with this content key and salt. A pair of both must never be used for two different plaintexts.
    ///
    /// # Errors
    /// As [`SealPlan::new`].
    pub fn with_key<R: CryptoRng + ?Sized>(
        params: SealParams,
        key: ContentKey,
        salt: [u8; 24],
        rng: &mut R,
    ) -> Result<Self, SealError> {
        let SealParams {
            plain_length,
            media_type,
            envelope_id,
            recipients,
            segment_alg,
            segment_size,
        } = params;
        let immutable = Immutable {
            plain_length,
            media_type,
            envelope_id,
        };
        let context = immutable.context().map_err(SealError::Params)?;
        let commitment = *BodyKeys::derive(&key, &salt, &context).commitment();
        let digest = envelope_digest(&context, &salt, &commitment);
        let mut stanzas = StanzaList::default();
        for recipient in &recipients {
            let stanza = wrap(&key, recipient, &digest, &Binding::in_file(), rng)?;
            stanzas.push(stanza, MAX_RECIPIENTS).map_err(SealError::Params)?;
        }
        let header = Header::assemble(immutable, stanzas, salt, commitment)?;
        let layout = header
            .plain_length()
            .and_then(|n| Layout::from_plain_len(header.header_len(), n));
        if layout.is_some_and(|l| l.sealed_len().div_ceil(segment_size.bytes()) > MAX_SEGMENTS) {
            return Err(SealError::SegmentList { size: segment_size });
        }
        Ok(Self {
            key,
            header,
            segment_alg,
            segment_size,
            plain: OnceLock::new(),
        })
    }

    /// The same plan, run by this implementation of the cipher. The bytes are the same with all of them.
    #[must_use]
    pub fn with_backend(mut self, backend: CipherBackend) -> Self {
        self.key = self.key.with_backend(backend);
        self
    }

    /// The header of the image to be.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The content key, for wrapping it into a key file or key box.
    pub fn content_key(&self) -> &ContentKey {
        &self.key
    }

    /// The envelope digest, to bind those wraps to.
    pub fn envelope_digest(&self) -> EnvelopeDigest {
        self.header.envelope_digest()
    }

    /// A machine at the start of the body. The header's bytes go before what it puts out.
    ///
    /// # Errors
    /// [`SealError::SegmentList`] if the announced length does not fit the segment size.
    pub fn sealer(&self) -> Result<Sealer, SealError> {
        let mut segments = SegmentHasher::new(self.segment_alg, self.segment_size);
        let too_long = |_| SealError::SegmentList {
            size: self.segment_size,
        };
        segments.push(self.header.bytes()).map_err(too_long)?;
        let mut sealed = DigestCounter::default();
        sealed.update(self.header.bytes());
        Ok(Sealer {
            chunks: self.chunk_sealer()?,
            plain: DigestCounter::default(),
            sealed,
            segments,
            segment_size: self.segment_size,
            header: self.header.digest(),
            envelope: self.envelope_digest(),
        })
    }

    /// Reads the plaintext to its end and writes the whole sealed image. `progress` gets the bytes of plaintext so far.
    ///
    /// # Errors
    /// [`SealError`]; what was written by then is worthless.
    pub fn run(
        &self,
        reader: impl Read,
        writer: impl Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Sealed, SealError> {
        let sealed = stream::seal(reader, writer, self, progress)?;
        if *self.plain.get_or_init(|| sealed.plain) == sealed.plain {
            Ok(sealed)
        } else {
            Err(SealError::OtherPlaintext)
        }
    }

    pub(crate) fn chunk_sealer(&self) -> Result<ChunkSealer, SealError> {
        let keys = self.header.body_keys(&self.key).map_err(|_| SealError::Cipher)?;
        let announced = self.header.plain_length();
        Ok(ChunkSealer {
            keys,
            announced,
            next: 0,
            taken: 0,
            pending: Vec::with_capacity(CHUNK_LEN),
        })
    }

    pub(crate) fn segment_hasher(&self) -> SegmentHasher {
        SegmentHasher::new(self.segment_alg, self.segment_size)
    }

    pub(crate) fn segment_size(&self) -> SegmentSize {
        self.segment_size
    }
}

/// The push machine: plaintext in, sealed bytes out, digests at the end.
#[derive(Debug)]
pub struct Sealer {
    chunks: ChunkSealer,
    plain: DigestCounter,
    sealed: DigestCounter,
    segments: SegmentHasher,
    segment_size: SegmentSize,
    header: Digest,
    envelope: EnvelopeDigest,
}

impl Sealer {
    /// A machine with this content key and salt, and the header's bytes, which go before what it puts out.
    ///
    /// # Errors
    /// As [`SealPlan::new`].
    pub fn new<R: CryptoRng + ?Sized>(
        params: SealParams,
        key: ContentKey,
        salt: [u8; 24],
        rng: &mut R,
    ) -> Result<(Self, Vec<u8>), SealError> {
        let plan = SealPlan::with_key(params, key, salt, rng)?;
        Ok((plan.sealer()?, plan.header.bytes().to_vec()))
    }

    /// Takes plaintext; appends sealed bytes to `out`.
    ///
    /// # Errors
    /// [`SealError`]; the machine is then of no more use.
    pub fn update(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        let from = out.len();
        self.chunks.update(plain, out)?;
        self.account(plain, &out[from..])
    }

    /// Seals the last, short chunk.
    ///
    /// # Errors
    /// [`SealError::PlainLength`] if less came than was announced.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<Sealed, SealError> {
        let from = out.len();
        self.chunks.finish(out)?;
        self.account(&[], &out[from..])?;
        let size = self.segment_size;
        Ok(Sealed {
            plain: self.plain.finish(),
            sealed: self.sealed.finish(),
            header: self.header,
            segments: self
                .segments
                .finish()
                .map_err(|_| SealError::SegmentList { size })?,
            envelope: self.envelope,
        })
    }

    fn account(&mut self, plain: &[u8], sealed: &[u8]) -> Result<(), SealError> {
        DigestCounter::update_both((&mut self.plain, plain), (&mut self.sealed, sealed));
        let size = self.segment_size;
        self.segments
            .push(sealed)
            .map_err(|_| SealError::SegmentList { size })
    }
}

/// Plaintext into chunks, without digests.
pub(crate) struct ChunkSealer {
    keys: BodyKeys,
    announced: Option<u64>,
    next: u64,
    taken: u64,
    pending: Vec<u8>,
}

impl ChunkSealer {
    pub(crate) fn update(&mut self, mut plain: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        self.taken = self.taken.saturating_add(plain.len() as u64);
        if self.taken > MAX_PLAIN_LEN {
            return Err(SealError::TooLong);
        }
        if let Some(announced) = self.announced.filter(|n| self.taken > *n) {
            return Err(SealError::PlainLength {
                announced,
                found: self.taken,
            });
        }
        out.reserve((self.pending.len() + plain.len()) / CHUNK_LEN * SEALED_CHUNK_LEN);
        if !self.pending.is_empty() {
            let (now, later) = plain.split_at(plain.len().min(CHUNK_LEN - self.pending.len()));
            self.pending.extend_from_slice(now);
            plain = later;
            if self.pending.len() == CHUNK_LEN {
                self.keys.seal_chunk(self.next, &self.pending, out)?;
                self.next += 1;
                self.pending.clear();
            }
        }
        let mut chunks = plain.chunks_exact(CHUNK_LEN);
        for chunk in &mut chunks {
            self.keys.seal_chunk(self.next, chunk, out)?;
            self.next += 1;
        }
        self.pending.extend_from_slice(chunks.remainder());
        Ok(())
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), SealError> {
        if let Some(announced) = self.announced.filter(|n| self.taken != *n) {
            return Err(SealError::PlainLength {
                announced,
                found: self.taken,
            });
        }
        self.keys.seal_chunk(self.next, &self.pending, out)
    }
}

/// What is pending is plaintext.
impl fmt::Debug for ChunkSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChunkSealer({} bytes so far, redacted)", self.taken)
    }
}

impl Drop for ChunkSealer {
    fn drop(&mut self) {
        // Plaintext that did not yet fill a chunk.
        self.pending.zeroize();
    }
}

#[cfg(test)]
mod tests;

//! What is decided before the first byte is sealed: parameters, and the plan that they lead to.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rand_core::CryptoRng;

use super::record::Record;
use super::{ChunkSealer, Sealed, Sealer};
use crate::cipher::CipherBackend;
use crate::cobblestone::BodyKeys;
use crate::content_key::ContentKey;
use crate::digest::{Digest, EnvelopeDigest};
use crate::error::SealError;
use crate::header::{Header, Immutable, envelope_digest};
use crate::keys::RecipientKey;
use crate::layout::{Layout, SALT_LEN};
use crate::segments::{SegmentAlg, SegmentSize};
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

/// Everything random about one sealing, fixed: content key, salt and wrapped recipients.
///
/// A plan can be run any number of times and gives the same bytes for the same plaintext, so a file can be hashed first
/// and uploaded after, without a copy. It never seals two plaintexts: that would repeat nonces, and two such outputs
/// together give both plaintexts away. It remembers what it has sealed where (128 bytes for each MiB; the only memory that
/// grows with the image, beside the segment list), and a run over another plaintext ends in
/// [`SealError::OtherPlaintext`] before the first block that differs is given out.
#[derive(Debug)]
pub struct SealPlan {
    key: ContentKey,
    header: Header,
    segment_alg: SegmentAlg,
    segment_size: SegmentSize,
    record: Arc<Record>,
}

impl SealPlan {
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

    pub(crate) fn with_key<R: CryptoRng + ?Sized>(
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
        Self::assemble(key, header, segment_alg, segment_size)
    }

    fn assemble(
        key: ContentKey,
        header: Header,
        segment_alg: SegmentAlg,
        segment_size: SegmentSize,
    ) -> Result<Self, SealError> {
        let layout = header
            .plain_length()
            .and_then(|n| Layout::from_plain_len(header.header_len(), n));
        if layout.is_some_and(|layout| !segment_size.fits(layout.sealed_len())) {
            return Err(SealError::SegmentList { size: segment_size });
        }
        Ok(Self {
            key,
            header,
            segment_alg,
            segment_size,
            record: Arc::default(),
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

    /// A machine at the start of the body. The header's bytes go before what it puts out. Together with all other machines and
    /// runs of this plan it is held to one plaintext.
    ///
    /// # Errors
    /// [`SealError::Cipher`], which no plan should bring about.
    pub fn sealer(&self) -> Result<Sealer, SealError> {
        Sealer::start(self)
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
        stream::seal(reader, writer, self, progress)
    }

    pub(crate) fn chunk_sealer(&self) -> Result<ChunkSealer, SealError> {
        let keys = self.header.body_keys(&self.key).map_err(|_| SealError::Cipher)?;
        Ok(ChunkSealer::new(
            keys,
            self.header.plain_length(),
            Arc::clone(&self.record),
        ))
    }

    pub(crate) fn segment_kind(&self) -> (SegmentAlg, SegmentSize) {
        (self.segment_alg, self.segment_size)
    }
}

/// A plan that another process was interrupted with. It gives nothing out before it has been run over the same plaintext
/// once more, since what was sealed where went with that process.
#[derive(Debug)]
pub struct InterruptedPlan {
    plan: SealPlan,
    plain: Digest,
}

impl InterruptedPlan {
    /// The plan with this content key and header, which was run over the plaintext `plain`.
    ///
    /// # Errors
    /// [`SealError::Cipher`] if the header does not commit to this key; [`SealError::SegmentList`].
    pub fn new(
        key: ContentKey,
        header: Header,
        plain: Digest,
        segment_alg: SegmentAlg,
        segment_size: SegmentSize,
    ) -> Result<Self, SealError> {
        header.check_key(&key).map_err(|_| SealError::Cipher)?;
        let plan = SealPlan::assemble(key, header, segment_alg, segment_size)?;
        Ok(Self { plan, plain })
    }

    /// Seals the plaintext into nothing; a plan that seals nothing else comes out.
    ///
    /// # Errors
    /// [`SealError::OtherPlaintext`] if it is another, and what [`SealPlan::run`] fails with.
    pub fn prove(
        self,
        reader: impl Read,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(SealPlan, Sealed), SealError> {
        let sealed = self.plan.run(reader, io::sink(), progress)?;
        match sealed.plain == self.plain {
            true => Ok((self.plan, sealed)),
            false => Err(SealError::OtherPlaintext),
        }
    }
}

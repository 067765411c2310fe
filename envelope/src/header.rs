//! Everything before the first chunk (§3): immutable part, recipients, salt, commitment.

use std::io::Read;

use crate::cbor::{self, Reader};
use crate::cobblestone::BodyKeys;
use crate::content_key::ContentKey;
use crate::digest::{Digest, EnvelopeDigest};
use crate::error::{FormatError, OpenError, UnwrapError};
use crate::keys::UnwrapKey;
use crate::layout::{COMMITMENT_LEN, Layout, MAX_PLAIN_LEN, SALT_LEN};
use crate::stanza::{MAX_RECIPIENTS, Stanza, StanzaList};
use crate::{Binding, SealError};

use sha2::{Digest as _, Sha256};

/// Bytes of a header, at most, salt and commitment included.
pub const MAX_HEADER_LEN: usize = 64 * 1024;
/// Bytes of a media type, at most.
pub const MAX_MEDIA_TYPE_LEN: usize = 255;

const WHAT: &str = "sealed image";
const IMMUTABLE: &str = "immutable part of the header";
const RECIPIENTS: &str = "recipients part of the header";
const MAGIC: &[u8; 8] = b"SEALIFT\0";
const VERSION: u16 = 1;
const SUITE_COBBLESTONE_256: u64 = 1;
/// Magic, version and the length of the immutable part.
const PREFIX_LEN: usize = 14;
const LEN_LEN: usize = 4;
const TAIL_LEN: usize = SALT_LEN + COMMITMENT_LEN;

/// The immutable part: what the key commitment covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Immutable {
    pub(crate) plain_length: Option<u64>,
    pub(crate) media_type: String,
    pub(crate) envelope_id: [u8; 16],
}

impl Immutable {
    fn check(&self) -> Result<(), FormatError> {
        if let Some(claimed) = self.plain_length.filter(|n| *n > MAX_PLAIN_LEN) {
            return Err(FormatError::TooLarge {
                what: "the plaintext length",
                claimed,
                cap: MAX_PLAIN_LEN,
            });
        }
        if self.media_type.len() > MAX_MEDIA_TYPE_LEN {
            let claimed = self.media_type.len() as u64;
            return Err(FormatError::TooLarge {
                what: "the length of the media type",
                claimed,
                cap: MAX_MEDIA_TYPE_LEN as u64,
            });
        }
        if !self.media_type.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return Err(FormatError::Field {
                what: "a media type with other than printable ASCII characters",
            });
        }
        Ok(())
    }

    fn to_cbor(&self) -> Vec<u8> {
        cbor::encode(|e| {
            e.map(4)?.u64(1)?.u64(SUITE_COBBLESTONE_256)?.u64(2)?;
            match self.plain_length {
                Some(length) => e.u64(length)?,
                None => e.null()?,
            };
            e.u64(3)?
                .str(&self.media_type)?
                .u64(4)?
                .bytes(&self.envelope_id)?
                .ok()
        })
    }

    fn from_cbor(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut r = Reader::new(bytes, IMMUTABLE);
        r.map(4)?;
        r.key(1)?;
        let suite = r.uint()?;
        if suite != SUITE_COBBLESTONE_256 {
            return Err(FormatError::Suite(suite));
        }
        r.key(2)?;
        let plain_length = r.uint_or_null()?;
        r.key(3)?;
        let media_type = r.text()?;
        r.key(4)?;
        let envelope_id = r.byte_array()?;
        let immutable = Self {
            plain_length,
            media_type: media_type.to_owned(),
            envelope_id,
        };
        r.end(&immutable.to_cbor())?;
        immutable.check()?;
        Ok(immutable)
    }

    /// The Cobblestone context: magic, version, length, immutable part, as on the wire (§3.2).
    pub(crate) fn context(&self) -> Result<Vec<u8>, FormatError> {
        self.check()?;
        let body = self.to_cbor();
        let mut context = MAGIC.to_vec();
        context.extend(VERSION.to_be_bytes());
        context.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
        context.extend(body);
        Ok(context)
    }
}

/// A parsed header. Its fields are claims of whoever made the file, until an opener has checked the commitment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    raw: Vec<u8>,
    context_len: usize,
    immutable: Immutable,
    stanzas: StanzaList,
    salt: [u8; SALT_LEN],
    commitment: [u8; COMMITMENT_LEN],
}

impl Header {
    /// Parses a header from the start of `bytes`; returns it and its length. What follows is not looked at.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] says how many bytes are needed to get further (again at most [`MAX_HEADER_LEN`]), so a
    /// caller with a growing buffer can read up to there and call again. Any other error is final.
    pub fn parse(bytes: &[u8]) -> Result<(Self, usize), FormatError> {
        let prefix = take(bytes, 0, PREFIX_LEN)?;
        if &prefix[..8] != MAGIC {
            return Err(FormatError::Magic { what: WHAT });
        }
        let version = u16::from_be_bytes([prefix[8], prefix[9]]);
        if version != VERSION {
            return Err(FormatError::Version { what: WHAT, version });
        }
        let context_len = section_end(bytes, PREFIX_LEN - LEN_LEN, LEN_LEN + TAIL_LEN)?;
        take(bytes, 0, context_len + LEN_LEN)?;
        let recipients_end = section_end(bytes, context_len, TAIL_LEN)?;
        let header_len = recipients_end + TAIL_LEN;
        let raw = take(bytes, 0, header_len)?;

        let immutable = Immutable::from_cbor(&raw[PREFIX_LEN..context_len])?;
        let mut r = Reader::new(&raw[context_len + LEN_LEN..recipients_end], RECIPIENTS);
        let stanzas = StanzaList::decode(&mut r, MAX_RECIPIENTS)?;
        r.end(&cbor::encode(|e| stanzas.encode(e)))?;
        let mut salt = [0; SALT_LEN];
        salt.copy_from_slice(&raw[recipients_end..recipients_end + SALT_LEN]);
        let mut commitment = [0; COMMITMENT_LEN];
        commitment.copy_from_slice(&raw[recipients_end + SALT_LEN..]);
        let header = Self {
            raw: raw.to_vec(),
            context_len,
            immutable,
            stanzas,
            salt,
            commitment,
        };
        Ok((header, header_len))
    }

    /// Reads a header, and not one byte more, from a stream.
    ///
    /// # Errors
    /// [`OpenError::Format`] or [`OpenError::Read`].
    pub fn read(reader: &mut impl Read) -> Result<Self, OpenError> {
        Self::read_with(|buffer, from| match reader.read_exact(&mut buffer[from..]) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(truncated(buffer.len())),
            result => result.map_err(OpenError::Read),
        })
    }

    /// Reads a header with `fill(buffer, from)`, which fills the buffer from `from` on.
    pub(crate) fn read_with(
        mut fill: impl FnMut(&mut [u8], usize) -> Result<(), OpenError>,
    ) -> Result<Self, OpenError> {
        let mut buffer = Vec::new();
        loop {
            match Self::parse(&buffer) {
                Ok((header, _)) => return Ok(header),
                Err(FormatError::Truncated { needed, .. }) if needed > buffer.len() => {
                    let from = buffer.len();
                    buffer.resize(needed, 0);
                    fill(&mut buffer, from)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Assembles a header; used by the sealing side.
    pub(crate) fn assemble(
        immutable: Immutable,
        stanzas: StanzaList,
        salt: [u8; SALT_LEN],
        commitment: [u8; COMMITMENT_LEN],
    ) -> Result<Self, SealError> {
        let mut raw = immutable.context().map_err(SealError::Params)?;
        let context_len = raw.len();
        let list = cbor::encode(|e| stanzas.encode(e));
        let needed = context_len + LEN_LEN + list.len() + TAIL_LEN;
        if needed > MAX_HEADER_LEN {
            return Err(SealError::HeaderTooLarge {
                needed: needed as u64,
                cap: MAX_HEADER_LEN as u64,
            });
        }
        raw.extend(u32::try_from(list.len()).unwrap_or(u32::MAX).to_be_bytes());
        raw.extend(list);
        raw.extend(salt);
        raw.extend(commitment);
        Ok(Self {
            raw,
            context_len,
            immutable,
            stanzas,
            salt,
            commitment,
        })
    }

    /// The header's bytes, exactly as on the wire.
    pub fn bytes(&self) -> &[u8] {
        &self.raw
    }

    /// Length in bytes; chunk 0 starts here.
    pub fn header_len(&self) -> u64 {
        self.raw.len() as u64
    }

    /// Length and SHA-256 of the header, as signed metadata carries them.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.raw)
    }

    /// Names this sealing; wrapped keys are bound to it (§4.4).
    pub fn envelope_digest(&self) -> EnvelopeDigest {
        envelope_digest(&self.raw[..self.context_len], &self.salt, &self.commitment)
    }

    /// Bytes of plaintext, where known when the header was written.
    pub fn plain_length(&self) -> Option<u64> {
        self.immutable.plain_length
    }

    /// Bytes of the whole sealed image, this header included, as the header announces them.
    ///
    /// A claim until the last chunk has been opened, like [`Header::plain_length`]; it tells a download that broke off
    /// without a key.
    pub fn sealed_length(&self) -> Option<u64> {
        let layout = Layout::from_plain_len(self.header_len(), self.plain_length()?)?;
        Some(layout.sealed_len())
    }

    /// Media type of the plaintext; printable ASCII, may be empty.
    pub fn media_type(&self) -> &str {
        &self.immutable.media_type
    }

    /// A name chosen by the sealer, without meaning here.
    pub fn envelope_id(&self) -> &[u8; 16] {
        &self.immutable.envelope_id
    }

    /// The in-file recipients, possibly none.
    pub fn stanzas(&self) -> &[Stanza] {
        self.stanzas.as_slice()
    }

    /// Unwraps the content key from the recipient that `key` belongs to, found by key id.
    ///
    /// # Errors
    /// [`UnwrapError`].
    pub fn unwrap_with(&self, key: &dyn UnwrapKey, binding: &Binding) -> Result<ContentKey, UnwrapError> {
        self.stanzas.unwrap_with(key, &self.envelope_digest(), binding)
    }

    /// Checks that `key` is the content key that this header commits to (§4.3).
    ///
    /// # Errors
    /// [`OpenError::Commitment`].
    pub fn check_key(&self, key: &ContentKey) -> Result<(), OpenError> {
        self.body_keys(key).map(drop)
    }

    pub(crate) fn body_keys(&self, key: &ContentKey) -> Result<BodyKeys, OpenError> {
        BodyKeys::derive_checked(key, &self.salt, &self.raw[..self.context_len], &self.commitment)
    }
}

/// SHA-256(context ‖ salt ‖ commitment)
pub(crate) fn envelope_digest(
    context: &[u8],
    salt: &[u8; SALT_LEN],
    commitment: &[u8; COMMITMENT_LEN],
) -> EnvelopeDigest {
    let hash = Sha256::new()
        .chain_update(context)
        .chain_update(salt)
        .chain_update(commitment);
    EnvelopeDigest::from_bytes(hash.finalize().into())
}

/// The input ends although `needed` bytes are needed.
pub(crate) fn truncated(needed: usize) -> OpenError {
    OpenError::Format(FormatError::Truncated { what: WHAT, needed })
}

fn take(bytes: &[u8], from: usize, to: usize) -> Result<&[u8], FormatError> {
    bytes.get(from..to).ok_or(FormatError::Truncated {
        what: WHAT,
        needed: to,
    })
}

/// The end of a section whose u32 length is at `at`, with `behind` more bytes to come; capped before use.
fn section_end(bytes: &[u8], at: usize, behind: usize) -> Result<usize, FormatError> {
    let field = take(bytes, at, at + LEN_LEN)?;
    let mut length = [0; LEN_LEN];
    length.copy_from_slice(field);
    let length = u64::from(u32::from_be_bytes(length));
    let total = length + (at + LEN_LEN + behind) as u64;
    let too_large = FormatError::TooLarge {
        what: "a header",
        claimed: total,
        cap: MAX_HEADER_LEN as u64,
    };
    usize::try_from(total)
        .ok()
        .filter(|n| *n <= MAX_HEADER_LEN)
        .map(|n| n - behind)
        .ok_or(too_large)
}

//! The key file: recipients of an image, detached from it (§6).

use crate::Binding;
use crate::cbor::{self, Reader};
use crate::content_key::ContentKey;
use crate::digest::EnvelopeDigest;
use crate::error::{FormatError, UnwrapError};
use crate::keys::{KeyId, UnwrapKey};
use crate::stanza::{Stanza, StanzaList};

/// Bytes of a key file, at most.
pub const MAX_KEY_FILE_LEN: usize = 1024 * 1024;
/// Recipients in a key file, at most. Of the largest kinds (RSA above 7000 bits, X-Wing) fewer fit [`MAX_KEY_FILE_LEN`].
pub const MAX_KEY_FILE_RECIPIENTS: usize = 1024;

const WHAT: &str = "key file";
const MAGIC: &[u8; 8] = b"SEALKEY\0";
const VERSION: u16 = 1;
const PREFIX_LEN: usize = 14;

/// A key file in memory. It is neither signed nor hashed by anything; the commitment of the image tells whether a key
/// taken from it is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    digest: EnvelopeDigest,
    stanzas: StanzaList,
}

impl KeyFile {
    /// A key file without recipients for the image with this envelope digest.
    pub fn new(digest: EnvelopeDigest) -> Self {
        Self {
            digest,
            stanzas: StanzaList::default(),
        }
    }

    /// Parses a whole key file.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        if bytes.len() > MAX_KEY_FILE_LEN {
            return Err(too_large(bytes.len() as u64));
        }
        let (prefix, body) = bytes.split_at_checked(PREFIX_LEN).ok_or(FormatError::Truncated {
            what: WHAT,
            needed: PREFIX_LEN,
        })?;
        if &prefix[..8] != MAGIC {
            return Err(FormatError::Magic { what: WHAT });
        }
        let version = u16::from_be_bytes([prefix[8], prefix[9]]);
        if version != VERSION {
            return Err(FormatError::Version { what: WHAT, version });
        }
        let claimed = u32::from_be_bytes([prefix[10], prefix[11], prefix[12], prefix[13]]);
        let length = usize::try_from(claimed)
            .ok()
            .filter(|n| *n <= MAX_KEY_FILE_LEN - PREFIX_LEN);
        let length = length.ok_or_else(|| too_large(claimed.into()))?;
        if body.len() > length {
            return Err(FormatError::Trailing { what: WHAT });
        }
        let truncated = FormatError::Truncated {
            what: WHAT,
            needed: PREFIX_LEN + length,
        };
        let body = body.get(..length).ok_or(truncated)?;

        let mut r = Reader::new(body, WHAT);
        r.map(2)?;
        r.key(1)?;
        let digest = EnvelopeDigest::from_bytes(r.byte_array()?);
        r.key(2)?;
        let stanzas = StanzaList::decode(&mut r, MAX_KEY_FILE_RECIPIENTS)?;
        let file = Self { digest, stanzas };
        r.end(&file.body())?;
        Ok(file)
    }

    fn body(&self) -> Vec<u8> {
        cbor::encode(|e| {
            e.map(2)?.u64(1)?.bytes(self.digest.as_bytes())?.u64(2)?;
            self.stanzas.encode(e)
        })
    }

    /// The bytes of the file, at most [`MAX_KEY_FILE_LEN`].
    pub fn encode(&self) -> Vec<u8> {
        let body = self.body();
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend(body);
        bytes
    }

    /// Which image the keys are for.
    pub fn envelope_digest(&self) -> EnvelopeDigest {
        self.digest
    }

    /// The recipients.
    pub fn stanzas(&self) -> &[Stanza] {
        self.stanzas.as_slice()
    }

    /// Adds a recipient.
    ///
    /// # Errors
    /// [`FormatError::DuplicateRecipient`], or [`FormatError::TooLarge`] for one too many or too many bytes. The file is
    /// then as it was.
    pub fn add(&mut self, stanza: Stanza) -> Result<(), FormatError> {
        let key_id = stanza.key_id();
        self.stanzas.push(stanza, MAX_KEY_FILE_RECIPIENTS)?;
        let claimed = PREFIX_LEN + self.body().len();
        if claimed > MAX_KEY_FILE_LEN {
            self.stanzas.remove(&key_id);
            return Err(too_large(claimed as u64));
        }
        Ok(())
    }

    /// Removes a recipient; says whether it was there.
    pub fn remove(&mut self, key: &KeyId) -> bool {
        self.stanzas.remove(key)
    }

    /// Unwraps the content key from the recipient that `key` belongs to, found by key id.
    ///
    /// Check the result with [`crate::Header::check_key`]: this file is not authenticated.
    ///
    /// # Errors
    /// [`UnwrapError`].
    pub fn unwrap_with(&self, key: &dyn UnwrapKey, binding: &Binding) -> Result<ContentKey, UnwrapError> {
        self.stanzas.unwrap_with(key, &self.digest, binding)
    }
}

fn too_large(claimed: u64) -> FormatError {
    FormatError::TooLarge {
        what: WHAT,
        claimed,
        cap: MAX_KEY_FILE_LEN as u64,
    }
}

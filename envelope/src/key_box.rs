//! The key box: one content key for one ECU of one vehicle (§7).

use rand_core::CryptoRng;

use crate::binding::Purpose;
use crate::cbor::{self, Reader};
use crate::content_key::ContentKey;
use crate::digest::EnvelopeDigest;
use crate::error::{FormatError, SealError, UnwrapError};
use crate::keys::{RecipientKey, UnwrapKey};
use crate::stanza::Stanza;
use crate::{Binding, wrap};

/// Bytes of a key box, at most.
pub const MAX_KEY_BOX_LEN: usize = 4096;

const WHAT: &str = "key box";

/// A key box in memory. Opaque to metadata, which carries its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBox {
    digest: EnvelopeDigest,
    stanza: Stanza,
}

impl KeyBox {
    /// Wraps `key`, the content key of the image `digest`, for `to` under `binding` ([`Binding::key_box`]).
    ///
    /// # Errors
    /// [`SealError::Wrap`], [`SealError::Params`] for a binding of another place.
    pub fn create<R: CryptoRng + ?Sized>(
        key: &ContentKey,
        to: &RecipientKey,
        digest: &EnvelopeDigest,
        binding: &Binding,
        rng: &mut R,
    ) -> Result<Self, SealError> {
        if binding.purpose() != Purpose::KeyBox {
            let what = "the binding of a key box, which is for another place";
            return Err(SealError::Params(FormatError::Field { what }));
        }
        Ok(Self {
            digest: *digest,
            stanza: wrap(key, to, digest, binding, rng)?,
        })
    }

    /// Parses a whole key box.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        if bytes.len() > MAX_KEY_BOX_LEN {
            let claimed = bytes.len() as u64;
            return Err(FormatError::TooLarge {
                what: WHAT,
                claimed,
                cap: MAX_KEY_BOX_LEN as u64,
            });
        }
        let mut r = Reader::new(bytes, WHAT);
        r.map(2)?;
        r.key(1)?;
        let digest = EnvelopeDigest::from_bytes(r.byte_array()?);
        r.key(2)?;
        let stanza = Stanza::decode(&mut r)?;
        let key_box = Self { digest, stanza };
        r.end(&key_box.encode())?;
        Ok(key_box)
    }

    /// The bytes: deterministic CBOR `{1: envelope digest, 2: stanza}`.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(|e| {
            e.map(2)?.u64(1)?.bytes(self.digest.as_bytes())?.u64(2)?;
            self.stanza.encode(e)
        })
    }

    /// Which image the key is for. Compare with the header's before installing anything.
    pub fn envelope_digest(&self) -> EnvelopeDigest {
        self.digest
    }

    /// The one recipient.
    pub fn stanza(&self) -> &Stanza {
        &self.stanza
    }

    /// Unwraps the content key. An opener checks it against the image's commitment.
    ///
    /// # Errors
    /// [`UnwrapError`].
    pub fn open(&self, key: &dyn UnwrapKey, binding: &Binding) -> Result<ContentKey, UnwrapError> {
        self.stanza.unwrap_with(key, &self.digest, binding)
    }
}

//! A stanza: the content key, wrapped for one recipient (§5).

use std::collections::BTreeSet;

use minicbor::encode::Error;

use crate::cbor::{Reader, Writer};
use crate::error::{FormatError, UnwrapError};
use crate::keys::{KeyId, UnwrapKey};
use crate::wrap::x_wing;
use crate::{Binding, ContentKey, EnvelopeDigest};

/// Recipients in a header, at most.
pub const MAX_RECIPIENTS: usize = 256;
/// Bytes of a wrapped content key: 32 and a tag.
pub(crate) const WRAPPED_KEY_LEN: usize = 48;
/// Bytes of an uncompressed P-256 point.
const P256_POINT_LEN: usize = 65;
/// Bytes of an RSA modulus, smallest and largest that the format knows.
const RSA_LENS: std::ops::RangeInclusive<usize> = 256..=1024;

/// How a content key is wrapped (§5.2, §5.3). One further value is reserved: 4, a symmetric key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Wrap {
    /// HPKE, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
    HpkeP256,
    /// RSA-OAEP as a key encapsulation, HKDF-SHA256, AES-256-GCM.
    RsaOaep,
    /// HPKE, X-Wing (ML-KEM-768 and X25519), HKDF-SHA256, AES-256-GCM. The one that also holds against a quantum computer.
    XWing,
}

impl Wrap {
    /// The number on the wire.
    pub fn code(self) -> u64 {
        match self {
            Self::HpkeP256 => 1,
            Self::RsaOaep => 2,
            Self::XWing => 3,
        }
    }

    /// The name shown to people: `hpke-p256`, `rsa-oaep` or `x-wing`.
    pub fn name(self) -> &'static str {
        match self {
            Self::HpkeP256 => "hpke-p256",
            Self::RsaOaep => "rsa-oaep",
            Self::XWing => "x-wing",
        }
    }

    fn from_code(code: u64) -> Result<Self, FormatError> {
        match code {
            1 => Ok(Self::HpkeP256),
            2 => Ok(Self::RsaOaep),
            3 => Ok(Self::XWing),
            other => Err(FormatError::Wrap(other)),
        }
    }
}

/// One recipient's entry: `[wrap, key id, enc, ciphertext]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stanza {
    wrap: Wrap,
    key_id: KeyId,
    enc: Vec<u8>,
    ciphertext: [u8; WRAPPED_KEY_LEN],
}

impl Stanza {
    /// A stanza from its parts, as a wrapping outside this crate would make it.
    ///
    /// # Errors
    /// [`FormatError::Field`] for an encapsulation of a length that `wrap` never has.
    pub fn new(wrap: Wrap, key_id: KeyId, enc: Vec<u8>, ciphertext: [u8; 48]) -> Result<Self, FormatError> {
        let fits = match wrap {
            Wrap::HpkeP256 => enc.len() == P256_POINT_LEN,
            Wrap::RsaOaep => RSA_LENS.contains(&enc.len()),
            Wrap::XWing => enc.len() == x_wing::ENC_LEN,
        };
        if !fits {
            return Err(FormatError::Field {
                what: "the length of a stanza's encapsulation",
            });
        }
        Ok(Self {
            wrap,
            key_id,
            enc,
            ciphertext,
        })
    }

    /// How the key is wrapped.
    pub fn wrap(&self) -> Wrap {
        self.wrap
    }

    /// Whom it is wrapped for.
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The encapsulation: an uncompressed point (65 bytes), the OAEP ciphertext, or X-Wing's (1120 bytes).
    pub fn enc(&self) -> &[u8] {
        &self.enc
    }

    /// The wrapped content key, 48 bytes.
    pub fn ciphertext(&self) -> &[u8] {
        &self.ciphertext
    }

    pub(crate) fn encode(&self, e: &mut Writer) -> Result<(), Error<std::convert::Infallible>> {
        e.array(4)?
            .u64(self.wrap.code())?
            .bytes(self.key_id.as_bytes())?
            .bytes(&self.enc)?
            .bytes(&self.ciphertext)?
            .ok()
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, FormatError> {
        if r.array()? != 4 {
            return Err(FormatError::Field {
                what: "the number of fields of a stanza",
            });
        }
        let wrap = Wrap::from_code(r.uint()?)?;
        let key_id = KeyId::from_bytes(r.byte_array()?);
        let enc = r.bytes()?;
        let ciphertext = r.byte_array()?;
        Self::new(wrap, key_id, enc.to_vec(), ciphertext)
    }

    /// Unwraps with `key`, for `binding` and the image `digest`.
    pub(crate) fn unwrap_with(
        &self,
        key: &dyn UnwrapKey,
        digest: &EnvelopeDigest,
        binding: &Binding,
    ) -> Result<ContentKey, UnwrapError> {
        if key.key_id() != self.key_id {
            return Err(UnwrapError::NotARecipient {
                key: key.key_id(),
                recipients: 1,
            });
        }
        if key.wrap() != self.wrap {
            return Err(UnwrapError::Refused);
        }
        key.unwrap_stanza(self, &binding.info(self.wrap, &self.key_id, digest))
    }
}

/// A list of stanzas for distinct recipients, as in a header or key file. How many is for its owner to say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct StanzaList(Vec<Stanza>);

impl StanzaList {
    pub(crate) fn as_slice(&self) -> &[Stanza] {
        &self.0
    }

    pub(crate) fn push(&mut self, stanza: Stanza, cap: usize) -> Result<(), FormatError> {
        if self.0.len() >= cap {
            return Err(too_many(self.0.len() as u64 + 1, cap));
        }
        if self.0.iter().any(|s| s.key_id == stanza.key_id) {
            return Err(FormatError::DuplicateRecipient(stanza.key_id));
        }
        self.0.push(stanza);
        Ok(())
    }

    pub(crate) fn remove(&mut self, key: &KeyId) -> bool {
        let before = self.0.len();
        self.0.retain(|s| s.key_id != *key);
        self.0.len() != before
    }

    pub(crate) fn encode(&self, e: &mut Writer) -> Result<(), Error<std::convert::Infallible>> {
        e.array(self.0.len() as u64)?;
        self.0.iter().try_for_each(|stanza| stanza.encode(e))
    }

    pub(crate) fn decode(r: &mut Reader<'_>, cap: usize) -> Result<Self, FormatError> {
        let count = r.array()?;
        let capped = usize::try_from(count).ok().filter(|n| *n <= cap);
        let capped = capped.ok_or_else(|| too_many(count, cap))?;
        let mut stanzas = Vec::with_capacity(capped);
        let mut seen = BTreeSet::new();
        for _ in 0..capped {
            let stanza = Stanza::decode(r)?;
            if !seen.insert(stanza.key_id) {
                return Err(FormatError::DuplicateRecipient(stanza.key_id));
            }
            stanzas.push(stanza);
        }
        Ok(Self(stanzas))
    }

    /// Finds the stanza by key id, never by trial.
    pub(crate) fn unwrap_with(
        &self,
        key: &dyn UnwrapKey,
        digest: &EnvelopeDigest,
        binding: &Binding,
    ) -> Result<ContentKey, UnwrapError> {
        let key_id = key.key_id();
        let stanza = self.0.iter().find(|s| s.key_id == key_id);
        stanza
            .ok_or(UnwrapError::NotARecipient {
                key: key_id,
                recipients: self.0.len(),
            })?
            .unwrap_with(key, digest, binding)
    }
}

fn too_many(count: u64, cap: usize) -> FormatError {
    FormatError::TooLarge {
        what: "the number of recipients",
        claimed: count,
        cap: cap as u64,
    }
}

//! Envelopes of signed statements about software: DSSE v1 (secure-systems-lab/dsse), the JSON form.
//!
//! What is signed is not the JSON but [`pae`] of type and payload, so nothing has to be canonicalised. The signatures are
//! those of [`PublicKey::verify`]: Ed25519, ECDSA P-256 in DER, RSA-PSS, all over SHA-256 where a digest is taken.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use crate::keys::PublicKey;

/// Most signatures of one envelope.
pub const MAX_ENVELOPE_SIGNATURES: usize = 16;

/// With padding or without.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// A payload with its type and the signatures over both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload_type: String,
    payload: Vec<u8>,
    signatures: Vec<Vec<u8>>,
}

/// Why bytes are no envelope.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DsseError {
    /// Not the JSON of an envelope, or a field occurs twice.
    #[error("it is no DSSE envelope")]
    Json(#[source] serde_json::Error),
    /// A field is in neither of the two alphabets that DSSE allows.
    #[error("{field} is not base64")]
    Base64 {
        /// Which field.
        field: &'static str,
    },
    /// No signature, or more than are tried.
    #[error("it carries {found} signatures; 1 to 16 are expected")]
    Signatures {
        /// How many there are.
        found: usize,
    },
}

#[derive(Deserialize)]
struct Written {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<WrittenSignature>,
}

/// A key id is a hint that nothing vouches for, so every key is tried instead.
#[derive(Deserialize)]
struct WrittenSignature {
    sig: String,
}

impl Envelope {
    /// Reads an envelope. Nothing in it is verified.
    ///
    /// # Errors
    /// [`DsseError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, DsseError> {
        let written: Written = serde_json::from_slice(bytes).map_err(DsseError::Json)?;
        let found = written.signatures.len();
        if !(1..=MAX_ENVELOPE_SIGNATURES).contains(&found) {
            return Err(DsseError::Signatures { found });
        }
        let signatures = written.signatures.iter();
        Ok(Self {
            payload: decode("payload", &written.payload)?,
            signatures: signatures
                .map(|signature| decode("signatures.sig", &signature.sig))
                .collect::<Result<_, _>>()?,
            payload_type: written.payload_type,
        })
    }

    /// What the payload is said to be.
    #[must_use]
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The first of these keys that has signed type and payload; `None` when none has.
    #[must_use]
    pub fn signed_by<'a>(&self, keys: &'a [PublicKey]) -> Option<&'a PublicKey> {
        let message = pae(&self.payload_type, &self.payload);
        keys.iter().find(|key| {
            let mut signatures = self.signatures.iter();
            signatures.any(|signature| key.verify(&message, signature).is_ok())
        })
    }
}

/// The pre-authentication encoding: `DSSEv1 LEN(type) type LEN(payload) payload`, lengths in decimal.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let (type_length, length) = (payload_type.len(), payload.len());
    let mut encoded = format!("DSSEv1 {type_length} {payload_type} {length} ").into_bytes();
    encoded.extend_from_slice(payload);
    encoded
}

fn decode(field: &'static str, text: &str) -> Result<Vec<u8>, DsseError> {
    let decoded = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text));
    decoded.map_err(|_| DsseError::Base64 { field })
}

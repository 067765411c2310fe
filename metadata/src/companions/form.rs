//! What the bytes of a companion are, as they say themselves.
//!
//! These are documents of other ecosystems, with floating point and any text in them, so that the strict reading of our own
//! metadata would refuse most. Fields that decide anything here are read by name, and one that occurs twice is refused.

use serde::Deserialize;

use super::provenance::{PAYLOAD_TYPE, Provenance, ProvenanceError};
use super::{CompanionKind, MAX_COMPANION_BYTES, is_media_type};
use crate::dsse::{DsseError, Envelope};

/// What Sigstore's bundles begin their media type with.
const SIGSTORE_BUNDLE: &str = "application/vnd.dev.sigstore.bundle";

/// A companion whose form is known.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Form {
    /// An in-toto Statement v1 with SLSA provenance v1 in a DSSE envelope. Its signature has yet to be verified.
    Provenance(Envelope, Provenance),
    /// A Sigstore bundle, of a signature without a long-lived key. Its media type is kept; nothing else in it is judged.
    SigstoreBundle(String),
    /// SPDX 2.3.
    Spdx,
    /// CycloneDX of this version, 1.something.
    CycloneDx(String),
}

/// Why bytes cannot be a companion of their kind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompanionError {
    /// Empty, or over the cap.
    #[error("{length} bytes; a companion has 1 byte to 32 MiB")]
    Length {
        /// Length, bytes.
        length: usize,
    },
    /// Not a JSON object, or one that names a field twice.
    #[error("it is not a JSON object that has one meaning")]
    Json(#[source] serde_json::Error),
    /// A document, but none of those that are known for the kind.
    #[error("it is none of: {expected}")]
    Unknown {
        /// What would be.
        expected: &'static str,
    },
    /// A DSSE envelope that is broken.
    #[error("it cannot be read as a signed envelope")]
    Envelope(#[from] DsseError),
    /// A signed envelope around something else.
    #[error("what its envelope holds cannot be read as build provenance")]
    Provenance(#[from] ProvenanceError),
}

/// The fields by which the forms are told apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marks {
    payload_type: Option<String>,
    media_type: Option<String>,
    spdx_version: Option<String>,
    bom_format: Option<String>,
    spec_version: Option<String>,
}

impl Form {
    /// Reads what a companion of this kind says that it is.
    ///
    /// # Errors
    /// [`CompanionError`] if it is none of the forms of the kind, or a broken one.
    pub fn read(kind: CompanionKind, bytes: &[u8]) -> Result<Self, CompanionError> {
        let length = bytes.len();
        let fits = u64::try_from(length).is_ok_and(|length| (1..=MAX_COMPANION_BYTES).contains(&length));
        if !fits {
            return Err(CompanionError::Length { length });
        }
        let marks: Marks = serde_json::from_slice(bytes).map_err(CompanionError::Json)?;
        match kind {
            CompanionKind::Provenance => Self::provenance(marks, bytes),
            CompanionKind::Sbom => marks.sbom().ok_or(CompanionError::Unknown {
                expected: "SPDX 2.3 in JSON, CycloneDX 1 in JSON",
            }),
        }
    }

    fn provenance(marks: Marks, bytes: &[u8]) -> Result<Self, CompanionError> {
        match (marks.payload_type, marks.media_type) {
            (Some(payload_type), None) if payload_type == PAYLOAD_TYPE => {
                let envelope = Envelope::parse(bytes)?;
                let provenance = Provenance::parse(envelope.payload_type(), envelope.payload())?;
                Ok(Self::Provenance(envelope, provenance))
            }
            (None, Some(media)) if media.starts_with(SIGSTORE_BUNDLE) && is_media_type(&media) => {
                Ok(Self::SigstoreBundle(media))
            }
            _ => Err(CompanionError::Unknown {
                expected: "a DSSE envelope of an in-toto statement, a Sigstore bundle",
            }),
        }
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Provenance(..) => "SLSA provenance v1".to_owned(),
            Self::SigstoreBundle(_) => "Sigstore bundle".to_owned(),
            Self::Spdx => "SPDX 2.3".to_owned(),
            Self::CycloneDx(version) => format!("CycloneDX {version}"),
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(&self) -> String {
        match self {
            Self::Provenance(..) => "application/vnd.in-toto.provenance+dsse".to_owned(),
            Self::SigstoreBundle(media) => media.clone(),
            Self::Spdx => "application/spdx+json".to_owned(),
            Self::CycloneDx(version) => format!("application/vnd.cyclonedx+json; version={version}"),
        }
    }
}

impl Marks {
    fn sbom(self) -> Option<Form> {
        match (self.spdx_version.as_deref(), self.bom_format.as_deref()) {
            (Some("SPDX-2.3"), None) => Some(Form::Spdx),
            (None, Some("CycloneDX")) => self
                .spec_version
                .filter(|version| is_first_major(version))
                .map(Form::CycloneDx),
            _ => None,
        }
    }
}

/// `1.` and one or two digits.
fn is_first_major(version: &str) -> bool {
    version
        .strip_prefix("1.")
        .is_some_and(|minor| (1..=2).contains(&minor.len()) && minor.bytes().all(|b| b.is_ascii_digit()))
}

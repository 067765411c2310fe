//! Build provenance: an in-toto Statement v1 with SLSA provenance v1 as its predicate.

use serde::Deserialize;

use crate::fields::hex_array;

/// The payload type of an envelope that holds a statement.
pub(super) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const SLSA: &str = "https://slsa.dev/provenance/v1";

/// What a builder says of some artefacts. Worth as much as the signature over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    subjects: Vec<[u8; 32]>,
    builder_id: String,
}

/// Why a payload is no build provenance.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProvenanceError {
    /// Not the JSON of a statement, or a field occurs twice.
    #[error("it is no in-toto statement with provenance")]
    Json(#[source] serde_json::Error),
    /// A field says that it is something else.
    #[error("{field} is {found:?}, {expected:?} is expected")]
    Other {
        /// Which field.
        field: &'static str,
        /// What it says, cut at 80 characters.
        found: String,
        /// What is read here.
        expected: &'static str,
    },
    /// SLSA demands a builder.
    #[error("predicate.runDetails.builder.id is missing")]
    NoBuilder,
}

#[derive(Deserialize)]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    subject: Vec<Subject>,
    predicate: Option<Predicate>,
}

#[derive(Deserialize)]
struct Subject {
    digest: Option<Digests>,
}

/// Other digests are passed over.
#[derive(Deserialize)]
struct Digests {
    sha256: Option<String>,
}

#[derive(Deserialize)]
struct Predicate {
    #[serde(rename = "runDetails")]
    run_details: Option<RunDetails>,
}

#[derive(Deserialize)]
struct RunDetails {
    builder: Option<Builder>,
}

#[derive(Deserialize)]
struct Builder {
    id: Option<String>,
}

impl Provenance {
    /// Reads the payload of an envelope.
    ///
    /// # Errors
    /// [`ProvenanceError`] if it is something else.
    pub fn parse(payload_type: &str, payload: &[u8]) -> Result<Self, ProvenanceError> {
        expect("payloadType", payload_type, PAYLOAD_TYPE)?;
        let statement: Statement = serde_json::from_slice(payload).map_err(ProvenanceError::Json)?;
        expect("_type", &statement.kind, STATEMENT)?;
        expect("predicateType", &statement.predicate_type, SLSA)?;
        let builder = statement.predicate.and_then(|predicate| predicate.run_details);
        let builder = builder.and_then(|details| details.builder);
        let id = builder.and_then(|builder| builder.id).filter(|id| !id.is_empty());
        let digests = statement.subject.iter().filter_map(|subject| {
            let digest = subject.digest.as_ref()?;
            hex_array(digest.sha256.as_ref()?)
        });
        Ok(Self {
            subjects: digests.collect(),
            builder_id: id.ok_or(ProvenanceError::NoBuilder)?,
        })
    }

    /// Whether it is about the bytes with this SHA-256.
    #[must_use]
    pub fn is_of(&self, sha256: &[u8; 32]) -> bool {
        self.subjects.contains(sha256)
    }

    /// Who says to have built it: the URI of a builder.
    #[must_use]
    pub fn builder_id(&self) -> &str {
        &self.builder_id
    }
}

fn expect(field: &'static str, found: &str, expected: &'static str) -> Result<(), ProvenanceError> {
    if found == expected {
        return Ok(());
    }
    Err(ProvenanceError::Other {
        field,
        found: found.chars().take(80).collect(),
        expected,
    })
}

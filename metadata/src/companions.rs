//! Companions of an image: documents about it that are published beside it, pinned by its signed entry.
//!
//! The list is `custom.companions` of the target, beside `custom.sealift` and not in it: vehicles neither read nor compare it.
//! What the documents say is read by [`Form`].

mod form;
mod provenance;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use crate::document::FormatError;
use crate::fields::{Fields, wrong};
use crate::targets::TargetFile;

pub use form::{CompanionError, Form};
pub use provenance::{Provenance, ProvenanceError};

/// Most companions of one target.
pub const MAX_COMPANIONS: usize = 16;
/// Longest companion, bytes (32 MiB).
pub const MAX_COMPANION_BYTES: u64 = 32 * 1024 * 1024;
/// Longest media type, bytes.
const MAX_MEDIA_TYPE: usize = 128;

/// What a companion is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CompanionKind {
    /// How the image was built, as its builder attests.
    Provenance,
    /// What is in the image: a software bill of materials.
    Sbom,
}

impl CompanionKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Provenance, Self::Sbom];

    /// The word in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provenance => "provenance",
            Self::Sbom => "sbom",
        }
    }
}

impl fmt::Display for CompanionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no kind of companion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`provenance` or `sbom` is expected")]
pub struct UnknownKind;

impl FromStr for CompanionKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}

/// One document beside an image. Ordered by kind, then by digest where that decides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Companion {
    /// What it is for.
    pub kind: CompanionKind,
    /// SHA-256 of its bytes, by which it is named in the store.
    pub sha256: [u8; 32],
    /// Length, bytes; 1 to [`MAX_COMPANION_BYTES`].
    pub length: u64,
    /// Media type, for whoever hands it out. What the bytes are, they say themselves.
    pub media_type: String,
}

impl Companion {
    /// The name of the list inside `custom`.
    pub const FIELD: &'static str = "companions";

    /// The companions of a target; none when the field is absent.
    ///
    /// # Errors
    /// [`FormatError`] naming the field that is wrong: the list is closed, and no document is in it twice.
    pub fn of_file(file: &TargetFile) -> Result<Vec<Self>, FormatError> {
        let Some(custom) = &file.custom else {
            return Ok(Vec::new());
        };
        let fields = Fields::of(custom, "custom")?;
        if fields.optional(Self::FIELD).is_none() {
            return Ok(Vec::new());
        }
        let at = fields.at(Self::FIELD);
        let mut seen = BTreeSet::new();
        let mut list = Vec::new();
        for item in fields.array(Self::FIELD, MAX_COMPANIONS)? {
            let companion = Self::parse(&Fields::of(item, at.clone())?)?;
            if !seen.insert(companion.sha256) {
                return Err(wrong(at, "a companion is listed twice"));
            }
            list.push(companion);
        }
        Ok(list)
    }

    fn parse(fields: &Fields<'_>) -> Result<Self, FormatError> {
        fields.only(&["kind", "media_type", "length", "sha256"])?;
        let kind = fields.string("kind")?.parse();
        let media_type = fields.string("media_type")?;
        let length = fields.unsigned("length")?;
        if !is_media_type(media_type) {
            return Err(wrong(
                fields.at("media_type"),
                "1 to 128 printable ASCII characters are expected",
            ));
        }
        if !(1..=MAX_COMPANION_BYTES).contains(&length) {
            return Err(wrong(fields.at("length"), "1 byte to 32 MiB are expected"));
        }
        Ok(Self {
            kind: kind
                .map_err(|_: UnknownKind| wrong(fields.at("kind"), "provenance or sbom is expected"))?,
            sha256: fields.digest("sha256")?,
            length,
            media_type: media_type.to_owned(),
        })
    }

    /// Writes one entry of the list.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({
            "kind": self.kind.as_str(),
            "media_type": self.media_type,
            "length": self.length,
            "sha256": hex::encode(self.sha256),
        })
    }
}

fn is_media_type(text: &str) -> bool {
    (1..=MAX_MEDIA_TYPE).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

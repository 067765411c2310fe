//! One companion: its bytes against the signed entry, and what they say against the image.

use std::error::Error;

use sealift_metadata::companions::{Companion, CompanionKind, Form};
use sealift_metadata::uptane::VerifiedTarget;
use sealift_repository::companions::{self, Found};
use sealift_repository::{Store, paths};
use serde_json::{Value, json};

use super::super::builders::{Builders, Image, Verdict};
use crate::failure::Failure;
use crate::faults;
use crate::voice::tame;

/// A companion that was looked at.
#[derive(Debug)]
pub(super) struct Checked {
    companion: Companion,
    /// Its form, if its bytes are the signed ones and are of a known form.
    form: Option<Form>,
    pub(super) verdict: Verdict,
}

impl Checked {
    pub(super) async fn new(
        store: &Store,
        companion: Companion,
        target: &VerifiedTarget,
        builders: &Builders,
    ) -> Result<Self, Failure> {
        let found = companions::get(store, &companion).await.map_err(faults::store)?;
        let path = paths::companion(&companion.sha256).map_err(faults::store)?;
        let refused = |companion, problem| Self {
            companion,
            form: None,
            verdict: Verdict {
                problems: vec![problem],
                ..Verdict::default()
            },
        };
        let bytes = match found {
            Found::Signed(bytes) => bytes,
            Found::Other => {
                return Ok(refused(
                    companion,
                    format!("the bytes of {path} are not the signed ones"),
                ));
            }
            Found::Nothing => return Ok(refused(companion, format!("{path} is missing"))),
        };
        Ok(match Form::read(companion.kind, &bytes) {
            Ok(form) => {
                let image = Image {
                    plain: &target.profile().plain.sha256,
                    object: target.sha256(),
                };
                Self {
                    verdict: builders.judge(&form, image),
                    form: Some(form),
                    companion,
                }
            }
            Err(error) => refused(companion, chain(&error)),
        })
    }

    /// Kind and the first digits of the digest: there may be several of a kind.
    pub(super) fn subject(&self) -> String {
        let digest = hex::encode(self.companion.sha256);
        format!("{} {}", self.companion.kind, digest.get(..12).unwrap_or_default())
    }

    /// Whether it is one of this kind that there is nothing to say against, and all was judged that should be.
    pub(super) fn meets(&self, kind: CompanionKind) -> bool {
        self.companion.kind == kind && self.verdict.problems.is_empty() && !self.is_bundle()
    }

    /// Provenance whose signature could be verified.
    pub(super) fn is_unsigned_word(&self) -> bool {
        matches!(self.form, Some(Form::Provenance(..)))
    }

    fn is_bundle(&self) -> bool {
        matches!(self.form, Some(Form::SigstoreBundle(_)))
    }

    /// What became of its signature, where the kind has one.
    fn signature(&self) -> Option<&'static str> {
        match (&self.form, &self.verdict.signed_by) {
            (Some(Form::Provenance(..)), Some(_)) => Some("verified"),
            (Some(Form::Provenance(..) | Form::SigstoreBundle(_)), None) => Some("not verified"),
            _ => None,
        }
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "kind": self.companion.kind.as_str(),
            "form": self.form.as_ref().map(Form::name),
            "media_type": self.companion.media_type,
            "length": self.companion.length,
            "sha256": hex::encode(self.companion.sha256),
            "signature": self.signature(),
            "signed_by": self.verdict.signed_by.as_ref().map(|key| key.as_str()),
            "builder_id": self.verdict.builder_id,
            "subject": self.verdict.subject,
        })
    }

    pub(super) fn words(&self) -> String {
        let Some(form) = &self.form else {
            return "refused".to_owned();
        };
        let mut words = form.name();
        if self.is_bundle() {
            words += ", its bytes are the signed ones; its signature is not judged";
        }
        if let Some(builder) = &self.verdict.builder_id {
            words += &format!(", built by {}", tame(builder));
        }
        if let Some(subject) = self.verdict.subject {
            words += &format!(", of the {subject} image");
        }
        if let Some(key) = &self.verdict.signed_by {
            words += &format!(", signed by {key}");
        }
        words
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

//! Errors as RFC 9457 problem documents.

mod kind;

pub use kind::ProblemKind;
use serde::{Deserialize, Serialize};

/// What every problem type starts with; the slug of a [`ProblemKind`] follows.
pub const TYPE_PREFIX: &str = "urn:sealift:problem:";

/// Body of every answer of status 400 and above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `urn:sealift:problem:<slug>`; decide by this, never by the texts.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// The same sentence for every problem of this type.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What went wrong this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Problem {
    /// A problem of this kind, without detail.
    pub fn new(kind: ProblemKind) -> Self {
        Self {
            type_uri: format!("{TYPE_PREFIX}{}", kind.slug()),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail: None,
            next: None,
        }
    }

    /// The same problem, saying what went wrong this time.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same problem, saying what to do.
    #[must_use]
    pub fn with_next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Its kind; `None` for a type that this version does not know.
    pub fn kind(&self) -> Option<ProblemKind> {
        ProblemKind::from_slug(self.type_uri.strip_prefix(TYPE_PREFIX)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_comes_back_from_its_type() {
        for kind in ProblemKind::ALL {
            let text = serde_json::to_string(&Problem::new(kind).with_detail("d").with_next("n")).unwrap();
            let back: Problem = serde_json::from_str(&text).unwrap();
            assert_eq!(back.kind(), Some(kind));
            assert_eq!(back.status, kind.status());
            assert!((400..600).contains(&back.status));
        }
    }

    #[test]
    fn a_type_of_a_later_version_is_no_kind() {
        let mut problem = Problem::new(ProblemKind::Internal);
        problem.type_uri = "urn:sealift:problem:from-the-future".to_owned();
        assert_eq!(problem.kind(), None);
        problem.type_uri = "about:blank".to_owned();
        assert_eq!(problem.kind(), None);
    }
}

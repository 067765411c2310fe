//! What an operation says no with.

use super::broker::BrokerError;
use crate::db::DbError;
use sealift_metadata::authoring::AuthoringError;
use sealift_metadata::trust::TrustError;
use sealift_repository::{PublishError, StoreError, WalkError};
use sealift_wire::{Problem, ProblemKind};
use thiserror::Error;

/// Why an operation did not happen. By fault: theirs ([`StageError::Refused`]) or ours (the rest).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StageError {
    /// The request asks for what cannot be.
    #[error("{}: {detail}", kind.title())]
    Refused {
        /// Problem type.
        kind: ProblemKind,
        /// What is wrong with it.
        detail: String,
        /// What to do.
        next: Option<String>,
    },
    /// The inventory said no, or failed.
    #[error("the inventory said no")]
    Inventory(#[from] DbError),
    /// The object store failed.
    #[error("the object store failed")]
    Store(#[from] StoreError),
    /// The Image repository does not verify or cannot be read.
    #[error("the Image repository could not be walked")]
    Walk(#[from] WalkError),
    /// A target of the Image repository is described wrongly, or a role that may have to say something of it is refused.
    #[error("what the Image repository says of the target cannot be trusted")]
    Target(#[from] TrustError),
    /// The key broker said no.
    #[error("the key broker said no")]
    Broker(#[from] BrokerError),
    /// Director metadata could not be made.
    #[error("director metadata could not be signed")]
    Authoring(#[from] AuthoringError),
    /// Snapshot and timestamp could not be published.
    #[error("the Image repository could not be refreshed")]
    Publish(#[source] Box<PublishError>),
    /// Others were faster, again and again.
    #[error("the vehicle changes too quickly")]
    Contended,
    /// A local file could not be written.
    #[error("the trust store could not be written")]
    TrustStore(#[source] std::io::Error),
}

impl From<PublishError> for StageError {
    fn from(error: PublishError) -> Self {
        Self::Publish(Box::new(error))
    }
}

impl StageError {
    /// A refusal of this kind.
    pub fn refused(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self::Refused {
            kind,
            detail: detail.into(),
            next: None,
        }
    }

    /// The same refusal, saying what to do.
    #[must_use]
    pub fn advise(self, advice: impl Into<String>) -> Self {
        match self {
            Self::Refused { kind, detail, .. } => Self::Refused {
                kind,
                detail,
                next: Some(advice.into()),
            },
            other => other,
        }
    }

    /// What the other side is told: their fault in full, ours in outline.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Refused { kind, detail, next } => {
                let problem = Problem::new(*kind).with_detail(detail);
                match next {
                    Some(next) => problem.with_next(next),
                    None => problem,
                }
            }
            Self::Inventory(DbError::Exists(what)) => Problem::new(ProblemKind::Exists)
                .with_detail(format!("{what} is already registered"))
                .with_next("choose another, or look at what is there with `sealift vehicle list`"),
            Self::Broker(error) => error.problem(),
            Self::Inventory(_) => {
                Problem::new(ProblemKind::Unavailable).with_detail("the inventory does not answer")
            }
            Self::Store(_) | Self::Walk(WalkError::Store { .. }) => {
                Problem::new(ProblemKind::Unavailable).with_detail("the object store does not answer")
            }
            Self::Walk(error) => Problem::new(ProblemKind::RepositoryUntrusted)
                .with_detail(error_chain(error))
                .with_next("look at it with `sealift repo verify`"),
            Self::Target(error) => {
                Problem::new(ProblemKind::RepositoryUntrusted).with_detail(error_chain(error))
            }
            Self::Publish(error) => Problem::new(ProblemKind::Unavailable).with_detail(error_chain(&**error)),
            Self::Contended => {
                Problem::new(ProblemKind::Unavailable).with_detail("the vehicle changes too quickly")
            }
            Self::Authoring(_) | Self::TrustStore(_) => Problem::new(ProblemKind::Internal),
        }
    }

    /// The error and every cause below it, on one line, for the log.
    pub fn chain(&self) -> String {
        error_chain(self)
    }
}

pub(super) fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

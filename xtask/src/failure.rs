//! Why a chore stopped: sentences for the person at the terminal, never matched on.

use std::error::Error;
use std::fmt;

/// A chore's reason for stopping, with the chain of causes already joined.
///
/// It is deliberately not a [`std::error::Error`], so that `?` can turn every error into one.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// A failure in one sentence.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// `error`, which happened while doing `what`.
    pub(crate) fn at(what: impl fmt::Display, error: impl Into<Self>) -> Self {
        Self(format!("{what}: {}", error.into().0))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut sentence = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            sentence.push_str(": ");
            sentence.push_str(&inner.to_string());
            cause = inner.source();
        }
        Self(sentence)
    }
}

//! How the process ends: one code per fault, so that a supervisor can tell them apart.

use std::fmt;

/// Why the process ended before its time.
#[derive(Debug)]
pub struct Failure {
    code: Code,
    message: String,
    next: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Exit codes, after `sysexits.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// 64: the configuration cannot be used.
    Config,
    /// 69: an address cannot be bound, or the store or the database does not answer.
    Unavailable,
    /// 70: the server failed.
    Internal,
    /// 74: a local file cannot be read or written.
    Io,
    /// 78: a key is configured that must not be here.
    Keys,
}

impl Code {
    /// The number that the process exits with.
    pub fn number(self) -> u8 {
        match self {
            Self::Config => 64,
            Self::Unavailable => 69,
            Self::Internal => 70,
            Self::Io => 74,
            Self::Keys => 78,
        }
    }
}

impl Failure {
    /// A failure that says what, where, and what to do.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            next: None,
            source: None,
        }
    }

    /// The same failure, with the error below it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same failure, with what to do about it: a sentence in the imperative.
    #[must_use]
    pub fn advise(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// What to do about it, where that is known.
    pub fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// The exit code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Message and every cause below it on one line, for the one place that prints it.
    pub fn chain(&self) -> String {
        let mut text = self.message.clone();
        let mut next: Option<&(dyn std::error::Error + 'static)> = self
            .source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static));
        while let Some(error) = next {
            text.push_str(": ");
            text.push_str(error.to_string().trim_end());
            next = error.source();
        }
        text
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

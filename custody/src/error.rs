//! Why a key held elsewhere cannot be used, by who is at fault.

use std::error::Error as StdError;
use std::fmt;

/// Who has to do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The URI or the settings: a module, a region, an attribute.
    Settings,
    /// There is no such token, key or alias, or more than one.
    NotFound,
    /// The PIN is missing, wrong or locked.
    Pin,
    /// The holder knows us and does not let us.
    Denied,
    /// The holder cannot do this with this key: kind of key, mechanism, policy. Trying again does not help.
    Unable,
    /// The holder does not answer, or not now.
    Unavailable,
}

/// A key held elsewhere cannot be used. Shown as what happened and what to do next.
#[derive(Debug)]
pub struct CustodyError {
    fault: Fault,
    what: String,
    next: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl CustodyError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    pub(crate) fn new(fault: Fault, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            fault,
            what: what.into(),
            next: next.into(),
            source: None,
        }
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    #[cfg(not(all(feature = "pkcs11", feature = "kms")))]
    pub(crate) fn not_built(what: &str, feature: &str) -> Self {
        Self::new(
            Fault::Settings,
            format!("this build knows no {what}"),
            format!("Build with the cargo feature `{feature}`, which is on by default"),
        )
    }
}

impl fmt::Display for CustodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}", self.what, self.next)
    }
}

impl StdError for CustodyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

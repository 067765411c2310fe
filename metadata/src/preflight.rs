//! What clients that others wrote make of a repository: their rules and caps, judged from the documents alone.
//!
//! Each rule was found by running the client, or is in its source; it says from where, and what to do. Nothing here is verified:
//! the documents are those of a repository that its owner has walked already.

mod caps;
mod documents;
mod profiles;
mod rules;

pub use caps::{Caps, Growth, Room};
pub use documents::Documents;
pub use profiles::{PROFILES, Profile};

/// What becomes of a client whose rule is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// It works, slowly.
    Slow,
    /// It passes over what the rule is about, a key for instance, and goes on.
    Ignores,
    /// It believes a role about more than the role may sign.
    Widens,
    /// It cannot get what the rule is about, a target for instance; the rest it can.
    NotFound,
    /// It refuses the document, and with it the repository.
    Refuses,
}

impl Effect {
    /// The stable word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Ignores => "ignores",
            Self::Widens => "widens",
            Self::NotFound => "not-found",
            Self::Refuses => "refuses",
        }
    }
}

/// What a client asks of a repository.
#[derive(Debug)]
pub struct Rule {
    /// The stable word for it.
    pub id: &'static str,
    /// Where it is written, or which run of which client showed it.
    pub source: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// Names what breaks it.
    find: fn(&Documents) -> Vec<String>,
}

/// A rule that is broken for one kind of client.
#[derive(Debug, Clone)]
pub struct Found {
    /// The client.
    pub client: &'static str,
    /// The rule.
    pub rule: &'static Rule,
    /// What becomes of the client.
    pub effect: Effect,
    /// What breaks it: a document, a key, a target, a delegated role.
    pub subject: String,
}

//! Why nothing was published.

use sealift_metadata::authoring::AuthoringError;

use super::ChangeError;
use crate::error::StoreError;
use crate::walk::WalkError;

/// Nothing was published, or nobody knows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The repository as it is does not verify.
    #[error("the repository in the store is not accepted; nothing was signed over it")]
    Untrusted(#[from] WalkError),
    /// The set that was signed is not accepted by the rules that clients go by.
    #[error("clients would refuse what was signed; nothing was published, check keys and lifetimes")]
    Unacceptable(#[source] WalkError),
    /// The store holds other bytes than were verified before, under the same version.
    #[error(
        "the store shows another timestamp {version} than the one verified before; find out who wrote it"
    )]
    Equivocation {
        /// The version that there are two of.
        version: u64,
    },
    /// The root has expired.
    #[error("root {version} expired at {expires}; publish a new root first")]
    RootExpired {
        /// Its version.
        version: u64,
        /// When.
        expires: jiff::Timestamp,
    },
    /// The change does not fit.
    #[error("the change does not fit the current repository")]
    Change(#[from] ChangeError),
    /// A target names an object that is not in the store, or one of another length.
    #[error("{path}: named by a target, but the store has {found}; upload it first")]
    MissingObject {
        /// Path inside the repository.
        path: String,
        /// Nothing, or which length instead of which.
        found: String,
    },
    /// A target's description cannot be read.
    #[error("the description of target {path} cannot be published")]
    BadTarget {
        /// The target.
        path: String,
        /// What is wrong with it.
        source: sealift_metadata::FormatError,
    },
    /// A role has no signer here.
    #[error("there is no key here to sign {role} with")]
    NoSigner {
        /// The role.
        role: &'static str,
    },
    /// The keys given for a role are not enough of those that the root names.
    #[error(
        "{role} needs the signatures of {needed} of its keys, and {found} of them are given{}",
        strangers(foreign)
    )]
    NotTheKeys {
        /// The role.
        role: &'static str,
        /// Distinct keys of the role that were given.
        found: usize,
        /// Its threshold.
        needed: u32,
        /// Ids of the given keys that are not the role's.
        foreign: Vec<String>,
    },
    /// Signing failed, or the keys here are not enough for the role.
    #[error("{role} could not be signed")]
    Sign {
        /// The role.
        role: &'static str,
        /// How.
        source: Box<AuthoringError>,
    },
    /// All version numbers near the next one are taken by files that no timestamp names.
    #[error("{role}: {tried} versions in a row are taken by leftover files; remove them")]
    Littered {
        /// The role.
        role: &'static str,
        /// How many were looked at.
        tried: u32,
    },
    /// Other publishers were faster every time.
    #[error("other publishers were faster {attempts} times; try again")]
    Contended {
        /// How many times.
        attempts: u32,
    },
    /// A signed document is not the version that comes next: others published since it was drafted, or it was never next.
    #[error(
        "the draft follows version {signed_over} of targets, but version {current} is current; draft it again over that one and have it signed"
    )]
    StaleDraft {
        /// The version that the draft follows.
        signed_over: u64,
        /// The version that is current.
        current: u64,
    },
    /// A signed document cannot be read, is too long, or lacks signatures.
    #[error(
        "the signed {role} document cannot be published as it is; find out who has yet to sign, or have it signed again"
    )]
    BadDraft {
        /// The role.
        role: &'static str,
        /// What is wrong with it.
        source: Box<AuthoringError>,
    },
    /// A signed document has expired.
    #[error("the signed {role} {version} expired at {expires}; have it signed again with a later expiry")]
    ExpiredDraft {
        /// The role.
        role: &'static str,
        /// Its version.
        version: u64,
        /// When.
        expires: jiff::Timestamp,
    },
    /// Other bytes stand under the name of a signed document.
    #[error(
        "{name} holds other bytes that no timestamp names: another draft of this version that is being published or was given up; \
         publish that one, or remove the file when nobody is publishing it"
    )]
    VersionTaken {
        /// The metadata file.
        name: String,
    },
    /// Not one signed Targets document.
    #[error("one signed targets document is expected, and {found} were given")]
    NotOneDraft {
        /// How many there were.
        found: usize,
    },
    /// Another root of that version is published.
    #[error("root {version} exists already and is another one; sign version {} on top of it", version + 1)]
    RootTaken {
        /// The version.
        version: u64,
    },
    /// The bytes are not the root that comes next.
    #[error("this is not root {expected}, which comes next")]
    NotNextRoot {
        /// The version that comes next.
        expected: u64,
        /// What is wrong, if it could not be read at all.
        source: Option<sealift_metadata::FormatError>,
    },
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

fn strangers(foreign: &[String]) -> String {
    match foreign {
        [] => String::new(),
        ids => format!("; the root does not name for it: {}", ids.join(", ")),
    }
}

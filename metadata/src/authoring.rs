//! Making documents: drafts of the next version of each role, and signing them.
//!
//! A draft is the signed part of the last version with changes, so fields that Sealift does not know survive. What is signed is
//! read back and verified before anyone gets it; what several people sign is gathered from their copies. Instants and versions
//! are arguments; [`counter_version`] is the rule for roles that are signed online.

mod director;
mod gather;
mod roles;
mod root;
mod sign;

pub use director::{DirectorDraft, DirectorSet, DirectorSigners};
pub use gather::{Gathered, Judged, Missing, Standing, gather};
pub use roles::{TargetsDraft, next_snapshot, next_targets, next_timestamp};
pub use root::RootDraft;
pub(crate) use sign::check_length;
pub use sign::{Draft, complete, sign_document};

use jiff::Timestamp as Instant;

use crate::document::FormatError;
use crate::signer::SignError;
use crate::threshold::ThresholdError;
use crate::trust::TrustError;

/// The `spec_version` that is written.
pub const SPEC_VERSION: &str = "1.0.34";

/// The version of a document that a server signs: `max(previous + 1, minutes since 1970)`. A server restored from a backup
/// thereby never signs a version a second time.
#[must_use]
pub fn counter_version(previous: Option<u64>, now: Instant) -> u64 {
    let minutes = u64::try_from(now.as_second() / 60).unwrap_or(0);
    previous
        .map_or(1, |previous| previous.saturating_add(1))
        .max(minutes)
}

/// Why a document was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthoringError {
    /// The draft, or the document it continues, would not be read by a client.
    #[error("the document would not be accepted by a client")]
    Format(#[from] FormatError),
    /// Not enough of the right keys signed.
    #[error("the document is not yet signed by enough of its keys")]
    Threshold(#[from] ThresholdError),
    /// A signer failed.
    #[error("the document could not be signed")]
    Sign(#[from] SignError),
    /// The version does not rise.
    #[error("version {version} does not follow version {previous}; versions only rise")]
    VersionNotHigher {
        /// Wanted.
        version: u64,
        /// Of the last document.
        previous: u64,
    },
    /// A role that could never sign.
    #[error("the role {role} has {keys} keys, but a threshold of {threshold}; add keys or lower it")]
    Unreachable {
        /// The role.
        role: String,
        /// Its distinct keys.
        keys: usize,
        /// Its threshold.
        threshold: u64,
    },
    /// A role without keys in a new root.
    #[error("the role {0} has no keys yet")]
    RoleMissing(&'static str),
    /// A value that has no canonical form, or that strict readers refuse.
    #[error("the draft holds a number, a string or a depth that strict JSON readers refuse")]
    NotStrict,
    /// A document that clients would not read to its end.
    #[error(
        "the {role} document has {length} bytes, more than the {limit} that clients read; move content out of it"
    )]
    TooLarge {
        /// The role.
        role: &'static str,
        /// Its length, bytes.
        length: usize,
        /// The clients' cap, bytes.
        limit: u64,
    },
    /// A copy whose signatures cannot be read.
    #[error("copy {copy} of the draft cannot be read")]
    Copy {
        /// Which of the copies given, from 0.
        copy: usize,
        /// What is wrong with it.
        #[source]
        source: FormatError,
    },
    /// A set for a vehicle that the vehicle would refuse.
    #[error("the vehicle would refuse the document")]
    Refused(#[from] TrustError),
}

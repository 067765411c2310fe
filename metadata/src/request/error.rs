//! Why a request is not to be signed.

use jiff::Timestamp as Instant;

use super::SigningRole;
use crate::authoring::AuthoringError;
use crate::document::FormatError;
use crate::ids::{RepositoryId, TargetPath};
use crate::trust::Fault;

/// Why a request is not to be signed, or was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Not a request.
    #[error("the file is no signing request that can be read here")]
    Form(#[from] FormatError),
    /// No root to judge the request by.
    #[error("the request is for a repository that exists; a root that you trust is needed to judge it")]
    PinMissing,
    /// The request founds a repository, but a root of one was given.
    #[error(
        "the request is for a repository that does not exist yet, but you gave the root of one that does"
    )]
    NotYours,
    /// The trusted root is none of the request's.
    #[error(
        "the root that you trust is not among the {count} roots of the request; it is for another repository"
    )]
    NotPinned {
        /// Roots in the request.
        count: usize,
    },
    /// The trusted root is newer than all of the request's.
    #[error(
        "the request stands on root {newest}, but you trust version {pinned} already; have it made again"
    )]
    OldRoots {
        /// The newest root of the request.
        newest: u64,
        /// The root that is trusted.
        pinned: u64,
    },
    /// A root does not follow from the one before it.
    #[error("root {version} in the request does not follow from the one before it; the request was altered")]
    Roots {
        /// The version that belongs there.
        version: u64,
        /// What is wrong.
        #[source]
        source: Fault,
    },
    /// The id is not that of the first root.
    #[error("the request names repository {named}, but its first root is that of {found}; it was altered")]
    OtherRepository {
        /// As written.
        named: String,
        /// The id of the first root.
        found: RepositoryId,
    },
    /// The last signed version is not signed by the role's keys.
    #[error("the last version in the request is not one that the role signed; the request was altered")]
    Base(#[source] Fault),
    /// A delegating document is not signed by its keys.
    #[error("the Targets of {role} in the request, which delegate, are not signed by its keys")]
    Chain {
        /// The delegating role.
        role: String,
        /// What is wrong.
        #[source]
        source: Fault,
    },
    /// Nobody delegates to the role.
    #[error("the documents in the request do not delegate to a role {role}")]
    NotDelegated {
        /// The role.
        role: String,
    },
    /// The root that is to follow is not the next one.
    #[error("the root that is to follow is not version {expected}, or cannot be read")]
    NextRoot {
        /// The version after the newest.
        expected: u64,
        /// What is wrong, if not the version.
        #[source]
        source: Option<FormatError>,
    },
    /// Fields that have no place in a request for this role.
    #[error("a request for {role} does not carry {field}")]
    Surplus {
        /// The role.
        role: SigningRole,
        /// The field.
        field: &'static str,
    },
    /// The draft is not the version after the base.
    #[error("the draft has version {found}, but version {expected} is the next; have the request made again")]
    Version {
        /// In the draft.
        found: u64,
        /// After the base.
        expected: u64,
    },
    /// The changes listed do not lead from the base to the draft.
    #[error("the changes that the request lists do not give its draft; the request was altered")]
    Operations,
    /// The draft would be dead on arrival.
    #[error("the draft expires at {expires}, and it is {now} now; have the request made again")]
    Expired {
        /// Of the draft.
        expires: Instant,
        /// The time of the check.
        now: Instant,
    },
    /// A signature that the request carries does not stand for its draft.
    #[error(
        "the signature under key id {keyid} in the request does not verify; the draft or the signature was altered"
    )]
    Spoilt {
        /// As written.
        keyid: String,
    },
    /// Signatures over another draft.
    #[error("the signatures are over another draft")]
    OtherDraft,
    /// No changes are recorded that could be applied to a newer base.
    #[error("the request does not record how its draft came about, so it cannot be rebased; make it again")]
    NotRebasable,
    /// A change that does not fit the base.
    #[error("target {path}, which the request removes, is not listed; have the request made again")]
    NotListed {
        /// The target.
        path: TargetPath,
    },
    /// A client would not read the draft.
    #[error("the draft cannot be used")]
    Draft(#[from] AuthoringError),
}

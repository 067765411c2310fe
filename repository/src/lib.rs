//! An Image repository on an object store: names, publishing as a transaction, the trust walk over it.
//!
//! - [`RepositoryUrl`] names a place, [`Store`] is that place with conditional writes, capped and ranged reads.
//! - [`ObjectUpload`] brings an object of any size in under the name of its content: whole, or not at all.
//! - [`trust_walk`] is the only way to believe what a store holds: the full client workflow from a pinned root.
//! - [`find`] looks for a target in what was walked, through its delegations.
//! - [`Publisher`] changes a repository. It walks, applies a [`Change`], signs, walks over the result as a client would, and
//!   commits with one conditional write of `timestamp.json`.
//! - [`Log`] is a tamper-evident record of what was signed.
//! - [`check()`] compares what the metadata promise with what the store has.
//!
//! Nothing here reads a clock or looks into sealed bytes. The layout is in [`paths`], the contract for kinds of stores in
//! [`backend`].
//!
//! # Not guaranteed
//! A store whose administrator is hostile can withhold files and serve old ones; clients notice through expiry and their own
//! memory. An operation that ends in an error with an unknown outcome ([`StoreError::outcome_unknown`]) may have happened.

pub mod backend;
pub mod check;
pub mod companions;
mod digest;
mod error;
pub mod log;
mod path;
pub mod paths;
pub mod publish;
mod search;
mod store;
mod upload;
mod url;
mod walk;

pub use backend::UploadId;
pub use check::{
    Capped, CheckOptions, Code, Depth, Finding, Forecast, Horizon, Report, RoleState, Severity, check,
};
pub use digest::AllHashes;
pub use error::{BoxError, StoreError};
pub use log::{Act, ActKind, Checkpoint, Log, LogError, LogFinding, LogReport};
pub use path::StorePath;
pub use publish::{
    Change, ChangeError, Due, InitError, Lifetimes, Operation, PublishError, Published, Publisher, Resign,
    Signers, TargetMap,
};
pub use search::find;
pub use store::{Object, Store, Written};
pub use upload::{
    Content, Earlier, KnownPart, ObjectUpload, Through, Upload, UploadError, UploadRecord, UploadWriter,
    upload_bytes,
};
pub use url::{RepositoryUrl, UrlError};
pub use walk::{Walk, WalkError, trust_walk, walk, walk_to_sign};

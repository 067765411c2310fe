//! Signing requests: one portable file that carries a draft to the people who sign it, and their signatures back.
//!
//! The draft is a TUF document like any other, so other tools can sign it too. Beside it stands what lets a signer judge it
//! with nothing but the root that he trusts: the last signed version and the roots since the first. What is different is
//! computed by the reader from those and never carried as text, so a request cannot say one thing and do another. The form
//! is specified in `docs/spec/uptane-profile.md`.
//!
//! ```text
//! parse ─► check (own root) ─► Checked: difference, whose keys, what they have signed ─► signatures ─► gathered request
//! ```

mod checked;
mod difference;
mod error;
mod form;
mod operations;

pub use checked::Checked;
pub use difference::{DelegationChange, Difference, RoleChange, TargetChange, Unnamed};
pub use error::RequestError;
pub use operations::TargetOperation;

use std::fmt;

use jiff::Timestamp as Instant;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::authoring::{Draft, SPEC_VERSION};
use crate::canonical;
use crate::document::{Document, Role as _};
use crate::fields::write_instant;
use crate::ids::RepositoryId;
use crate::json;
use crate::root::Root;
use crate::targets::Targets;

/// Longest request that is read, bytes: a whole Targets document, the one before it, and room for roots.
pub const MAX_REQUEST: usize = 32 * 1024 * 1024;
/// Most roots that a request carries.
pub const MAX_ROOTS: usize = 1024;
/// Longest note, bytes.
pub const MAX_NOTE: usize = 4096;

/// The role that is to be signed. Snapshot and Timestamp are signed by machines and never requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SigningRole {
    /// The keys of all roles.
    Root,
    /// The top-level Targets.
    Targets,
    /// A delegated role of this name.
    Delegated(String),
}

impl fmt::Display for SigningRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "root",
            Self::Targets => "targets",
            Self::Delegated(name) => name,
        })
    }
}

/// What a Targets draft stands on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Basis {
    /// Every root from `1.root.json` to the newest, as published. Empty before there is a first one.
    pub roots: Vec<Vec<u8>>,
    /// The signed part of the root that is about to follow, whose keys are to sign as well.
    pub next_root: Option<Value>,
    /// For a delegated role the Targets documents that lead to it: the top-level one first, each by the role of its name.
    pub chain: Vec<(String, Vec<u8>)>,
    /// The last signed version of the role, where there is one.
    pub base: Option<Vec<u8>>,
}

/// A request to sign a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    repository_id: Option<RepositoryId>,
    role: SigningRole,
    signed: Value,
    signatures: Value,
    basis: Basis,
    operations: Option<Vec<TargetOperation>>,
    note: String,
}

impl Request {
    /// A request to sign a root, with every root before it.
    #[must_use]
    pub fn root(draft: &Draft<Root>, roots: Vec<Vec<u8>>) -> Self {
        let basis = Basis {
            roots,
            ..Basis::default()
        };
        Self::new(SigningRole::Root, draft.signed().clone(), basis, None)
    }

    /// A request to sign a Targets document that was made by hand. It cannot be rebased.
    #[must_use]
    pub fn targets(role: SigningRole, draft: &Draft<Targets>, basis: Basis) -> Self {
        Self::new(role, draft.signed().clone(), basis, None)
    }

    /// A request to sign the version after the base of `basis`, with these changes.
    ///
    /// # Errors
    /// [`RequestError`] if the base cannot be read, a target that is not there is removed, or a client would not read the
    /// result.
    pub fn change(
        role: SigningRole,
        basis: Basis,
        operations: Vec<TargetOperation>,
        expires: Instant,
    ) -> Result<Self, RequestError> {
        let mut signed = match &basis.base {
            None => {
                json!({"_type": Targets::TYPE, "spec_version": SPEC_VERSION, "version": 0, "targets": {}})
            }
            Some(bytes) => Document::<Targets>::parse(bytes)
                .map_err(|error| RequestError::Base(error.into()))?
                .signed()
                .clone(),
        };
        let version = signed["version"].as_u64().unwrap_or(0) + 1;
        signed["version"] = version.into();
        signed["expires"] = write_instant(expires).into();
        let targets = match signed["targets"].take() {
            Value::Object(targets) => targets,
            _ => Map::new(),
        };
        signed["targets"] = operations::apply(&operations, targets)?.into();
        let draft = Draft::<Targets>::new(signed)?;
        Ok(Self::new(role, draft.signed().clone(), basis, Some(operations)))
    }

    /// The same changes on a newer base. The signatures are gone: they were over another document.
    ///
    /// # Errors
    /// [`RequestError::NotRebasable`] for a draft that did not come about by changes to targets; else as
    /// [`change`](Self::change).
    pub fn rebase(&self, basis: Basis, expires: Instant) -> Result<Self, RequestError> {
        let operations = self.operations.clone().ok_or(RequestError::NotRebasable)?;
        let rebased = Self::change(self.role.clone(), basis, operations, expires)?;
        Ok(rebased.with_note(&self.note))
    }

    fn new(role: SigningRole, signed: Value, basis: Basis, operations: Option<Vec<TargetOperation>>) -> Self {
        Self {
            repository_id: basis.roots.first().map(|root| RepositoryId::of_root(root)),
            role,
            signed,
            signatures: json!([]),
            basis,
            operations,
            note: String::new(),
        }
    }

    /// The same request with a note to its readers, cut to [`MAX_NOTE`] bytes.
    #[must_use]
    pub fn with_note(mut self, note: &str) -> Self {
        self.note = note[..note.floor_char_boundary(MAX_NOTE)].to_owned();
        self
    }

    /// The same request with the signatures of `document`, a gathered copy of its own draft.
    ///
    /// # Errors
    /// [`RequestError::OtherDraft`] if it is a copy of something else.
    pub fn with_signatures(mut self, document: &[u8]) -> Result<Self, RequestError> {
        let copy = form::document(&json::parse_strict(document).map_err(crate::FormatError::from)?)?;
        if copy.0 != self.signed {
            return Err(RequestError::OtherDraft);
        }
        self.signatures = copy.1;
        Ok(self)
    }

    /// The role that is to be signed.
    #[must_use]
    pub const fn role(&self) -> &SigningRole {
        &self.role
    }

    /// The repository that the request says it is for. [`check`](Self::check) proves it where the trusted root is the first
    /// one; a later root proves nothing about the roots before it. A repository that is being founded has none yet.
    #[must_use]
    pub const fn repository_id(&self) -> Option<&RepositoryId> {
        self.repository_id.as_ref()
    }

    /// The draft as a TUF document, with the signatures that it carries.
    #[must_use]
    pub fn document(&self) -> Vec<u8> {
        json::to_vec(&json!({"signed": &self.signed, "signatures": &self.signatures}))
    }

    /// Whether it carries signatures, good or not.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.signatures.as_array().is_some_and(|list| !list.is_empty())
    }

    /// The part that is signed.
    #[must_use]
    pub const fn signed(&self) -> &Value {
        &self.signed
    }

    /// The bytes that signatures cover.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        canonical::to_vec(&self.signed)
    }

    /// SHA-256 of those bytes: what signers compare with each other.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.message()).into()
    }

    /// What the draft stands on.
    #[must_use]
    pub const fn basis(&self) -> &Basis {
        &self.basis
    }

    /// The changes by which the draft came about, where they are recorded.
    #[must_use]
    pub fn operations(&self) -> Option<&[TargetOperation]> {
        self.operations.as_deref()
    }

    /// What somebody wrote to the readers. Nothing vouches for it.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }
}

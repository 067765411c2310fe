//! Changes as operations: they are applied to the newest state, again for as often as that state moves.

use std::collections::BTreeMap;

use sealift_metadata::targets::{TargetFile, TargetPath};

/// The targets of the top-level Targets document.
pub type TargetMap = BTreeMap<TargetPath, TargetFile>;

/// A change that does not fit the state which it meets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The target is there already with other content.
    #[error("target {path} already exists with other content; replace it explicitly, or choose another name")]
    Exists {
        /// The target.
        path: TargetPath,
    },
    /// The target is not there.
    #[error("target {path} is not in the repository")]
    NotListed {
        /// The target.
        path: TargetPath,
    },
    /// A reason of the change's own.
    #[error("{reason}")]
    Refused {
        /// Which.
        reason: String,
    },
}

/// Something that changes the targets. It may be applied several times, each time to a newer state.
pub trait Change: Send + Sync {
    /// Changes `targets`.
    ///
    /// # Errors
    /// [`ChangeError`] when the change does not fit; nothing is published then.
    fn apply(&self, targets: &mut TargetMap) -> Result<(), ChangeError>;

    /// Whether to sign even a list that came out as it was; by default that writes nothing.
    fn signs_unchanged(&self) -> bool {
        false
    }
}

/// The change that changes nothing and signs all the same: Targets get a new version and a new expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resign;

impl Change for Resign {
    fn apply(&self, _targets: &mut TargetMap) -> Result<(), ChangeError> {
        Ok(())
    }

    fn signs_unchanged(&self) -> bool {
        true
    }
}

/// One step of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Lists a target that is not listed. The same target once more is no error.
    Add {
        /// Its path.
        path: TargetPath,
        /// What it is.
        file: TargetFile,
    },
    /// Lists a target in place of whatever has its path.
    Replace {
        /// Its path.
        path: TargetPath,
        /// What it is.
        file: TargetFile,
    },
    /// Takes a target off the list. Its bytes stay in the store.
    Remove {
        /// Its path.
        path: TargetPath,
    },
}

impl Change for [Operation] {
    fn apply(&self, targets: &mut TargetMap) -> Result<(), ChangeError> {
        for operation in self {
            match operation {
                Operation::Add { path, file } => match targets.get(path) {
                    Some(there) if there != file => return Err(ChangeError::Exists { path: path.clone() }),
                    Some(_) => {}
                    None => {
                        targets.insert(path.clone(), file.clone());
                    }
                },
                Operation::Replace { path, file } => {
                    targets.insert(path.clone(), file.clone());
                }
                Operation::Remove { path } => {
                    targets
                        .remove(path)
                        .ok_or_else(|| ChangeError::NotListed { path: path.clone() })?;
                }
            }
        }
        Ok(())
    }
}

impl Change for Vec<Operation> {
    fn apply(&self, targets: &mut TargetMap) -> Result<(), ChangeError> {
        self.as_slice().apply(targets)
    }
}

impl<F: Fn(&mut TargetMap) -> Result<(), ChangeError> + Send + Sync> Change for F {
    fn apply(&self, targets: &mut TargetMap) -> Result<(), ChangeError> {
        self(targets)
    }
}

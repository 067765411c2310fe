//! How a Targets draft came about, so that it can be made once more from a newer base.

use serde_json::{Map, Value, json};

use super::RequestError;
use crate::document::FormatError;
use crate::fields::{Fields, wrong};
use crate::ids::TargetPath;
use crate::targets::TargetFile;

/// One change to the targets of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetOperation {
    /// Lists a target, in place of any other of its path.
    Put {
        /// Its path.
        path: TargetPath,
        /// Its entry, as TUF writes it.
        entry: Value,
    },
    /// Takes a target off the list.
    Remove {
        /// Its path.
        path: TargetPath,
    },
}

impl TargetOperation {
    /// Lists `file` under `path`.
    #[must_use]
    pub fn put(path: TargetPath, file: &TargetFile) -> Self {
        let entry = file.to_value();
        Self::Put { path, entry }
    }

    pub(super) fn parse(value: &Value) -> Result<Self, FormatError> {
        let at = "request.operations[]";
        let fields = Fields::of(value, at)?;
        fields.only(&["put", "remove"])?;
        match (fields.optional("put"), fields.optional("remove")) {
            (Some(_), None) => {
                let put = fields.object("put")?;
                put.only(&["path", "entry"])?;
                Ok(Self::Put {
                    path: put.name("path")?,
                    entry: put.required("entry")?.clone(),
                })
            }
            (None, Some(_)) => Ok(Self::Remove {
                path: fields.name("remove")?,
            }),
            _ => Err(wrong(at, "either put or remove is expected")),
        }
    }

    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Put { path, entry } => json!({"put": {"path": path.as_str(), "entry": entry}}),
            Self::Remove { path } => json!({"remove": path.as_str()}),
        }
    }
}

/// The targets after `operations`, in their order.
pub(super) fn apply(
    operations: &[TargetOperation],
    mut targets: Map<String, Value>,
) -> Result<Map<String, Value>, RequestError> {
    for operation in operations {
        match operation {
            TargetOperation::Put { path, entry } => {
                targets.insert(path.to_string(), entry.clone());
            }
            TargetOperation::Remove { path } => {
                targets
                    .remove(path.as_str())
                    .ok_or_else(|| RequestError::NotListed { path: path.clone() })?;
            }
        }
    }
    Ok(targets)
}

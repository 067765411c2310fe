//! The next Targets, Snapshot and Timestamp.

use jiff::Timestamp as Instant;
use serde_json::{Map, Value, json};

use super::{AuthoringError, Draft, SPEC_VERSION};
use crate::document::{Document, Role};
use crate::fields::write_instant;
use crate::ids::TargetPath;
use crate::snapshot::Snapshot;
use crate::targets::{TargetFile, Targets};
use crate::timestamp::{MetaFile, Timestamp};

/// The signed part to start from: the previous one, or an empty one.
fn start<R: Role>(
    previous: Option<&Document<R>>,
    version: u64,
    expires: Instant,
) -> Result<Map<String, Value>, AuthoringError> {
    let mut signed = match previous {
        None => Map::new(),
        Some(previous) if version <= previous.version() => {
            return Err(AuthoringError::VersionNotHigher {
                version,
                previous: previous.version(),
            });
        }
        Some(previous) => previous.signed().as_object().cloned().unwrap_or_default(),
    };
    signed.insert("_type".into(), R::TYPE.into());
    signed
        .entry("spec_version")
        .or_insert_with(|| SPEC_VERSION.into());
    signed.insert("version".into(), version.into());
    signed.insert("expires".into(), write_instant(expires).into());
    Ok(signed)
}

/// A Targets document in the making.
#[derive(Debug, Clone)]
pub struct TargetsDraft {
    signed: Map<String, Value>,
    targets: Map<String, Value>,
}

/// The Targets after `previous`, with the same targets until they are changed.
///
/// # Errors
/// [`AuthoringError::VersionNotHigher`] if `version` does not rise.
pub fn next_targets(
    previous: Option<&Document<Targets>>,
    version: u64,
    expires: Instant,
) -> Result<TargetsDraft, AuthoringError> {
    let mut signed = start(previous, version, expires)?;
    let targets = match signed.remove("targets") {
        Some(Value::Object(targets)) => targets,
        _ => Map::new(),
    };
    Ok(TargetsDraft { signed, targets })
}

impl TargetsDraft {
    /// Adds a target, or replaces the one of this name.
    pub fn put(&mut self, path: &TargetPath, file: &TargetFile) -> &mut Self {
        self.targets.insert(path.to_string(), file.to_value());
        self
    }

    /// Removes a target; says whether it was there.
    pub fn remove(&mut self, path: &TargetPath) -> bool {
        self.targets.remove(path.as_str()).is_some()
    }

    /// Whether a target of this name is listed.
    #[must_use]
    pub fn contains(&self, path: &TargetPath) -> bool {
        self.targets.contains_key(path.as_str())
    }

    /// Sets `signed.custom`, or removes it.
    pub fn set_custom(&mut self, custom: Option<Value>) -> &mut Self {
        match custom {
            Some(custom) => self.signed.insert("custom".into(), custom),
            None => self.signed.remove("custom"),
        };
        self
    }

    /// The draft.
    ///
    /// # Errors
    /// [`AuthoringError`] if a client would not read it.
    pub fn finish(&self) -> Result<Draft<Targets>, AuthoringError> {
        let mut signed = self.signed.clone();
        signed.insert("targets".into(), self.targets.clone().into());
        Draft::new(signed.into())
    }
}

/// The Snapshot after `previous` that lists `targets` with version, length and hash, and everything else as before.
///
/// # Errors
/// [`AuthoringError::VersionNotHigher`] if `version` or the version of `targets` goes back.
pub fn next_snapshot(
    previous: Option<&Document<Snapshot>>,
    targets: &Document<Targets>,
    version: u64,
    expires: Instant,
) -> Result<Draft<Snapshot>, AuthoringError> {
    let mut signed = start(previous, version, expires)?;
    let listed = previous.map(|previous| previous.role().targets().version);
    if let Some(listed) = listed.filter(|listed| targets.version() < *listed) {
        return Err(AuthoringError::VersionNotHigher {
            version: targets.version(),
            previous: listed,
        });
    }
    let meta = signed.entry("meta").or_insert_with(|| json!({}));
    meta["targets.json"] = MetaFile::of(targets.version(), targets.bytes()).to_value();
    Draft::new(signed.into())
}

/// The Timestamp after `previous` that names `snapshot` with version, length and hash.
///
/// # Errors
/// [`AuthoringError::VersionNotHigher`] if `version` or the version of `snapshot` goes back.
pub fn next_timestamp(
    previous: Option<&Document<Timestamp>>,
    snapshot: &Document<Snapshot>,
    version: u64,
    expires: Instant,
) -> Result<Draft<Timestamp>, AuthoringError> {
    let mut signed = start(previous, version, expires)?;
    let listed = previous.map(|previous| previous.role().snapshot().version);
    if let Some(listed) = listed.filter(|listed| snapshot.version() < *listed) {
        return Err(AuthoringError::VersionNotHigher {
            version: snapshot.version(),
            previous: listed,
        });
    }
    signed.insert(
        "meta".into(),
        json!({"snapshot.json": MetaFile::of(snapshot.version(), snapshot.bytes()).to_value()}),
    );
    Draft::new(signed.into())
}

impl<R: Role> Draft<R> {
    /// The same draft with another `signed.custom`.
    ///
    /// # Errors
    /// [`AuthoringError`] if a client would not read it.
    pub fn with_custom(&self, custom: Value) -> Result<Self, AuthoringError> {
        let mut signed = self.signed().clone();
        signed["custom"] = custom;
        Self::new(signed)
    }
}

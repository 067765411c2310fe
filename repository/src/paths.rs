//! The layout of a repository: where each kind of object lives. Nobody else spells a path.
//!
//! ```text
//! repo/N.root.json … repo/timestamp.json     metadata, exactly what a server hands out
//! repo/targets/DIR/HASH.FILE                 sealed (or plain) bytes
//! repo/segments/SHA256                       segment list
//! repo/companions/SHA256                     provenance, bill of materials
//! private/keys/DIR/HASH.FILE.keys            key file, never served
//! private/staging/…                          incoming files, probes, quarantine
//! ```

use sealift_metadata::targets::TargetPath;

use crate::error::StoreError;
use crate::path::StorePath;

/// The folder that is served.
pub const PUBLIC: &str = "repo";
/// The folder that never is.
pub const PRIVATE: &str = "private";

/// The one metadata file whose name has no version.
pub const TIMESTAMP: &str = "timestamp.json";

/// A metadata file by its TUF name, `timestamp.json` or `5.targets.json`.
///
/// # Errors
/// [`StoreError::BadPath`] for a name with a folder or a character outside the path set, or without `.json`.
pub fn metadata(name: &str) -> Result<StorePath, StoreError> {
    if name.contains('/') || !name.ends_with(".json") {
        return Err(StoreError::BadPath {
            name: name.chars().take(128).collect(),
        });
    }
    StorePath::parse(&format!("{PUBLIC}/{name}"))
}

/// The sealed bytes of a target, named by their SHA-256.
///
/// # Errors
/// [`StoreError::BadPath`] for a path that no store could hold.
pub fn target(path: &TargetPath, sha256: &[u8; 32]) -> Result<StorePath, StoreError> {
    StorePath::parse(&format!("{PUBLIC}/targets/{}", path.store_name(sha256)))
}

/// A segment list, named by its SHA-256.
///
/// # Errors
/// None in practice; the type keeps callers uniform.
pub fn segments(sha256: &[u8; 32]) -> Result<StorePath, StoreError> {
    StorePath::parse(&format!("{PUBLIC}/segments/{}", hex::encode(sha256)))
}

/// A companion of a target, named by its SHA-256.
///
/// # Errors
/// None in practice; the type keeps callers uniform.
pub fn companion(sha256: &[u8; 32]) -> Result<StorePath, StoreError> {
    StorePath::parse(&format!("{PUBLIC}/companions/{}", hex::encode(sha256)))
}

/// The key file beside a target.
///
/// # Errors
/// [`StoreError::BadPath`] for a path that no store could hold.
pub fn key_file(path: &TargetPath, sha256: &[u8; 32]) -> Result<StorePath, StoreError> {
    StorePath::parse(&format!("{PRIVATE}/keys/{}.keys", path.store_name(sha256)))
}

/// A working file of the store's own.
///
/// # Errors
/// [`StoreError::BadPath`] for a name outside the path set.
pub fn staging(name: &str) -> Result<StorePath, StoreError> {
    StorePath::parse(&format!("{PRIVATE}/staging/{name}"))
}

/// Where a metadata file goes that is no valid version: its name and its digest.
pub(crate) fn quarantine(name: &str, sha256: &[u8; 32]) -> Result<StorePath, StoreError> {
    staging(&format!("quarantine/{}.{name}", hex::encode(sha256)))
}

macro_rules! folder {
    ($(#[$doc:meta])* $name:ident, $path:literal) => {
        $(#[$doc])*
        #[must_use]
        pub fn $name() -> StorePath {
            StorePath::from_layout($path)
        }
    };
}

folder!(
    /// The folder of metadata (and of everything else that is served).
    public_folder, "repo");
folder!(
    /// The folder of target bytes.
    targets_folder, "repo/targets");
folder!(
    /// The folder of segment lists.
    segments_folder, "repo/segments");
folder!(
    /// The folder of key files.
    keys_folder, "private/keys");
folder!(
    /// The folder of working files.
    staging_folder, "private/staging");

//! The layout of a repository: where each kind of object lives. Nobody else spells a path.
//!
//! ```text
//! repo/N.root.json … repo/timestamp.json     metadata, exactly what a server hands out
//! repo/targets/DIR/HASH.FILE                 sealed (or plain) bytes
//! repo/segments/SHA256                       segment list
//! repo/companions/SHA256                     provenance, bill of materials
//! repo/log/checkpoint, repo/log/tile/…       tamper-evident log (C2SP tlog-tiles)
//! private/log/…                              the log's next checkpoint, and what it adds
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

/// A file of the log by its name in C2SP tlog-tiles, `checkpoint` or `tile/0/000`.
pub(crate) fn log(name: &str) -> Result<StorePath, StoreError> {
    StorePath::parse(&format!("{PUBLIC}/log/{name}"))
}

/// The entries that a signed checkpoint adds, by the SHA-256 of its bytes.
pub(crate) fn log_pending(sha256: &[u8; 32]) -> Result<StorePath, StoreError> {
    StorePath::parse(&format!("{PRIVATE}/log/pending/{}", hex::encode(sha256)))
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
folder!(
    /// The folder of the log.
    log_folder, "repo/log");

/// The checkpoint that appenders agree about, before its tiles are written and everybody sees it.
pub(crate) fn log_head() -> StorePath {
    StorePath::from_layout("private/log/head")
}

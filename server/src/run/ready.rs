//! Telling scripts and tests that every listener is open, and where.

use crate::exit::{Code, Failure};
use sealift_wire::ReadyFile;
use std::path::Path;

/// Writes the addresses to `path`, whole or not at all.
pub(crate) fn write(path: &Path, addresses: &ReadyFile) -> Result<(), Failure> {
    let refuse = |error: std::io::Error| {
        Failure::new(Code::Io, format!("--ready-file: cannot write {}", path.display())).because(error)
    };
    let text = serde_json::to_vec(addresses).map_err(|error| refuse(error.into()))?;
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    std::fs::write(&fresh, text).map_err(refuse)?;
    std::fs::rename(&fresh, path).map_err(refuse)
}

//! Seeds of the fuzz targets. They are made beside the oracles, which know what is genuine.

use std::process::Command;

use crate::failure::Failure;
use crate::tree;

const ARGS: &[&str] = &[
    "run",
    "--quiet",
    "--package",
    "sealift-oracles",
    "--example",
    "corpus",
    "--",
    "fuzz/corpus",
];

/// Rewrites the seeds; found inputs beside them stay.
///
/// # Errors
/// The generator's.
pub(crate) fn run() -> Result<(), Failure> {
    let status = Command::new("cargo")
        .args(ARGS)
        .current_dir(tree::root())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "the generator of the seeds ended with {status}"
        )))
    }
}

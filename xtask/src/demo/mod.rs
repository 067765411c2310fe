//! One real image all the way, with the real binaries as separate processes.

use std::path::PathBuf;

use crate::failure::Failure;

/// Arguments of `cargo xtask demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image to send; by default a tar of the toolchain that builds the project
    #[arg(long)]
    image: Option<PathBuf>,
    /// Leave the server and all files for a look around
    #[arg(long)]
    keep: bool,
}

/// Runs the demonstration.
///
/// # Errors
/// The step that failed.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    Err(Failure::new(format!(
        "the demonstration is not in this build (image {:?}, keep {})",
        args.image, args.keep
    )))
}

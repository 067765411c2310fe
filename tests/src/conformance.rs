//! A TUF client in the form that the conformance suite of the TUF project drives (`CLIENT-CLI.md` of
//! theupdateframework/tuf-conformance): the metadata crate's refresh and search, plain HTTP, and files in a directory.
//!
//! It shows what `sealift-metadata` does on repositories that others wrote. It has no floor for its clock, which the suite sets
//! as it likes.

mod artifact;
mod metadata;
mod web;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use sealift_metadata::TrustedTime;

use self::metadata::Metadata;
use self::web::Web;

/// What went wrong, told and no more: the suite looks at the exit code.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The command line of the suite.
#[derive(Debug, Parser)]
#[command(name = "sealift-conformance")]
pub struct Arguments {
    /// Trusted metadata, under names without versions
    #[arg(long)]
    metadata_dir: PathBuf,
    /// Where the repository's metadata are
    #[arg(long)]
    metadata_url: Option<String>,
    /// Target to download; may be given several times
    #[arg(long)]
    target_name: Vec<String>,
    /// Where the repository's targets are
    #[arg(long)]
    target_base_url: Option<String>,
    /// Where downloaded targets go
    #[arg(long)]
    target_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Trust a root
    Init {
        /// The root
        root: PathBuf,
    },
    /// Bring the metadata up to date
    Refresh,
    /// The same, then download targets
    Download,
}

/// Runs one command at the instant `now`.
///
/// # Errors
/// [`Failure`] when the command did not succeed fully.
pub async fn run(arguments: Arguments, now: TrustedTime) -> Result<(), Failure> {
    let metadata = Metadata::new(arguments.metadata_dir);
    let missing = |flag: &str| -> Failure { format!("--{flag} is missing").into() };
    match arguments.command {
        Command::Init { root } => metadata.init(&root),
        Command::Refresh => {
            let url = arguments.metadata_url.ok_or_else(|| missing("metadata-url"))?;
            metadata.refresh(&Web::new(url)?, now).await.map(drop)
        }
        Command::Download => {
            let url = arguments.metadata_url.ok_or_else(|| missing("metadata-url"))?;
            let targets = arguments
                .target_base_url
                .ok_or_else(|| missing("target-base-url"))?;
            let folder = arguments.target_dir.ok_or_else(|| missing("target-dir"))?;
            let web = Web::new(url)?;
            let mut resolver = metadata.refresh(&web, now).await?;
            let targets = Web::new(targets)?;
            for name in &arguments.target_name {
                let found = metadata.find(&web, &mut resolver, name).await?;
                let versioned = resolver.repository().root().role().consistent_snapshot();
                artifact::download(&targets, &found, versioned, &folder).await?;
            }
            Ok(())
        }
    }
}

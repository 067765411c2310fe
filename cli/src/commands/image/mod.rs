//! `sealift image`: seal, open and inspect single images, without a repository or with one as witness.

mod extent;
mod inspect;
mod open;
mod origin;
mod range;
mod remote;
mod seal;
mod segments;
mod wrapped;

pub(super) use seal::key_file;

use clap::Subcommand;

use crate::World;
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Seal an image for one or more recipients
    Seal(seal::Seal),
    /// Open a sealed image, whole or a byte range of it
    Open(Box<open::Open>),
    /// Print what a sealed image, key file or key box says about itself (nothing is verified)
    Inspect(inspect::Inspect),
}

impl Command {
    pub(super) fn run(self, world: &mut World) -> Result<(), Failure> {
        match self {
            Self::Seal(args) => args.run(world),
            Self::Open(args) => args.run(world),
            Self::Inspect(args) => args.run(world),
        }
    }
}

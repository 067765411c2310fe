//! `sealift key`: make and look at key pairs.

mod generate;
mod held;
mod show;

use clap::Subcommand;

use crate::World;
use crate::failure::Failure;

pub(super) use generate::{Kind, NewKey, NewKeyArgs, public_name};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key pair: FILE (private, encrypted PKCS#8) and FILE's public half beside it
    Generate {
        /// Kind of key
        kind: Kind,
        #[command(flatten)]
        generate: NewKeyArgs,
    },
    /// Print the type and the ids of a public or private key
    Show(show::Show),
}

impl Command {
    pub(super) fn run(self, world: &mut World) -> Result<(), Failure> {
        match self {
            Self::Generate { kind, generate } => generate.run(kind, world),
            Self::Show(args) => args.run(world),
        }
    }
}

//! `sealift kek`: the Director's key-encryption keys.
//!
//! A key-encryption key (KEK) opens the key files beside the images of a repository. It is in no signed field, so it
//! can be exchanged without signing anything again.

mod create;
mod list;
mod rotate;

use clap::Subcommand;

use crate::World;
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key-encryption key
    Create(create::Create),
    /// Show which key-encryption keys open how many key files
    List(list::List),
    /// Wrap every content key for a new key-encryption key; may be interrupted and run again
    Rotate(rotate::Rotate),
}

impl Command {
    pub(super) fn run(self, world: &mut World) -> Result<(), Failure> {
        match self {
            Self::Create(args) => args.run(world),
            Self::List(args) => super::block_on(args.run(world)),
            Self::Rotate(args) => super::block_on(args.run(world)),
        }
    }
}

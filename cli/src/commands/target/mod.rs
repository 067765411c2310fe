//! `sealift target`: the images of a repository.

mod add;
mod builders;
mod list;
mod object;
mod presealed;
mod remove;
mod sending;
mod uploads;
mod verify;

use clap::Subcommand;

use crate::World;
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Seal an image and publish it in one go, straight into the store
    Add(Box<add::Add>),
    /// Take an image off the list (its bytes stay in the store)
    Remove(remove::Remove),
    /// List the images that the repository's keys vouch for
    List(list::List),
    /// Verify one image and what was published beside it: provenance, bill of materials
    Verify(verify::Verify),
    /// Look after interrupted uploads of this machine
    #[command(subcommand)]
    Uploads(uploads::Command),
}

impl Command {
    pub(super) fn run(self, world: &mut World) -> Result<(), Failure> {
        match self {
            Self::Add(args) => super::block_on(args.run(world)),
            Self::Remove(args) => super::block_on(args.run(world)),
            Self::List(args) => super::block_on(args.run(world)),
            Self::Verify(args) => super::block_on(args.run(world)),
            Self::Uploads(command) => super::block_on(command.run(world)),
        }
    }
}

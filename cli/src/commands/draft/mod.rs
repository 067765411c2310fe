//! `sealift draft`: requests to sign, from the first look at one to its publication. `sealift root` shares the verbs.

mod collect;
mod make;
mod merge;
mod publish;
mod rebase;
mod show;
mod sign;

pub(super) use collect::Collected;
pub(super) use merge::Merge;
pub(super) use show::Show;
pub(super) use sign::Sign;

use clap::Subcommand;

use crate::World;
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a request to sign a changed list of targets
    New(make::New),
    /// Show what a request changes, who has signed it and who is missing
    Show(Show),
    /// Sign a request after looking at what it changes
    Sign(Sign),
    /// Gather the signatures of several files into one
    Merge(Merge),
    /// Publish the list of targets that enough people have signed
    Publish(publish::Publish),
    /// Make a request again over what others have published since
    Rebase(rebase::Rebase),
}

impl Command {
    pub(super) fn run(self, world: &mut World) -> Result<(), Failure> {
        match self {
            Self::New(args) => super::block_on(args.run(world)),
            Self::Show(args) => args.run(world),
            Self::Sign(args) => super::block_on(args.run(world)),
            Self::Merge(args) => args.run(world),
            Self::Publish(args) => super::block_on(args.run(world)),
            Self::Rebase(args) => super::block_on(args.run(world)),
        }
    }
}

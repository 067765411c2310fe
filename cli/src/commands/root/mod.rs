//! `sealift root`: the keys of a repository's roles, and having people sign them.

mod edit;
mod make;
mod publish;
mod roles;

use clap::Subcommand;

use super::draft;
use crate::World;
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a request to sign the first root of a new repository
    New(make::New),
    /// Make a request to sign the next root, with keys, thresholds or its expiry changed
    Edit(edit::Edit),
    /// Make a request to sign the next root, with keys exchanged one for another
    Rotate(edit::Rotate),
    /// Make a request to sign the next root, with one key taken out of every role
    Revoke(edit::Revoke),
    /// Show what a request changes, who has signed it and who is missing
    Show(draft::Show),
    /// Sign a request after looking at what it changes
    Sign(draft::Sign),
    /// Gather the signatures of several files into one
    Merge(draft::Merge),
    /// Publish the root that enough people have signed; the first one makes the repository
    Publish(publish::Publish),
}

impl Command {
    pub(super) fn run(self, world: &mut World) -> Result<(), Failure> {
        match self {
            Self::New(args) => args.run(world),
            Self::Edit(args) => super::block_on(args.run(world)),
            Self::Rotate(args) => super::block_on(args.run(world)),
            Self::Revoke(args) => super::block_on(args.run(world)),
            Self::Show(args) => args.run(world),
            Self::Sign(args) => super::block_on(args.run(world)),
            Self::Merge(args) => args.run(world),
            Self::Publish(args) => super::block_on(args.run(world)),
        }
    }
}

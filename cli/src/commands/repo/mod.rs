//! `sealift repo`: an Image repository as a whole.

mod check;
mod init;
mod publish;
mod quantum;
mod show;
mod verify;

pub(super) use init::{Place, RootTerms};

use clap::Subcommand;

use crate::World;
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a new, empty repository in an empty store
    Init(init::Init),
    /// Publish a new root, or the target list of a Targets document
    Publish(publish::Publish),
    /// Sign Snapshot and Timestamp again so that they do not expire
    Refresh(publish::Refresh),
    /// Say what is wrong, what expires, and which client's caps and rules are near: for monitoring
    Check(check::Check),
    /// Show roles, versions, expiries and keys
    Show(show::Show),
    /// Walk the whole trust chain and check that every object is there
    Verify(verify::Verify),
}

impl Command {
    pub(super) fn run(self, world: &mut World) -> Result<(), Failure> {
        match self {
            Self::Init(args) => super::block_on(args.run(world)),
            Self::Publish(args) => super::block_on(args.run(world)),
            Self::Refresh(args) => super::block_on(args.run(world)),
            Self::Check(args) => super::block_on(args.run(world)),
            Self::Show(args) => super::block_on(args.run(world)),
            Self::Verify(args) => super::block_on(args.run(world)),
        }
    }
}

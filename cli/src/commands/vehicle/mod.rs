//! `sealift vehicle`: the inventory and what each ECU is to install, through the operator API.

mod add;
mod assign;
mod ecu;
mod provision;
mod show;

use clap::Subcommand;

use crate::World;
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Register a vehicle that has its keys and certificate already
    Add(add::Add),
    /// List the vehicles
    List(show::List),
    /// Show one vehicle: its ECUs, what they should and do run
    Show(show::Show),
    /// Say which target an ECU is to install
    Assign(assign::Assign),
    /// Take an assignment back
    Unassign(assign::Unassign),
    /// Refuse the vehicle's certificate from now on
    Revoke(assign::Revoke),
    /// Make keys and certificate, register, and write the vehicle's provisioning directory
    Provision(Box<provision::Provision>),
}

impl Command {
    pub(super) fn run(self, world: &mut World) -> Result<(), Failure> {
        match self {
            Self::Add(args) => super::block_on(args.run(world)),
            Self::List(args) => super::block_on(args.run(world)),
            Self::Show(args) => super::block_on(args.run(world)),
            Self::Assign(args) => super::block_on(args.run(world)),
            Self::Unassign(args) => super::block_on(args.run(world)),
            Self::Revoke(args) => super::block_on(args.run(world)),
            Self::Provision(args) => super::block_on(args.run(world)),
        }
    }
}

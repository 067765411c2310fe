//! The project's own chores, one verb each. `cargo xtask --help` lists them.

mod behaviours;
mod bench;
mod chore;
mod corpus;
mod demo;
mod failure;
mod keys;
mod pipeline;
mod requirements;
mod tidy;
mod tree;
mod vectors;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match chore::run(chore::Chores::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

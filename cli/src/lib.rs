//! The release engineer's and the pipeline's tool.
//!
//! `commands/` holds one file for each noun or verb; the modules beside it are what they share: where keys and
//! passphrases come from, how files appear (whole or not at all), how results are shown, how remarks and
//! failures are told.
//! Nothing here reads a clock or makes randomness: both arrive in [`World`].

mod api;
mod certificates;
mod cipher;
mod commands;
mod demo;
mod failure;
mod faults;
mod input;
mod journal;
mod keys;
mod memory;
mod outfile;
mod output;
mod passphrase;
mod progress;
mod publishing;
mod requests;
mod sealing;
mod signals;
mod store;
mod voice;
mod world;

pub use commands::{Cli, run};
pub use failure::{Failure, Fault, report};
pub use signals::watch;
pub use voice::{Log, speak};
pub use world::World;

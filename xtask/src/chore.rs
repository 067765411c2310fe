//! The list of verbs, and nothing else: each one lives in a module of its own name.

use clap::{Parser, Subcommand};

use crate::failure::Failure;
use crate::{behaviours, bench, corpus, demo, keys, pipeline, tidy, vectors};

/// What `cargo xtask` can be asked to do.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Chores of the Sealift workspace")]
pub(crate) struct Chores {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// One real image all the way, with the real binaries as separate processes
    Demo(demo::Args),
    /// Everything that must hold before a change is merged; what CI runs
    Test(pipeline::Args),
    /// What sealing, opening and serving cost, beside well-known tools
    Bench(bench::Args),
    /// House rules that no compiler checks
    Tidy,
    /// Rewrite keys-example/ from its public seed
    Keys(keys::Args),
    /// Rewrite the vectors of the sealed image from their seeds
    Vectors(vectors::Args),
    /// Rewrite the seeds of the fuzz targets
    Corpus(corpus::Args),
    /// Rewrite docs/behaviours.md from the doc comments of the tests, and close what they show in docs/requirements.txt
    Behaviours(behaviours::Args),
}

/// Runs one chore.
///
/// # Errors
/// The sentence that explains why it stopped.
pub(crate) fn run(chores: Chores) -> Result<(), Failure> {
    match chores.verb {
        Verb::Demo(args) => demo::run(&args),
        Verb::Test(args) => pipeline::run(&args),
        Verb::Bench(args) => bench::run(&args),
        Verb::Tidy => tidy::run(),
        Verb::Keys(args) => keys::run(&args),
        Verb::Vectors(args) => vectors::run(&args),
        Verb::Corpus(args) => corpus::run(&args),
        Verb::Behaviours(args) => behaviours::run(&args),
    }
}

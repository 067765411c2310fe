//! The steps in their order. Cheap ones first: a missing comma should not wait for a fuzzer.

use super::shell::Shell;
use super::{cargo, conformance, fuzz, peers, s3, tools};
use crate::failure::Failure;

/// How a step ended when nothing failed.
#[derive(Debug)]
pub(super) enum Done {
    /// It did its work: a sentence for the terminal, and how many checks it made.
    Passed { said: String, checks: u64 },
    /// It could not be done here, and need not be.
    LeftOut { why: String },
}

impl Done {
    /// A step that is one check.
    pub(super) fn one(said: impl Into<String>) -> Self {
        Self::Passed {
            said: said.into(),
            checks: 1,
        }
    }
}

/// One named step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    /// Takes minutes; `--fast` leaves it out.
    pub(super) slow: bool,
    pub(super) run: fn(&Shell) -> Result<Done, Failure>,
}

const fn quick(name: &'static str, what: &'static str, run: fn(&Shell) -> Result<Done, Failure>) -> Step {
    Step {
        name,
        what,
        slow: false,
        run,
    }
}

const fn slow(name: &'static str, what: &'static str, run: fn(&Shell) -> Result<Done, Failure>) -> Step {
    Step {
        name,
        what,
        slow: true,
        run,
    }
}

/// All steps.
pub(super) const STEPS: &[Step] = &[
    quick(
        "tools",
        "look for the tools, install what is missing",
        tools::check,
    ),
    quick(
        "format",
        "rustfmt on the workspace and the fuzz targets",
        cargo::format,
    ),
    quick("tidy", "house rules that no compiler checks", cargo::tidy),
    quick("lint", "clippy with warnings denied", cargo::lint),
    quick(
        "generated",
        "keys, lists, vectors and seeds are what their generators make",
        cargo::generated,
    ),
    quick(
        "unit",
        "unit, vector, snapshot and end-to-end tests, fuzz seeds replayed",
        cargo::tests,
    ),
    quick("doctest", "the examples in the documentation", cargo::doc_tests),
    slow(
        "s3",
        "the store's contract against an S3 server on this machine",
        s3::run,
    ),
    slow(
        "peers",
        "the second implementation of the sealed image, in Python",
        peers::run,
    ),
    slow(
        "conformance",
        "the TUF project's own suite against our verifier",
        conformance::run,
    ),
    slow(
        "big",
        "4 GiB and a byte sealed and opened, 5 GiB and a byte uploaded, in little memory, in a release build",
        cargo::big,
    ),
    slow("doc", "documentation with warnings denied", cargo::doc),
    slow(
        "deny",
        "advisories, licences, bans and sources of the dependencies",
        cargo::deny,
    ),
    slow("fuzz", "a smoke run of every fuzz target", fuzz::smoke),
    quick("clean", "the run left no trace in the checkout", cargo::clean),
];

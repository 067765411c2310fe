//! One binary for all cross-crate suites: linking dominates, so there is only one link.

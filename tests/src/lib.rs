//! The kit of the cross-crate suites: worlds made of the real binaries, an attacker's tools, and judges.
//!
//! Nothing here is part of the product. A step that fails fails the test that took it, so this crate panics where
//! the product must not.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed step of the kit is a failed test"
)]

pub mod bins;
pub mod conformance;
pub mod deadline;
pub mod forge;
pub mod front;
pub mod https;
pub mod process;
pub mod rng;
pub mod s3;
pub mod stand_in;
pub mod tree;
pub mod wire_cut;
pub mod world;

//! Oracles: each takes bytes from anywhere and panics when a property does not hold.
//!
//! A fuzz target is one line that calls one of these. The test of this crate replays every committed seed through its oracle
//! on a stable compiler, so that a fault once found stays found. The seeds are made here too: `cargo xtask corpus`.
//!
//! The properties are of three kinds: what is accepted comes out again as the same bytes; what differs from the genuine
//! article is refused, or gives the genuine content; work and memory stay within what the input's own length allows (the
//! fuzzer's allocation limit watches over the last).
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how an oracle speaks"
)]

mod ciphers;
mod companions;
mod edit;
mod envelope;
mod keys;
mod metadata;
mod random_access;
mod range;
mod sealed_world;
mod seeds;
mod segments;
mod trust_world;
mod wraps;

pub use ciphers::ciphers;
pub use companions::companion;
pub use envelope::{header, key_box, opener_sequential};
pub use keys::keys;
pub use metadata::{canonical_json, manifest, root, snapshot, targets, timestamp, trust_sequence};
pub use random_access::opener_ranged;
pub use range::range_header;
pub use seeds::{Seed, TARGETS, Target};
pub use segments::segments;
pub use wraps::wraps;

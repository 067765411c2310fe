//! The cross-crate suites, through the real binaries; one behaviour a file.
//!
//! One test binary for all of them: linking dominates, so there is only one link.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step is a failed test")]

mod attacks;
mod bad_input;
mod bad_network;
mod big_image;
mod big_upload;
mod ci;
mod first_light;
mod foreign_clients;
mod held_keys;
mod held_signers;
mod interrupted_uploads;
mod kek_rotate;
mod publishing;
mod refusals;
mod resume_after_kill;
mod softhsm;
mod store_answers;
mod telemetry;

//! Whole update cycles against a server in memory. What is asserted is the error code *and* what is on disk afterwards.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on should stop where it is"
)]

mod kit;

mod attacks;
mod full_verification;
mod happy;
mod http;
mod images;
mod installing;
mod local;
mod network;
mod program;
mod provisioning;
mod resume;
mod slow;
mod suppliers;

//! What the server does, one file per behaviour.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, and its helpers are nobody's interface"
)]

mod kit;

mod assignments;
mod broker;
mod director;
mod downloads;
mod identity;
mod immutable;
mod inventory;
mod limits;
mod manifests;
mod monitor;
mod process;
mod refresh;
mod registration;
mod stalls;
mod start;
mod suppliers;
mod tls;
mod tokens;

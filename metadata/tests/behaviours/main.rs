//! Behaviours of the metadata crate, one file each, over one kit.
//!
//! Doc comments name the requirements that a test stands for.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the kit is test code outside of test functions"
)]

mod common;

mod attack_codes;
mod attestations;
mod authoring;
mod canonical_form;
mod companions;
mod cross_check;
mod director;
mod documents;
mod expiry;
mod fast_forward;
mod golden;
mod hashes;
mod key_files;
mod key_ids;
mod limits;
mod manifest;
mod mix_and_match;
mod other_clients;
mod profile;
mod role_files;
mod rollback;
mod root_chain;
mod stored_files;
mod strict_json;
mod thresholds;
mod time;
mod wycheproof;

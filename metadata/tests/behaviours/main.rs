//! Behaviours of the metadata crate, one file each, over one kit.
//!
//! Doc comments name the requirements that a test stands for.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the kit is test code outside of test functions"
)]

mod common;

mod agreement;
mod attack_codes;
mod attestations;
mod authored_chain;
mod authoring;
mod canonical_form;
mod companions;
mod cross_check;
mod custom_fields;
mod delegated_documents;
mod delegation_fields;
mod delegation_terms;
mod director;
mod documents;
mod expiry;
mod fast_forward;
mod gathering;
mod golden;
mod hashes;
mod key_files;
mod key_ids;
mod keys_everywhere;
mod limits;
mod listed_bytes;
mod manifest;
mod mix_and_match;
mod other_clients;
mod patterns;
mod preflight;
mod profile;
mod requests;
mod role_files;
mod rollback;
mod root_chain;
mod search;
mod search_limits;
mod stored_files;
mod strict_json;
mod thresholds;
mod time;
mod wycheproof;

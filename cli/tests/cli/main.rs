//! The binary as its users meet it: real processes, a repository in a temporary folder.

#![expect(
    clippy::unwrap_used,
    reason = "a world that cannot be set up is a failed test"
)]

mod both_hashes;
mod bucket;
mod companions;
mod documented;
mod draft;
mod env_keys;
mod full_disk;
mod hostile;
mod image;
mod image_files;
mod image_lengths;
mod kek;
mod kek_between;
mod kek_list;
mod kek_trouble;
mod kek_words;
mod key;
mod kit;
mod kms;
mod kms_signing;
mod memory;
mod remarks;
mod remote;
mod remote_trust;
mod repo_check;
mod repository;
mod root;
mod secrecy;
mod signals;
mod target;
mod target_again;
mod vehicle;
mod web;

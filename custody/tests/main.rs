//! Keys in a software token and in a stand-in for AWS KMS.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod child;
mod kms;
mod moto;
mod pins;
mod signing;
mod softhsm;
mod token_signing;
mod tokens;
mod tough_keys;
mod unwrapping;

//! TUF and Uptane documents, signatures, trust rules, authoring.
//!
//! Bytes and instants go in, typed values come out: nothing here reads a clock, a file or a socket. The profile that these
//! modules implement is written up in `docs/spec/uptane-profile.md`.

// --- reading what others wrote ---
pub mod canonical;
mod fields;
pub mod ids;
pub mod json;

// --- keys and signatures ---
pub mod keys;
pub mod signer;
pub mod threshold;
pub mod time;

// --- documents ---
pub mod delegation;
pub mod document;
pub mod hashes;
pub mod role_file;
pub mod root;
pub mod snapshot;
pub mod targets;
pub mod timestamp;

// --- rules over documents ---
pub mod manifest;
pub mod preflight;
pub mod trust;
pub mod uptane;

// --- what others say about an image ---
pub mod companions;
pub mod dsse;

// --- making documents ---
pub mod authoring;
pub mod request;

pub use document::{Document, FormatError, Role, Verified};
pub use hashes::Hashes;
pub use ids::{DelegatedName, EcuSerial, HardwareId, RepositoryId, TargetPath, VehicleId};
pub use keys::{KeyId, KeyType, PublicKey};
pub use role_file::RoleFile;
pub use root::Root;
pub use signer::{FileSigner, SignError, Signer};
pub use snapshot::Snapshot;
pub use targets::{TargetFile, Targets};
pub use time::{TimeSource, TrustedTime};
pub use timestamp::Timestamp;

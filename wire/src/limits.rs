//! Sizes, in bytes, that both sides of the wire keep.

/// Largest vehicle manifest that a server reads.
pub const MAX_MANIFEST_BYTES: u64 = 256 * 1024;
/// Largest body of an operator request.
pub const MAX_OPERATOR_BODY_BYTES: u64 = 1024 * 1024;
/// Largest problem document that a client reads.
pub const MAX_PROBLEM_BYTES: u64 = 64 * 1024;
/// Largest JSON answer of the operator API that a client reads.
pub const MAX_ANSWER_BYTES: u64 = 16 * 1024 * 1024;
/// Most ECUs in one vehicle.
pub const MAX_ECUS: usize = 256;
/// Vehicles on one page when `limit` is absent.
pub const DEFAULT_PAGE: u32 = 100;
/// Most vehicles on one page.
pub const MAX_PAGE: u32 = 1000;
/// A Director Targets document stays below this; larger boxes move to objects of their own.
pub const DIRECTOR_TARGETS_PROFILE_BYTES: u64 = 64 * 1024;

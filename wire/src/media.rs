//! Media types.

/// Metadata and answers.
pub const JSON: &str = "application/json";
/// Errors (RFC 9457).
pub const PROBLEM: &str = "application/problem+json";
/// Images, segment lists and key boxes.
pub const OCTETS: &str = "application/octet-stream";

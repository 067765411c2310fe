//! What `sealift-server --ready-file` writes once every listener is bound.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Bound addresses; a configured port 0 appears here as the port that the system chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyFile {
    /// Vehicle listener (TLS, client certificates).
    pub vehicles: SocketAddr,
    /// Operator listener (TLS, bearer tokens).
    pub operators: SocketAddr,
    /// Telemetry listener (plain HTTP).
    pub telemetry: SocketAddr,
}

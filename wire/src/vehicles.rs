//! Bodies of the operator API: vehicles, their ECUs, what they should and do run.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `POST /api/v1/vehicles`. Unknown fields are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VehicleRegistration {
    /// Vehicle id, `[A-Za-z0-9._-]{1,64}`; equal to the one in the certificate's URI SAN.
    pub id: String,
    /// The client certificate, PEM, one certificate.
    pub certificate_pem: String,
    /// Its ECUs; exactly one is the Primary.
    pub ecus: Vec<EcuRegistration>,
}

/// One ECU of a [`VehicleRegistration`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EcuRegistration {
    /// ECU serial, `[A-Za-z0-9._-]{1,64}`, unique in the fleet.
    pub serial: String,
    /// Hardware id that images must list.
    pub hardware_id: String,
    /// Whether this is the vehicle's Primary.
    pub primary: bool,
    /// Public key that its reports are signed with: SPKI PEM, Ed25519, P-256 or RSA; unique in the fleet.
    pub signing_key_pem: String,
    /// Public key that content keys are wrapped for: SPKI PEM, P-256 or RSA; never the signing key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key_pem: Option<String>,
    /// Whether images without protection are refused for it.
    #[serde(default)]
    pub require_sealed: bool,
}

/// Whether a vehicle is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VehicleState {
    /// Its certificate is accepted.
    Active,
    /// Every request of its certificate is answered 403.
    Revoked,
}

/// `GET /api/v1/vehicles/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vehicle {
    /// Vehicle id.
    pub id: String,
    /// Whether it is served.
    pub state: VehicleState,
    /// Lower-hex SHA-256 of the certificate's SubjectPublicKeyInfo (DER).
    pub certificate_key_id: String,
    /// Its ECUs, by serial.
    pub ecus: Vec<Ecu>,
    /// When it last handed in an accepted manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<Timestamp>,
}

/// One ECU of a [`Vehicle`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ecu {
    /// ECU serial.
    pub serial: String,
    /// Hardware id.
    pub hardware_id: String,
    /// Whether this is the Primary.
    pub primary: bool,
    /// TUF key id of the signing key.
    pub signing_key_id: String,
    /// Recipient key id of the sealing key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key_id: Option<String>,
    /// Whether images without protection are refused for it.
    pub require_sealed: bool,
    /// What it is to install.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignment: Option<Assignment>,
    /// What it last reported as installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed: Option<Installed>,
    /// When it was last reported on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_report_at: Option<Timestamp>,
    /// Attack codes of its last report.
    #[serde(default)]
    pub attacks: Vec<String>,
}

/// An image as an ECU reported it: the plaintext's digest, never that of the sealed bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// Target path.
    pub path: String,
    /// Lower-hex SHA-256 of the plaintext.
    pub sha256: String,
    /// Length of the plaintext in bytes.
    pub length: u64,
    /// Release counter.
    pub release_counter: u64,
}

/// `PUT …/assignment`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignmentRequest {
    /// Target path in the Image repository.
    pub target: String,
}

/// What an ECU is to install.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Target path in the Image repository.
    pub target: String,
    /// When it was assigned.
    pub assigned_at: Timestamp,
    /// Ties the assignment to Director metadata and to logs.
    pub correlation_id: String,
    /// When a manifest first confirmed the install.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
}

/// One line of a [`VehicleList`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VehicleSummary {
    /// Vehicle id.
    pub id: String,
    /// Whether it is served.
    pub state: VehicleState,
    /// Number of ECUs.
    pub ecus: u32,
    /// Assignments not yet confirmed by a manifest.
    pub pending: u32,
    /// When it last handed in an accepted manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<Timestamp>,
}

/// `GET /api/v1/vehicles`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VehicleList {
    /// One page, ordered by id.
    pub vehicles: Vec<VehicleSummary>,
    /// The value of `after` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

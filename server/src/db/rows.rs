//! What the inventory holds.

use jiff::Timestamp;
use sealift_wire::VehicleState;
use std::fmt;

/// A vehicle to be added; every value is checked already.
#[derive(Debug, Clone)]
pub struct NewVehicle {
    /// Vehicle id.
    pub id: String,
    /// Lower-hex SHA-256 of the certificate's SPKI.
    pub certificate_key_id: String,
    /// Its ECUs.
    pub ecus: Vec<NewEcu>,
}

/// An ECU to be added.
#[derive(Debug, Clone)]
pub struct NewEcu {
    /// Serial, unique in the fleet.
    pub serial: String,
    /// Hardware id.
    pub hardware_id: String,
    /// Whether it is the Primary.
    pub primary: bool,
    /// TUF key id of the signing key, unique in the fleet.
    pub signing_key_id: String,
    /// SPKI PEM.
    pub signing_key_pem: String,
    /// Key id and SPKI PEM of the sealing key.
    pub sealing_key: Option<(String, String)>,
    /// Whether unsealed images are refused.
    pub require_sealed: bool,
}

/// A vehicle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VehicleRow {
    /// Vehicle id.
    pub id: String,
    /// Whether it is served.
    pub state: VehicleState,
    /// Lower-hex SHA-256 of the certificate's SPKI.
    pub certificate_key_id: String,
    /// When it last handed in an accepted manifest.
    pub last_seen_at: Option<Timestamp>,
    /// SHA-256 of the last accepted manifest's bytes.
    pub manifest_sha256: Option<[u8; 32]>,
    /// Its ECUs, by serial.
    pub ecus: Vec<EcuRow>,
}

/// An ECU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcuRow {
    /// Serial.
    pub serial: String,
    /// Hardware id.
    pub hardware_id: String,
    /// Whether it is the Primary.
    pub primary: bool,
    /// TUF key id of the signing key.
    pub signing_key_id: String,
    /// SPKI PEM.
    pub signing_key_pem: String,
    /// Key id and SPKI PEM of the sealing key.
    pub sealing_key: Option<(String, String)>,
    /// Whether unsealed images are refused.
    pub require_sealed: bool,
    /// What it is to install.
    pub assignment: Option<AssignmentRow>,
    /// Its last accepted report.
    pub report: Option<ReportRow>,
}

/// What an ECU is to install, as the Image repository listed it when it was assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentRow {
    /// Target path.
    pub target: String,
    /// Length of the object in bytes.
    pub length: u64,
    /// SHA-256 of the object.
    pub sha256: [u8; 32],
    /// SHA-256 of the plaintext.
    pub plain_sha256: [u8; 32],
    /// Release counter.
    pub release_counter: u64,
    /// Key box, if the image is sealed.
    pub key_box: Option<Vec<u8>>,
    /// When it was assigned.
    pub assigned_at: Timestamp,
    /// Ties it to Director metadata and logs.
    pub correlation_id: String,
    /// When a manifest first confirmed it.
    pub confirmed_at: Option<Timestamp>,
}

/// An ECU's last accepted report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// Report counter.
    pub counter: u64,
    /// SHA-256 of the signed report.
    pub sha256: [u8; 32],
    /// Latest time that the ECU had verified.
    pub latest_time: Timestamp,
    /// When it came in.
    pub received_at: Timestamp,
    /// What was installed.
    pub installed: Option<InstalledRow>,
    /// Codes of attacks seen.
    pub attacks: Vec<String>,
}

/// An image as reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledRow {
    /// Target path.
    pub path: String,
    /// SHA-256 of the plaintext.
    pub sha256: [u8; 32],
    /// Length of the plaintext in bytes.
    pub length: u64,
    /// Release counter.
    pub release_counter: u64,
}

/// A vehicle by its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VehicleStatus {
    /// Vehicle id.
    pub id: String,
    /// Whether it is served.
    pub state: VehicleState,
}

/// A vehicle in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryRow {
    /// Vehicle id.
    pub id: String,
    /// Whether it is served.
    pub state: VehicleState,
    /// Number of ECUs.
    pub ecus: u32,
    /// Unconfirmed assignments.
    pub pending: u32,
    /// When it last handed in an accepted manifest.
    pub last_seen_at: Option<Timestamp>,
}

/// The current signed set of a vehicle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectorRow {
    /// Version of all three documents.
    pub version: u64,
    /// SHA-256 over the decision that was signed.
    pub decision: [u8; 32],
    /// `timestamp.json`.
    pub timestamp: Vec<u8>,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// When the first of its documents expires.
    pub expires_at: Timestamp,
}

/// A signed set to be made current.
#[derive(Debug, Clone)]
pub struct DirectorSet {
    /// What becomes current.
    pub current: DirectorRow,
    /// Versioned documents: name and bytes.
    pub documents: Vec<(String, Vec<u8>)>,
    /// Key boxes that its Targets point to: SHA-256 and bytes.
    pub key_boxes: Vec<([u8; 32], Vec<u8>)>,
}

/// What a verified manifest reports.
#[derive(Debug, Clone)]
pub struct ManifestRecord {
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// When it came in.
    pub received_at: Timestamp,
    /// New reports, by serial; each counter is above the stored one.
    pub reports: Vec<(String, ReportRow)>,
    /// Serials whose assignment is confirmed by this manifest, with the correlation id that is confirmed.
    pub confirmed: Vec<(String, String)>,
}

/// A decision or an anomaly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// When.
    pub at: Timestamp,
    /// Which kind.
    pub kind: String,
    /// What exactly.
    pub detail: String,
}

/// An operator token.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Public part.
    pub id: String,
    /// Whose it is.
    pub name: String,
    /// SHA-256 of the secret part.
    pub hash: [u8; 32],
    /// Scope names.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl fmt::Debug for TokenRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRow")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

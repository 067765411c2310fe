//! What a vehicle says about itself: a signed report of every ECU inside a manifest signed by the Primary.
//!
//! A signature entry names the key, the method, and the SHA-256 of the payload it signs (Uptane 5.4.2.1). It counts only under
//! the key that the inventory has for the ECU; what the entry itself says about its key is compared, never believed.

mod report;
mod signed;
mod vehicle;

pub use report::{EcuReport, InstalledImage, MAX_ATTACKS};
pub use signed::{SignedReport, sign_report};
pub use vehicle::{Manifest, VehicleManifest, VerifiedManifest, parse_manifest, sign_manifest};

use crate::document::FormatError;
use crate::ids::EcuSerial;
use crate::keys::BadSignature;
use crate::signer::SignError;

/// Longest manifest that is read, bytes.
pub const MAX_MANIFEST: usize = 256 * 1024;
/// Most reports in one manifest.
pub const MAX_REPORTS: usize = 1024;

/// Why a manifest or a report is refused, or could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It cannot be read.
    #[error("the manifest cannot be read")]
    Format(#[from] FormatError),
    /// An ECU that the inventory does not have.
    #[error("ECU {0} is not registered for this vehicle")]
    UnknownEcu(EcuSerial),
    /// The signature names a key other than the registered one.
    #[error("ECU {ecu} signed with key {found}, but {registered} is registered")]
    OtherKey {
        /// The ECU.
        ecu: EcuSerial,
        /// As named in the signature.
        found: String,
        /// As registered.
        registered: String,
    },
    /// The method does not belong to the registered key.
    #[error("ECU {ecu} names the signature method {found:?}, but its key is for {wanted}")]
    OtherMethod {
        /// The ECU.
        ecu: EcuSerial,
        /// As named in the signature.
        found: String,
        /// The scheme of the registered key.
        wanted: &'static str,
    },
    /// The declared hash is not the hash of the payload.
    #[error("the hash that ECU {0} declares is not the hash of its payload")]
    OtherHash(EcuSerial),
    /// The signature does not verify.
    #[error("the signature of ECU {ecu} does not verify")]
    Signature {
        /// The ECU.
        ecu: EcuSerial,
        /// The verifier's answer.
        #[source]
        source: BadSignature,
    },
    /// A report filed under the serial of another ECU.
    #[error("the report filed under ECU {filed} is about ECU {found}")]
    Misfiled {
        /// The entry.
        filed: EcuSerial,
        /// What the report says.
        found: EcuSerial,
    },
    /// A report of another vehicle.
    #[error("the report of ECU {0} is for another vehicle")]
    OtherVehicle(EcuSerial),
    /// The Primary's own report is missing.
    #[error("the report of the Primary, ECU {0}, is missing")]
    NoPrimaryReport(EcuSerial),
    /// Too long or too many to be read by the other side.
    #[error("the manifest is larger than is read; report fewer ECUs")]
    TooLarge,
    /// The signer failed.
    #[error("the report or manifest could not be signed")]
    Sign(#[from] SignError),
}

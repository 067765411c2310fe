//! The inventory: the Director's private record of vehicles, ECUs, keys, assignments, reports and tokens.
//!
//! One trait, so that another database can stand behind it; what each method promises is said here, once.

mod rows;
mod sqlite;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use jiff::Timestamp;
pub use rows::{
    AssignmentRow, DirectorRow, DirectorSet, EcuRow, EventRow, InstalledRow, ManifestRecord, NewEcu,
    NewVehicle, ReportRow, SummaryRow, TokenRow, VehicleRow, VehicleStatus,
};
use sealift_wire::VehicleState;
pub use sqlite::SqliteInventory;
use std::fmt;
use thiserror::Error;

/// What the database says no to.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DbError {
    /// An id, serial or key is taken; the text says which.
    #[error("{0} is already registered")]
    Exists(&'static str),
    /// The database does not answer, or not sensibly.
    #[error("the inventory failed at: {during}")]
    Failed {
        /// The operation.
        during: &'static str,
        /// The driver's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The inventory. Every method is one transaction: it happened whole and durably when it returns `Ok`.
#[async_trait]
pub trait Inventory: Send + Sync + fmt::Debug {
    /// Whether the database answers.
    async fn ping(&self) -> Result<(), DbError>;

    /// Adds a vehicle with its ECUs; [`DbError::Exists`] if an id, serial or key is taken.
    async fn register(&self, vehicle: &NewVehicle, now: Timestamp) -> Result<(), DbError>;
    /// One vehicle with everything about its ECUs, ordered by serial.
    async fn vehicle(&self, id: &str) -> Result<Option<VehicleRow>, DbError>;
    /// Which vehicle a certificate's key belongs to, and whether it is served.
    async fn vehicle_by_certificate(&self, key_id: &str) -> Result<Option<VehicleStatus>, DbError>;
    /// Up to `limit` vehicles with ids after `after`, ordered by id.
    async fn vehicles(&self, after: &str, limit: u32) -> Result<Vec<SummaryRow>, DbError>;
    /// Sets the state; false if there is no such vehicle.
    async fn set_state(&self, id: &str, state: VehicleState) -> Result<bool, DbError>;

    /// Replaces the assignment of an ECU.
    async fn assign(&self, serial: &str, assignment: &AssignmentRow) -> Result<(), DbError>;
    /// Takes the assignment of an ECU away; false if it had none.
    async fn unassign(&self, serial: &str) -> Result<bool, DbError>;

    /// The current signed set of a vehicle.
    async fn director(&self, vehicle: &str) -> Result<Option<DirectorRow>, DbError>;
    /// Takes the next version for a vehicle's metadata: above every earlier one, at least `floor`. Never given twice.
    async fn reserve_version(&self, vehicle: &str, floor: u64) -> Result<u64, DbError>;
    /// Makes a signed set current; false, and nothing stored, if a later version was reserved meanwhile.
    async fn store_director(&self, vehicle: &str, set: &DirectorSet) -> Result<bool, DbError>;
    /// A versioned document of one of the last sets.
    async fn director_document(&self, vehicle: &str, name: &str) -> Result<Option<Vec<u8>>, DbError>;
    /// A key box that is not inline.
    async fn key_box(&self, vehicle: &str, sha256: &[u8; 32]) -> Result<Option<Vec<u8>>, DbError>;

    /// Stores what a verified manifest reports; false, and nothing stored, if a counter in it was outrun meanwhile.
    async fn record_manifest(&self, vehicle: &str, manifest: &ManifestRecord) -> Result<bool, DbError>;
    /// Adds to the record of decisions and anomalies, which keeps the newest of each vehicle.
    async fn record_event(
        &self,
        vehicle: &str,
        at: Timestamp,
        kind: &str,
        detail: &str,
    ) -> Result<(), DbError>;
    /// The last `limit` events about a vehicle, newest first.
    async fn events(&self, vehicle: &str, limit: u32) -> Result<Vec<EventRow>, DbError>;

    /// Adds a token.
    async fn insert_token(&self, token: &TokenRow) -> Result<(), DbError>;
    /// A token by id, expired and revoked ones included.
    async fn token(&self, id: &str) -> Result<Option<TokenRow>, DbError>;
    /// All tokens, by creation.
    async fn tokens(&self) -> Result<Vec<TokenRow>, DbError>;
    /// Revokes a token; false if there is none.
    async fn revoke_token(&self, id: &str, now: Timestamp) -> Result<bool, DbError>;
}

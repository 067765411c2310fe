//! The trust rules: how a client moves from the metadata it holds to the metadata that a repository offers.

mod attack;
mod error;
mod load;
mod refresh;
mod repository;
mod resolve;

pub use attack::Attack;
pub use error::{Fault, TrustError};
pub use refresh::{Refresh, Request, Response, Step};
pub use repository::TrustedRepository;
pub use resolve::{Found, Resolver, SearchStep};

use std::collections::BTreeMap;

use crate::ids::{EcuSerial, HardwareId, VehicleId};

/// Caps of one refresh, and of one search after it. Lengths are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest Root document.
    pub root: u64,
    /// Longest Timestamp document.
    pub timestamp: u64,
    /// Longest Snapshot document.
    pub snapshot: u64,
    /// Longest top-level Targets document.
    pub targets: u64,
    /// Longest delegated Targets document.
    pub delegated: u64,
    /// Most delegated roles read for one target.
    pub max_roles: usize,
    /// Most bytes of delegated Targets documents for one target, fetched or held already.
    pub search_bytes: u64,
    /// Most Root documents adopted in one cycle; the walk goes on in the next.
    pub max_root_updates: u32,
}

impl Limits {
    /// Caps for an Image repository.
    pub const IMAGE: Self = Self {
        root: 512 * 1024,
        timestamp: 16 * 1024,
        snapshot: 2 * 1024 * 1024,
        targets: 8 * 1024 * 1024,
        delegated: 8 * 1024 * 1024,
        max_roles: 64,
        search_bytes: 32 * 1024 * 1024,
        max_root_updates: 256,
    };
    /// Caps for a Director, whose documents are about one vehicle.
    pub const DIRECTOR: Self = Self {
        targets: 64 * 1024,
        snapshot: 64 * 1024,
        ..Self::IMAGE
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::IMAGE
    }
}

/// The metadata that a client holds, as received.
///
/// `root` must be good. Whatever else is missing, garbled or no longer signed by the right keys is as if it were not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustStore {
    /// `root.json`.
    pub root: Vec<u8>,
    /// `timestamp.json`.
    pub timestamp: Option<Vec<u8>>,
    /// `snapshot.json`.
    pub snapshot: Option<Vec<u8>>,
    /// `targets.json`.
    pub targets: Option<Vec<u8>>,
}

/// Which kind of repository is being read.
///
/// Those of Uptane are held to its rules: their Timestamps list a hash of the Snapshot (Uptane 5.2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepositoryKind {
    /// A repository of TUF alone.
    Plain,
    /// What may be installed.
    Image,
    /// What one vehicle should install.
    Director {
        /// The vehicle that reads.
        vehicle_id: VehicleId,
        /// Its ECUs and their hardware.
        ecus: BTreeMap<EcuSerial, HardwareId>,
    },
}

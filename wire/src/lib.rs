//! The HTTP contract that server, command line and vehicle share.
//!
//! Types and paths only: no I/O, no HTTP library. What a body means is said beside its type; what a path is
//! called is said once, in [`paths`].
//!
//! Identifiers travel as plain strings and are parsed ([`VehicleId`], [`EcuSerial`], [`HardwareId`]) by whoever acts on
//! them, so that a bad one gets a problem that names the field instead of a JSON error that names a column.

pub mod limits;
pub mod media;
pub mod paths;
pub mod problem;
pub mod ready;
pub mod scope;
pub mod vehicles;

pub use problem::{Problem, ProblemKind};
pub use ready::ReadyFile;
pub use scope::Scope;
pub use sealift_metadata::{EcuSerial, HardwareId, VehicleId};
pub use vehicles::{
    Assignment, AssignmentRequest, Ecu, EcuRegistration, Installed, Vehicle, VehicleList,
    VehicleRegistration, VehicleState, VehicleSummary,
};

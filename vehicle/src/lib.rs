//! The Uptane client: verifies, downloads, opens, installs, reports.
//!
//! [`Vehicle::cycle`] is one update cycle in the order of the Uptane Standard. Everything from outside is a field of
//! [`Surroundings`]: network ([`Fetch`]), clock and sleep ([`World`]), installer ([`Installer`]), listener ([`Observer`]).
//! A test is therefore a value, and the simulation runs the code of the vehicle.
//!
//! Bytes become an installed image through types that only their check can make: `TrustedTarget` (metadata),
//! [`Selected`](select::Selected), [`VerifiedSealed`](image::VerifiedSealed), [`OpenedImage`](image::OpenedImage).

// --- the cycle ---
pub mod cycle;
pub mod error;
pub mod events;
mod refresh;
mod report;
mod search;
pub mod select;

// --- images ---
mod download;
pub mod image;
pub mod installer;
pub mod journal;
mod objects;
pub mod ranges;

// --- the outside ---
pub mod backoff;
pub mod fetch;
pub mod http;
pub mod rate;
pub mod transport;
pub mod world;

// --- the directory ---
pub mod durable;
pub mod ecu_state;
pub mod keys;
pub mod layout;
pub mod lock;
pub mod provision;

// --- the program ---
pub mod program;

pub use cycle::{Outcome, Surroundings, Vehicle};
pub use error::{Attack, CycleError};
pub use events::{Event, Observer};
pub use fetch::Fetch;
pub use installer::{FileInstaller, Installer, Staging};
pub use keys::DemoKeys;
pub use layout::Layout;
pub use world::World;

//! A vehicle, two repositories, a server and a world, all values in one process.

mod disk;
mod fleet;
mod profile;
mod repo;
mod rng;
mod server;
mod supplier;
mod world;

pub(crate) use disk::FullDisk;
pub(crate) use fleet::{Fleet, Sealing, VEHICLE};
pub(crate) use profile::profile;
pub(crate) use server::{Server, Trick};
pub(crate) use supplier::Supplier;
pub(crate) use world::{FakeWorld, Recorder};

/// Serial of the Primary.
pub(crate) const GATEWAY: &str = "gw-1";
/// Serial of the other ECU, which requires sealed images.
pub(crate) const CAMERA: &str = "cam-1";

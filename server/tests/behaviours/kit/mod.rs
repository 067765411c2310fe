//! A world around one server: repository, keys, vehicles, a clock that is set by hand.

mod answer;
mod broken;
mod rng;
mod vehicle;
mod world;

pub use answer::Answer;
pub use broken::BreakingStore;
pub use rng::TestRng;
pub use vehicle::{TestEcu, TestVehicle, certificate};
pub use world::{Ground, World, config};

//! A world around one server: repository, keys, vehicles, a clock that is set by hand.

mod answer;
mod broken;
mod ground;
mod log;
mod rng;
mod supplier;
mod vehicle;
mod world;

pub use answer::Answer;
pub use broken::BreakingStore;
pub use ground::{Ground, TestClock, config};
pub use log::Log;
pub use rng::TestRng;
pub use vehicle::{TestEcu, TestVehicle, certificate};
pub use world::{Image, World};

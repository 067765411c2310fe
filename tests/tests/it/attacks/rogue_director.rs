//! A Director in the hands of someone who stole its online keys.

use http::StatusCode;
use sealift_tests::forge::{Forged, Forger, InForce};
use sealift_tests::front::Lie;
use sealift_tests::process::Run;
use sealift_tests::world::{Vehicle, World};
use serde_json::Value;

use super::{REFUSED, code};

/// The Director's documents for one vehicle, as its certificate gets them.
pub(super) fn director(world: &World, vehicle: &Vehicle) -> InForce {
    let client = world.client_of(vehicle);
    InForce::read(|name| {
        let url = format!("https://{}/director/{name}", world.vehicles_address());
        world
            .block_on(async { client.client().get(url).send().await?.bytes().await })
            .unwrap()
            .to_vec()
    })
}

/// What a Director's Targets say about one ECU and one target.
pub(super) fn ecu<'a>(targets: &'a mut Value, target: &str, serial: &str) -> &'a mut Value {
    &mut targets["targets"][target]["custom"]["director"]["ecus"][serial]
}

/// The next documents for `vehicle`, changed and signed with the stolen keys.
pub(super) fn forged(world: &World, vehicle: &Vehicle, change: impl FnOnce(&mut Value)) -> Forged {
    let key = |role: &str| world.path(&format!("director/director-{role}.pem"));
    let forger = Forger::new(&key("targets"), &key("snapshot"), &key("timestamp"));
    world.block_on(forger.next(director(world, vehicle), change))
}

/// Shows `vehicle` these documents of the Director, and the honest Image repository.
pub(super) fn shown(world: &World, vehicle: &Vehicle, documents: Forged) -> Run {
    let front = world.front_for(vehicle);
    front.lie(move |asked| {
        match asked
            .path
            .strip_prefix("/director/")
            .and_then(|name| documents.get(name))
        {
            Some(bytes) => Lie::Replace(StatusCode::OK, bytes.to_vec()),
            None => Lie::None,
        }
    });
    vehicle.once()
}

/// Forges, shows, and expects that the vehicle refuses with `expected`, reports it, and keeps what it has.
#[track_caller]
pub(super) fn refused(world: &World, vehicle: &Vehicle, expected: &str, change: impl FnOnce(&mut Value)) {
    let before = vehicle.installed("BRAIN-1");
    let run = shown(world, vehicle, forged(world, vehicle, change)).exits(REFUSED);
    assert_eq!(code(&run), expected, "{run}");
    assert_eq!(vehicle.installed("BRAIN-1"), before);
    assert_eq!(world.ecu("VIN-1", "BRAIN-1")["attacks"][0], expected);
}

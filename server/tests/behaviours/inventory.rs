//! What an inventory must hold of an ECU, and must not.

use http::{Method, StatusCode};
use sealift_wire::ProblemKind;

use crate::kit::{TestRng, TestVehicle, World};

async fn post(world: &World, body: serde_json::Value) -> crate::kit::Answer {
    world.operator(Method::POST, "/api/v1/vehicles", Some(body)).await
}

/// U-5.3.2.2-5, U-5.3.2.2-6: an ECU comes with the public half of a key, and with nothing else in its place.
#[tokio::test]
async fn an_ecu_has_a_public_key() {
    let world = World::new().await;
    let vehicle = TestVehicle::new("v1");
    let good = serde_json::to_value(vehicle.registration()).unwrap();
    let mut without = good.clone();
    without["ecus"][1]
        .as_object_mut()
        .unwrap()
        .remove("signing_key_pem");
    let mut private = good.clone();
    let pem = vehicle.ecus[1]
        .signer
        .to_pkcs8_pem(None, &mut TestRng::new("pem"))
        .unwrap();
    private["ecus"][1]["signing_key_pem"] = pem.as_str().into();
    let mut unsealed = good.clone();
    let pem = vehicle.ecus[1]
        .sealing
        .to_pkcs8_pem(None, &mut TestRng::new("pem"))
        .unwrap();
    unsealed["ecus"][1]["sealing_key_pem"] = pem.as_str().into();
    for body in [without, private, unsealed] {
        post(&world, body).await.problem(ProblemKind::Invalid);
    }
    post(&world, good).await.ok();
}

/// U-5.3.2.2-3, U-5.3.2.2-4: a serial is there once, of whichever vehicle, and a second registration does not move it.
#[tokio::test]
async fn an_ecu_belongs_to_one_vehicle() {
    let world = World::new().await;
    let owner = world.vehicle("v1").await;
    let mut thief = TestVehicle::new("v2").registration();
    thief.ecus[1].serial.clone_from(&owner.ecus[1].serial);
    let body = serde_json::to_value(thief).unwrap();
    post(&world, body).await.problem(ProblemKind::Exists);
    let serials: Vec<String> = world
        .show(&owner)
        .await
        .ecus
        .into_iter()
        .map(|ecu| ecu.serial)
        .collect();
    assert!(serials.contains(&owner.ecus[1].serial), "{serials:?}");
    let absent = world.operator(Method::GET, "/api/v1/vehicles/v2", None).await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
}

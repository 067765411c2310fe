//! Vehicles that can and cannot be registered.

use crate::kit::{TestVehicle, World};
use http::{Method, StatusCode};
use sealift_metadata::Signer;
use sealift_wire::{ProblemKind, VehicleList, VehicleRegistration, VehicleState};

async fn refused(world: &World, change: impl FnOnce(&mut VehicleRegistration), field: &str) {
    let mut registration = TestVehicle::new("v9").registration();
    change(&mut registration);
    let body = serde_json::to_value(registration).unwrap();
    let answer = world.operator(Method::POST, "/api/v1/vehicles", Some(body)).await;
    let problem = answer.problem(ProblemKind::Invalid);
    assert!(
        problem.detail.as_ref().unwrap().contains(field),
        "{field}: {problem:?}"
    );
    assert_eq!(
        world
            .operator(Method::GET, "/api/v1/vehicles/v9", None)
            .await
            .status,
        StatusCode::NOT_FOUND
    );
}

/// U-5.3.2.2-7: every key with its id.
#[tokio::test]
async fn a_vehicle_is_shown_as_registered() {
    let world = World::new().await;
    let vehicle = TestVehicle::new("v1");
    let answer = world.register(&vehicle).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::CREATED, "/api/v1/vehicles/v1")
    );
    let shown = world.show(&vehicle).await;
    assert_eq!((shown.state, shown.ecus.len()), (VehicleState::Active, 2));
    let gateway = shown.ecus.iter().find(|ecu| ecu.primary).unwrap();
    assert_eq!(
        gateway.signing_key_id,
        vehicle.ecus[0].signer.public().keyid().as_str()
    );
    assert!(gateway.assignment.is_none() && gateway.installed.is_none());
}

/// U-5.3.2.2-2, U-5.4.1-7: an id of a vehicle and a key of an ECU are there once.
#[tokio::test]
async fn what_is_taken_is_a_conflict() {
    let world = World::new().await;
    world.vehicle("v1").await;
    world
        .register(&TestVehicle::new("v1"))
        .await
        .problem(ProblemKind::Exists);
    let mut thief = TestVehicle::new("v2").registration();
    thief.ecus[0].signing_key_pem = TestVehicle::new("v1").registration().ecus[0]
        .signing_key_pem
        .clone();
    let body = serde_json::to_value(thief).unwrap();
    world
        .operator(Method::POST, "/api/v1/vehicles", Some(body))
        .await
        .problem(ProblemKind::Exists);
}

/// U-5.4.1-8, U-5.4.2-3: among them a vehicle without a Primary, and one key for two purposes.
#[tokio::test]
async fn a_bad_field_is_named() {
    let world = World::new().await;
    let other = TestVehicle::new("other").registration();
    refused(&world, |r| r.id = "a/b".to_owned(), "id").await;
    refused(
        &world,
        |r| r.certificate_pem = other.certificate_pem.clone(),
        "certificate_pem",
    )
    .await;
    refused(
        &world,
        |r| r.certificate_pem = "none".to_owned(),
        "certificate_pem",
    )
    .await;
    refused(&world, |r| r.ecus.clear(), "ecus").await;
    refused(&world, |r| r.ecus[0].primary = false, "Primary").await;
    refused(&world, |r| r.ecus[1].primary = true, "Primary").await;
    refused(
        &world,
        |r| r.ecus[1].serial = r.ecus[0].serial.clone(),
        "ecus[1].serial",
    )
    .await;
    refused(
        &world,
        |r| r.ecus[0].hardware_id = String::new(),
        "ecus[0].hardware_id",
    )
    .await;
    refused(
        &world,
        |r| r.ecus[1].signing_key_pem = r.ecus[0].signing_key_pem.clone(),
        "ecus[1].signing_key_pem",
    )
    .await;
    refused(
        &world,
        |r| r.ecus[0].sealing_key_pem = Some("x".to_owned()),
        "ecus[0].sealing_key_pem",
    )
    .await;
    refused(
        &world,
        |r| {
            r.ecus[0].sealing_key_pem = None;
            r.ecus[0].require_sealed = true;
        },
        "ecus[0].sealing_key_pem",
    )
    .await;
    // One key for both purposes: P-256 serves either.
    refused(
        &world,
        |r| r.ecus[0].signing_key_pem = r.ecus[0].sealing_key_pem.clone().unwrap(),
        "one for each",
    )
    .await;
}

#[tokio::test]
async fn bodies_are_read_strictly() {
    let world = World::new().await;
    let mut body = serde_json::to_value(TestVehicle::new("v1").registration()).unwrap();
    body["colour"] = "red".into();
    let answer = world.operator(Method::POST, "/api/v1/vehicles", Some(body)).await;
    assert!(
        answer
            .problem(ProblemKind::Invalid)
            .detail
            .unwrap()
            .contains("colour")
    );
    let answer = world
        .operator(
            Method::POST,
            "/api/v1/vehicles",
            Some(serde_json::json!({"id": "x"})),
        )
        .await;
    assert!(
        answer
            .problem(ProblemKind::Invalid)
            .detail
            .unwrap()
            .contains("certificate_pem")
    );
}

#[tokio::test]
async fn demonstration_keys_are_refused_outside_of_a_demonstration() {
    let world = World::new().await;
    let public = include_str!("../../../keys-example/ecu/gateway.signing.pub.pem").to_owned();
    refused(
        &world,
        |r| r.ecus[0].signing_key_pem = public.clone(),
        "demonstration",
    )
    .await;
    let world = World::configured("demo = true").await;
    let mut registration = TestVehicle::new("v9").registration();
    registration.ecus[0].signing_key_pem = public;
    let body = serde_json::to_value(registration).unwrap();
    world
        .operator(Method::POST, "/api/v1/vehicles", Some(body))
        .await
        .ok();
}

#[tokio::test]
async fn lists_come_in_pages() {
    let world = World::new().await;
    for id in ["a", "b", "c"] {
        world.vehicle(id).await;
    }
    let page = |query: &'static str| async {
        let answer = world.operator(Method::GET, query, None).await.ok();
        serde_json::from_slice::<VehicleList>(&answer.body).unwrap()
    };
    let first = page("/api/v1/vehicles?limit=2").await;
    assert_eq!((first.vehicles.len(), first.next.as_deref()), (2, Some("b")));
    let last = page("/api/v1/vehicles?limit=2&after=b").await;
    assert_eq!((last.vehicles.len(), last.next), (1, None));
    let answer = world
        .operator(Method::GET, "/api/v1/vehicles?colour=red", None)
        .await;
    answer.problem(ProblemKind::MalformedRequest);
}

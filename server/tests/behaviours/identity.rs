//! Which certificates are let in, and for how long.

use crate::kit::{TestVehicle, World, certificate};
use axum::body::Body;
use http::{Method, Request};
use sealift_wire::ProblemKind;
use tower::ServiceExt;

#[tokio::test]
async fn without_a_certificate_nothing_is_served() {
    let world = World::new().await;
    let request = Request::get("/repo/timestamp.json").body(Body::empty()).unwrap();
    let response = world.vehicles.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 403);
}

#[tokio::test]
async fn exactly_one_vehicle_uri_is_accepted() {
    let world = World::new().await;
    for uris in [
        vec![],
        vec!["urn:sealift:vehicle:v1", "urn:sealift:vehicle:v2"],
        vec!["urn:sealift:vehicle:v1", "https://example.org/"],
        vec!["https://example.org/v1"],
        vec!["urn:sealift:vehicle:"],
        vec!["urn:sealift:vehicle:a/b"],
    ] {
        let vehicle = TestVehicle::with_certificate("v1", &certificate(&uris));
        world
            .get(&vehicle, "/repo/timestamp.json")
            .await
            .problem(ProblemKind::CertificateRefused);
        world.register(&vehicle).await.problem(ProblemKind::Invalid);
    }
}

#[tokio::test]
async fn the_key_counts_and_not_the_name() {
    let world = World::new().await;
    let genuine = world.vehicle("v1").await;
    world.get(&genuine, "/repo/timestamp.json").await.ok();
    // Another key under the same name, as a CA that errs would certify it.
    let forged = TestVehicle::new("v1");
    world
        .get(&forged, "/repo/timestamp.json")
        .await
        .problem(ProblemKind::CertificateRefused);
}

#[tokio::test]
async fn a_revocation_holds_from_the_next_request_on() {
    let world = World::new().await;
    let (one, other) = (world.vehicle("v1").await, world.vehicle("v2").await);
    world.get(&one, "/director/timestamp.json").await.ok();
    world
        .operator(Method::POST, "/api/v1/vehicles/v1/revoke", None)
        .await
        .ok();
    for path in [
        "/director/timestamp.json",
        "/repo/timestamp.json",
        "/repo/1.root.json",
    ] {
        world.get(&one, path).await.problem(ProblemKind::VehicleRevoked);
    }
    let manifest = one.plain_manifest(1, world.clock.now()).await;
    world
        .put_manifest(&one, manifest)
        .await
        .problem(ProblemKind::VehicleRevoked);
    world.get(&other, "/director/timestamp.json").await.ok();
    assert!(world.events(&one).await.contains(&"revoked".to_owned()));
}

//! Caps: too often, too much at once, too large.

use crate::kit::World;
use axum::body::Body;
use http::{Method, Request};
use jiff::SignedDuration;
use sealift_wire::ProblemKind;

#[tokio::test]
async fn a_vehicle_that_asks_too_often_is_told_when_to_come_back() {
    let mut world = World::configured("[limits]\nvehicle_requests_per_minute = 3").await;
    let (eager, calm) = (world.vehicle("v1").await, world.vehicle("v2").await);
    let image = world.publish_plain("a.img", b"0123456789", 1).await;
    for _ in 0..3 {
        world.get(&eager, "/director/timestamp.json").await.ok();
    }
    let answer = world.get(&eager, "/director/timestamp.json").await;
    answer.problem(ProblemKind::TooManyRequests);
    assert_eq!(answer.header("retry-after"), "20");
    world.get(&calm, "/director/timestamp.json").await.ok();
    // Ranges are not counted.
    for _ in 0..20 {
        let request = Request::get(image.url())
            .header("range", "bytes=1-2")
            .body(Body::empty())
            .unwrap();
        world.ask(&eager, request).await.ok();
    }
    world.clock.advance(SignedDuration::from_secs(20));
    world.get(&eager, "/director/timestamp.json").await.ok();
}

#[tokio::test]
async fn an_operator_that_asks_too_often_is_told_when_to_come_back() {
    let world = World::configured("[limits]\noperator_requests_per_minute = 2").await;
    for _ in 0..2 {
        world.operator(Method::GET, "/api/v1/vehicles", None).await.ok();
    }
    let answer = world.operator(Method::GET, "/api/v1/vehicles", None).await;
    answer.problem(ProblemKind::TooManyRequests);
    assert_eq!(answer.header("retry-after"), "30");
}

#[tokio::test]
async fn an_answer_counts_until_its_last_byte() {
    let mut world = World::configured("[limits]\nmax_requests_in_flight = 1").await;
    let vehicle = world.vehicle("v1").await;
    let image = world.publish_plain("a.img", b"0123456789", 1).await;
    let open = world
        .ask_open(&vehicle, Request::get(image.url()).body(Body::empty()).unwrap())
        .await;
    let answer = world.get(&vehicle, "/repo/timestamp.json").await;
    answer.problem(ProblemKind::Unavailable);
    assert!(!answer.header("retry-after").is_empty());
    drop(open);
    world.get(&vehicle, "/repo/timestamp.json").await.ok();
}

/// However many answers one vehicle leaves lying, the next vehicle is served.
#[tokio::test]
async fn one_vehicle_does_not_take_the_place_of_all() {
    let mut world = World::configured("[limits]\nmax_requests_in_flight = 100").await;
    let (greedy, calm) = (world.vehicle("v1").await, world.vehicle("v2").await);
    let image = world.publish_plain("a.img", b"0123456789", 1).await;
    let request = || Request::get(image.url()).body(Body::empty()).unwrap();
    let mut open = Vec::new();
    for _ in 0..100 {
        open.push(world.ask_open(&greedy, request()).await);
    }
    world.ask(&calm, request()).await.ok();
    let answer = world.ask(&greedy, request()).await;
    answer.problem(ProblemKind::TooManyRequests);
    assert!(!answer.header("retry-after").is_empty());
    // What is read to its end, or given up, makes room.
    drop(open);
    for _ in 0..100 {
        world.ask(&greedy, request()).await.ok();
    }
}

#[tokio::test]
async fn bodies_have_a_cap_and_a_type() {
    let world = World::new().await;
    let huge = serde_json::json!({"target": "x".repeat(1024 * 1024)});
    let path = "/api/v1/vehicles/v1/ecus/e/assignment";
    world
        .operator(Method::PUT, path, Some(huge))
        .await
        .problem(ProblemKind::BodyTooLarge);
    let vehicle = world.vehicle("v1").await;
    let request = Request::put("/director/manifest").body(Body::from("{}")).unwrap();
    world
        .ask(&vehicle, request)
        .await
        .problem(ProblemKind::UnsupportedMediaType);
}

#[tokio::test]
async fn answers_carry_headers_that_close_doors() {
    let world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let answer = world.get(&vehicle, "/repo/timestamp.json").await.ok();
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.header("strict-transport-security").starts_with("max-age="));
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let world = World::configured("[limits]\nbody_timeout = '1s'").await;
    let vehicle = world.vehicle("v1").await;
    let never = futures::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
    let request = Request::put("/director/manifest").header("content-type", "application/json");
    let answer = world
        .ask(&vehicle, request.body(Body::from_stream(never)).unwrap())
        .await;
    answer.problem(ProblemKind::RequestTimeout);
}

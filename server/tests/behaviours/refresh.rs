//! The Image repository's snapshot and timestamp stay fresh.

use crate::kit::World;
use http::Method;
use jiff::SignedDuration;
use sealift_wire::ProblemKind;

fn version(world: &World) -> u64 {
    let bytes = std::fs::read(world.dir.path().join("data/repository/repo/timestamp.json")).unwrap();
    serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()["signed"]["version"]
        .as_u64()
        .unwrap()
}

#[tokio::test]
async fn an_operator_can_have_them_signed_at_once() {
    let world = World::new().await;
    let before = version(&world);
    world
        .operator(Method::POST, "/api/v1/repository/refresh", None)
        .await
        .ok();
    assert!(version(&world) > before);
}

#[tokio::test]
async fn they_are_signed_when_half_their_life_is_over() {
    let world = World::new().await;
    let before = version(&world);
    assert!(!world.parts.stage.refresh_due(world.clock.now()).await.unwrap());
    world.clock.advance(SignedDuration::from_hours(13));
    assert!(world.parts.stage.refresh_due(world.clock.now()).await.unwrap());
    assert!(version(&world) > before);
    // Even what has expired is mended.
    world.clock.advance(SignedDuration::from_hours(24 * 30));
    assert!(world.parts.stage.refresh_due(world.clock.now()).await.unwrap());
}

#[tokio::test]
async fn without_keys_it_is_said_who_can() {
    let more = "[repository]\nroot = 'image-root.json'\n[director]\nroot = 'director/1.root.json'\n\
        targets_key = 'director/director-targets.pem'\nsnapshot_key = 'director/director-snapshot.pem'\n\
        timestamp_key = 'director/director-timestamp.pem'";
    let world = World::configured(more).await;
    let problem = world
        .operator(Method::POST, "/api/v1/repository/refresh", None)
        .await
        .problem(ProblemKind::Conflict);
    assert!(problem.next.unwrap().contains("sealift repo refresh"));
    assert!(!world.parts.stage.refresh_due(world.clock.now()).await.unwrap());
}

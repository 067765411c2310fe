//! Operator tokens.

use crate::kit::{TestRng, World};
use http::Method;
use jiff::SignedDuration;
use sealift_server::ambient::Entropy;
use sealift_server::db::Inventory;
use sealift_server::stage::NewToken;
use sealift_wire::{ProblemKind, Scope};

async fn token(world: &World, scopes: &[Scope], hours: i64) -> NewToken {
    let taken = world.parts.db.tokens().await.unwrap().len();
    let entropy = Entropy::new(TestRng::new(&format!("token {taken}")));
    let lifetime = SignedDuration::from_hours(hours);
    NewToken::create(
        &world.parts.db,
        &entropy,
        "ci",
        scopes,
        lifetime,
        world.clock.now(),
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn no_token_and_a_wrong_one_are_401_alike() {
    let world = World::new().await;
    let good = token(&world, &[Scope::VehiclesRead], 1).await;
    let mut wrong = good.text.to_string();
    let last = wrong.pop().unwrap();
    // The last digit of the encoding carries two bits only; the one before carries six.
    let other = if wrong.pop() == Some('A') { 'B' } else { 'A' };
    wrong.extend([other, last]);
    for text in ["", "x", "sealift_", "sealift_ab.cd", &wrong, &"a".repeat(5000)] {
        let answer = world
            .operator_as(text, Method::GET, "/api/v1/vehicles", None)
            .await;
        answer.problem(ProblemKind::Unauthenticated);
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{text}");
    }
    world
        .operator_as(&good.text, Method::GET, "/api/v1/vehicles", None)
        .await
        .ok();
}

/// U-5.3.1-3: nothing is changed without leave.
#[tokio::test]
async fn every_call_needs_its_scope_and_says_which() {
    let world = World::new().await;
    let calls = [
        (Method::GET, "/api/v1/vehicles", Scope::VehiclesRead),
        (Method::GET, "/api/v1/vehicles/v1", Scope::VehiclesRead),
        (
            Method::GET,
            "/api/v1/vehicles/v1/director/timestamp.json",
            Scope::VehiclesRead,
        ),
        (Method::GET, "/api/v1/director/roots/1", Scope::VehiclesRead),
        (Method::POST, "/api/v1/vehicles", Scope::VehiclesWrite),
        (Method::POST, "/api/v1/vehicles/v1/revoke", Scope::VehiclesWrite),
        (
            Method::PUT,
            "/api/v1/vehicles/v1/ecus/e/assignment",
            Scope::AssignmentsWrite,
        ),
        (
            Method::DELETE,
            "/api/v1/vehicles/v1/ecus/e/assignment",
            Scope::AssignmentsWrite,
        ),
        (
            Method::POST,
            "/api/v1/repository/refresh",
            Scope::RepositoryRefresh,
        ),
    ];
    for (method, path, scope) in calls {
        let others: Vec<_> = Scope::ALL.into_iter().filter(|other| *other != scope).collect();
        let lacking = token(&world, &others, 1).await.text;
        let answer = world.operator_as(&lacking, method.clone(), path, None).await;
        let problem = answer.problem(ProblemKind::MissingScope);
        assert!(problem.detail.unwrap().contains(scope.name()), "{method} {path}");
    }
}

#[tokio::test]
async fn tokens_end() {
    let world = World::new().await;
    let short = token(&world, &[Scope::VehiclesRead], 1).await;
    let long = token(&world, &[Scope::VehiclesRead, Scope::VehiclesWrite], 1000).await;
    world.clock.advance(SignedDuration::from_hours(1));
    let answer = world
        .operator_as(&short.text, Method::GET, "/api/v1/vehicles", None)
        .await;
    answer.problem(ProblemKind::Unauthenticated);
    world
        .operator_as(&long.text, Method::GET, "/api/v1/vehicles", None)
        .await
        .ok();
    world
        .parts
        .db
        .revoke_token(&long.id, world.clock.now())
        .await
        .unwrap();
    let answer = world
        .operator_as(&long.text, Method::GET, "/api/v1/vehicles", None)
        .await;
    answer.problem(ProblemKind::Unauthenticated);
}

#[tokio::test]
async fn the_inventory_holds_no_secret() {
    let world = World::new().await;
    let made = token(&world, &[Scope::VehiclesRead], 1).await;
    let row = world.parts.db.token(&made.id).await.unwrap().unwrap();
    let secret = made.text.rsplit('.').next().unwrap();
    assert!(!format!("{row:?} {made:?}").contains(secret));
    assert_eq!(row.hash.len(), 32);
}

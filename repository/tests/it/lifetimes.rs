//! Expiry, and keeping the online documents alive.

use sealift_repository::{Due, PublishError};

use crate::kit::{World, later, memory, start};

const DAY: i64 = 24;

#[tokio::test]
async fn a_refresh_signs_what_is_due_and_nothing_else() {
    let world = World::new(memory()).await;
    let mut publisher = world.publisher();
    publisher
        .publish(&vec![world.target("a.img", b"a").await], start())
        .await
        .unwrap();
    let third = Due::WhenLeft { percent: 33 };

    assert!(
        !publisher.refresh(third, later(12)).await.unwrap().changed,
        "half a day is left"
    );
    let once = publisher.refresh(third, later(17)).await.unwrap();
    assert!(once.changed);
    let snapshot = once.repository.snapshot().version();
    let targets = once.repository.targets().version();
    assert_eq!(once.repository.timestamp().expires(), later(17 + DAY).instant());

    let again = publisher.refresh(Due::Now, later(18)).await.unwrap().repository;
    assert!(
        again.snapshot().version() > snapshot,
        "asked for now, both are signed"
    );
    assert_eq!(again.targets().version(), targets, "targets never are");

    let week = publisher.refresh(third, later(6 * DAY)).await.unwrap().repository;
    assert_eq!(week.snapshot().expires(), later(13 * DAY).instant());
    assert_eq!(world.targets(later(6 * DAY)).await, ["a.img"]);
}

#[tokio::test]
async fn versions_of_online_roles_follow_the_clock() {
    let world = World::new(memory()).await;
    let refreshed = world
        .publisher()
        .refresh(Due::Now, later(0))
        .await
        .unwrap()
        .repository;
    let minutes = u64::try_from(start().instant().as_second() / 60).unwrap();
    assert_eq!(
        (refreshed.snapshot().version(), refreshed.timestamp().version()),
        (minutes, minutes)
    );
    let same_minute = world
        .publisher()
        .refresh(Due::Now, later(0))
        .await
        .unwrap()
        .repository;
    assert_eq!(same_minute.timestamp().version(), minutes + 1);
}

#[tokio::test]
async fn what_expired_long_ago_is_brought_back_by_publishing() {
    let world = World::new(memory()).await;
    let mut publisher = world.publisher();
    publisher
        .publish(&vec![world.target("a.img", b"a").await], start())
        .await
        .unwrap();
    let late = later(400 * DAY);
    assert!(
        world.seen(late).await.is_err(),
        "everything but the root has expired"
    );
    let refused = publisher.refresh(Due::Now, late).await.unwrap_err();
    assert!(
        matches!(refused, PublishError::Unacceptable(_)),
        "online keys cannot bring targets back: {refused}"
    );
    publisher
        .publish(&vec![world.target("b.img", b"b").await], late)
        .await
        .unwrap();
    assert_eq!(world.targets(late).await, ["a.img", "b.img"]);
}

#[tokio::test]
async fn under_an_expired_root_nothing_is_signed() {
    let world = World::new(memory()).await;
    let late = later(800 * DAY);
    let refused = world.publisher().refresh(Due::Now, late).await.unwrap_err();
    assert!(
        matches!(refused, PublishError::RootExpired { version: 1, .. }),
        "{refused}"
    );
}

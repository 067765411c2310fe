//! Publishers that die, or lose an answer, at every single store operation.

use sealift_metadata::authoring::RootDraft;
use sealift_metadata::document::Document;
use sealift_metadata::root::{RoleName, Root};
use sealift_repository::{Due, Store};

use crate::kit::faulty::{Fault, faulty};
use crate::kit::{World, disk, key, later, memory};

/// Runs `act` against a store that breaks at operation 0, 1, 2 …, each time in a fresh world, until it no longer strikes.
pub(crate) async fn at_every_operation(
    fresh: impl AsyncFn() -> World,
    act: impl AsyncFn(&World, &Store) -> bool,
    check: impl AsyncFn(&World, bool, &str),
) {
    for fault in Fault::ALL {
        for step in 0.. {
            let world = fresh().await;
            let (broken, trigger) = faulty(&world.store, step, fault);
            let succeeded = act(&world, &broken).await;
            let label = format!("{fault:?} at operation {step}");
            check(&world, succeeded, &label).await;
            if !trigger.struck() {
                assert!(succeeded, "{label}: nothing struck");
                assert!(step > 5, "there are more operations than that");
                break;
            }
        }
    }
}

async fn published() -> World {
    let world = World::new(memory()).await;
    world
        .publisher()
        .publish(&vec![world.target("a.img", b"a").await], later(0))
        .await
        .unwrap();
    world
}

/// Whatever happened, the repository is accepted and the next publisher carries on.
pub(crate) async fn carries_on(world: &World, label: &str) {
    let before = world.targets(later(2)).await;
    let next = vec![world.target("next.img", b"next").await];
    world
        .publisher()
        .publish(&next, later(2))
        .await
        .unwrap_or_else(|e| panic!("{label}: {e}"));
    let after = world.targets(later(2)).await;
    assert!(after.contains(&"next.img".to_owned()), "{label}");
    assert!(
        before.iter().all(|target| after.contains(target)),
        "{label}: nothing is lost"
    );
}

async fn publish_survives(fresh: impl AsyncFn() -> World) {
    at_every_operation(
        fresh,
        async |world, broken| {
            let change = vec![world.target("b.img", b"b").await];
            world
                .publisher_in(broken)
                .publish(&change, later(1))
                .await
                .is_ok()
        },
        async |world, succeeded, label| {
            let seen = world.targets(later(1)).await;
            assert!(seen.contains(&"a.img".to_owned()), "{label}");
            assert!(
                !succeeded || seen.contains(&"b.img".to_owned()),
                "{label}: a reported success is real"
            );
            carries_on(world, label).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_publish_is_all_or_nothing() {
    publish_survives(published).await;
}

#[tokio::test]
async fn a_publish_is_all_or_nothing_on_disk() {
    let folders = std::sync::Mutex::new(Vec::new());
    publish_survives(async || {
        let (folder, store) = disk();
        folders.lock().unwrap().push(folder);
        let world = World::new(store).await;
        world
            .publisher()
            .publish(&vec![world.target("a.img", b"a").await], later(0))
            .await
            .unwrap();
        world
    })
    .await;
}

#[tokio::test]
async fn a_refresh_is_all_or_nothing() {
    at_every_operation(
        published,
        async |world, broken| {
            world
                .publisher_in(broken)
                .refresh(Due::Now, later(1))
                .await
                .is_ok()
        },
        async |world, _, label| {
            assert_eq!(world.targets(later(1)).await, ["a.img"], "{label}");
            world.publisher().refresh(Due::Now, later(1)).await.unwrap();
            carries_on(world, label).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_broken_init_is_run_again() {
    at_every_operation(
        async || World::empty(memory()).await,
        async |world, broken| world.init_in(broken).await.is_ok(),
        async |world, succeeded, label| {
            if world.seen(later(0)).await.is_err() {
                assert!(!succeeded, "{label}");
                world
                    .init_in(&world.store)
                    .await
                    .unwrap_or_else(|e| panic!("{label}: {e}"));
            }
            carries_on(world, label).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_broken_rotation_is_run_again() {
    at_every_operation(
        async || {
            let mut world = published().await;
            world.signers.targets.push(key(12));
            world.signers.snapshot.push(key(13));
            world.signers.timestamp.push(key(14));
            world
        },
        async |world, broken| {
            world
                .publisher_in(broken)
                .publish_root(&rotated(world).await, &[], later(1))
                .await
                .is_ok()
        },
        async |world, succeeded, label| {
            assert_eq!(world.targets(later(1)).await, ["a.img"], "{label}");
            let again = world
                .publisher()
                .publish_root(&rotated(world).await, &[], later(1))
                .await;
            let again = again.unwrap_or_else(|e| panic!("{label}: {e}"));
            assert!(
                !succeeded || !again.changed,
                "{label}: a reported success is real"
            );
            carries_on(world, label).await;
        },
    )
    .await;
}

/// One publish that breaks at one operation, in a way that depends on its number. Says whether there was such an operation.
pub(crate) async fn publish_broken_at(store: Store, step: u64) -> bool {
    let world = World::new(store).await;
    let fault = Fault::ALL[usize::try_from(step % 4).unwrap()];
    let (broken, trigger) = faulty(&world.store, step, fault);
    let change = vec![world.target("b.img", b"b").await];
    let succeeded = world
        .publisher_in(&broken)
        .publish(&change, later(1))
        .await
        .is_ok();
    assert!(!succeeded || world.targets(later(1)).await == ["b.img"]);
    carries_on(&world, &format!("{fault:?} at operation {step}")).await;
    trigger.struck()
}

/// Root 2 with new keys for the other three roles.
pub(crate) async fn rotated(world: &World) -> Vec<u8> {
    let first = Document::<Root>::parse(&world.root).unwrap();
    let mut draft = RootDraft::next(&first, "2030-01-01T00:00:00Z".parse().unwrap());
    for (role, n) in [
        (RoleName::Targets, 12),
        (RoleName::Snapshot, 13),
        (RoleName::Timestamp, 14),
    ] {
        draft.set_role(role, &[key(n).public().clone()], 1).unwrap();
    }
    draft
        .finish()
        .unwrap()
        .sign_some(&[key(1).as_ref()])
        .await
        .unwrap()
}

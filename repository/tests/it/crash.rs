//! Sweeps over store operations for what has rules of its own; whatever has not is in [`crate::matrix`].

use sealift_metadata::authoring::RootDraft;
use sealift_metadata::document::Document;
use sealift_metadata::root::{RoleName, Root};
use sealift_repository::Store;

use crate::kit::faulty::{Fault, faulty};
use crate::kit::{World, key, later};

/// Runs `act` against a store that breaks at operation 0, 1, 2 …, each time in a fresh world, until it no longer strikes.
pub(crate) async fn at_every_operation(
    fresh: impl AsyncFn() -> World,
    act: impl AsyncFn(&World, &Store) -> bool,
    check: impl AsyncFn(&World, bool, &str),
) {
    for fault in Fault::ANYWHERE {
        for step in 0.. {
            let world = fresh().await;
            let (broken, trigger) = faulty(&world.store, step, fault);
            let succeeded = act(&world, &broken).await;
            let label = format!("{fault:?} at operation {step}");
            check(&world, succeeded, &label).await;
            if !trigger.reached() {
                assert!(succeeded, "{label}: nothing struck");
                assert!(step > 5, "there are more operations than that");
                break;
            }
        }
    }
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

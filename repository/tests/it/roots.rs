//! New roots.

use std::sync::Arc;

use sealift_metadata::authoring::RootDraft;
use sealift_metadata::document::Document;
use sealift_metadata::root::{RoleName, Root};
use sealift_metadata::signer::Signer;
use sealift_repository::{Due, PublishError, paths};

use crate::crash::{at_every_operation, carries_on, rotated};
use crate::kit::people::signed_targets;
use crate::kit::{World, key, later, memory};

/// The root after `previous`, with other keys for some roles, signed by root key 1.
async fn next(previous: &[u8], changes: &[(RoleName, Arc<dyn Signer>)], expires: &str) -> Vec<u8> {
    let previous = Document::<Root>::parse(previous).unwrap();
    let mut draft = RootDraft::next(&previous, expires.parse().unwrap());
    for (role, signer) in changes {
        draft.set_role(*role, &[signer.public().clone()], 1).unwrap();
    }
    draft
        .finish()
        .unwrap()
        .sign_some(&[key(1).as_ref()])
        .await
        .unwrap()
}

#[tokio::test]
async fn a_renewed_root_with_the_same_keys_changes_one_file() {
    let world = World::new(memory()).await;
    let mut publisher = world.publisher();
    let before = world.file("timestamp.json").await;
    let root = next(&world.root, &[], "2030-01-01T00:00:00Z").await;
    let published = publisher.publish_root(&root, &[], later(1)).await.unwrap();
    assert_eq!(published.repository.root().version(), 2);
    assert_eq!(world.file("timestamp.json").await, before);
    assert!(
        !publisher
            .publish_root(&root, &[], later(1))
            .await
            .unwrap()
            .changed,
        "the same root once more"
    );
    let other = next(&world.root, &[], "2031-01-01T00:00:00Z").await;
    assert!(matches!(
        publisher.publish_root(&other, &[], later(1)).await,
        Err(PublishError::RootTaken { version: 2 })
    ));
}

#[tokio::test]
async fn every_top_level_key_rotates_and_clients_old_and_new_follow() {
    let mut world = World::new(memory()).await;
    let add = vec![world.target("a.img", b"a").await];
    world.publisher().publish(&add, later(1)).await.unwrap();
    let changes = [
        (RoleName::Targets, key(12)),
        (RoleName::Snapshot, key(13)),
        (RoleName::Timestamp, key(14)),
    ];
    let root = next(&world.root, &changes, "2030-01-01T00:00:00Z").await;

    let refused = world
        .publisher()
        .publish_root(&root, &[], later(2))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, PublishError::Unacceptable(_)),
        "without the new keys: {refused}"
    );
    assert!(world.file("2.root.json").await.is_none());
    assert_eq!(world.targets(later(2)).await, ["a.img"]);

    let new = (key(12), key(13), key(14));
    world.signers.targets.push(new.0.clone());
    world.signers.snapshot.push(new.1.clone());
    world.signers.timestamp.push(new.2.clone());
    world
        .publisher()
        .publish_root(&root, &[], later(2))
        .await
        .unwrap();
    assert_eq!(world.targets(later(2)).await, ["a.img"]);

    world.signers.targets = vec![new.0];
    world.signers.snapshot = vec![new.1];
    world.signers.timestamp = vec![new.2];
    world
        .publisher()
        .publish(&vec![world.target("b.img", b"b").await], later(3))
        .await
        .unwrap();
    assert_eq!(
        world.targets(later(3)).await,
        ["a.img", "b.img"],
        "from the first root on"
    );
}

/// A repository with one target, and root 2 with new keys for the three lower roles. Whoever publishes has the old and the
/// new keys of Snapshot and Timestamp, and no Targets key.
async fn targets_key_offline() -> (World, Vec<u8>) {
    let mut world = World::new(memory()).await;
    let add = vec![world.target("a.img", b"a").await];
    world.publisher().publish(&add, later(1)).await.unwrap();
    let root = rotated(&world).await;
    world.signers.snapshot.push(key(13));
    world.signers.timestamp.push(key(14));
    world.signers.targets.clear();
    (world, root)
}

#[tokio::test]
async fn a_targets_key_that_is_offline_rotates_with_targets_signed_by_people() {
    let (mut world, root) = targets_key_offline().await;
    let refused = world.publisher().publish_root(&root, &[], later(1)).await;
    assert!(
        matches!(refused, Err(PublishError::NoSigner { role: "targets" })),
        "{refused:?}"
    );
    let add = world.target("b.img", b"b").await;
    let targets = world.draft(&[add], &[2, 12]).await;
    let with = [targets.clone()];
    let mut publisher = world.publisher();
    let published = publisher.publish_root(&root, &with, later(1)).await.unwrap();
    assert_eq!(published.repository.root().version(), 2);
    assert_eq!(world.file("3.targets.json").await, Some(targets));
    assert_eq!(world.targets(later(1)).await, ["a.img", "b.img"]);
    let again = publisher.publish_root(&root, &with, later(1)).await.unwrap();
    assert!(!again.changed);

    world.signers.targets = vec![key(12)];
    let more = vec![world.target("c.img", b"c").await];
    world.publisher().publish(&more, later(2)).await.unwrap();
    assert_eq!(world.targets(later(2)).await, ["a.img", "b.img", "c.img"]);
}

#[tokio::test]
async fn targets_for_a_rotation_need_the_old_and_the_new_keys() {
    let (world, root) = targets_key_offline().await;
    let before = world.file("timestamp.json").await;
    for keys in [[2].as_slice(), &[12]] {
        let with = [world.draft(&[], keys).await];
        let refused = world.publisher().publish_root(&root, &with, later(1)).await;
        assert!(
            matches!(refused, Err(PublishError::BadDraft { .. })),
            "{keys:?}: {refused:?}"
        );
    }
    let both = world.draft(&[], &[2, 12]).await;
    let refused = world
        .publisher()
        .publish_root(&root, &[both.clone(), both], later(1))
        .await;
    assert!(
        matches!(refused, Err(PublishError::NotOneDraft { found: 2 })),
        "{refused:?}"
    );
    assert_eq!(world.file("timestamp.json").await, before);
    assert!(world.file("2.root.json").await.is_none());
    assert!(world.file("3.targets.json").await.is_none());
}

#[tokio::test]
async fn targets_that_stay_good_are_not_signed_again_for_a_new_root() {
    let (world, _) = targets_key_offline().await;
    let changes = [(RoleName::Snapshot, key(13)), (RoleName::Timestamp, key(14))];
    let root = next(&world.root, &changes, "2030-01-01T00:00:00Z").await;
    let published = world
        .publisher()
        .publish_root(&root, &[], later(1))
        .await
        .unwrap();
    assert_eq!(published.repository.root().version(), 2);
    assert_eq!(published.repository.targets().version(), 2, "as before");
    assert_eq!(world.targets(later(1)).await, ["a.img"]);
}

#[tokio::test]
async fn a_rotation_with_targets_from_people_is_run_again_wherever_it_broke() {
    // Drafted over the first Targets, so that it can be made again at any moment.
    let with = async |world: &World| {
        let base = world.file("1.targets.json").await.unwrap();
        let base = Document::parse(&base).unwrap();
        [signed_targets(Some(&base), &[], &[2, 12], "2027-06-01T00:00:00Z").await]
    };
    at_every_operation(
        async || {
            let mut world = World::new(memory()).await;
            world.signers.targets.push(key(12));
            world.signers.snapshot.push(key(13));
            world.signers.timestamp.push(key(14));
            world
        },
        async |world, broken| {
            let mut publisher = world.without_targets_key().publisher_in(broken);
            let root = rotated(world).await;
            publisher
                .publish_root(&root, &with(world).await, later(1))
                .await
                .is_ok()
        },
        async |world, succeeded, label| {
            let with = with(world).await;
            let mut publisher = world.without_targets_key().publisher();
            let root = rotated(world).await;
            let again = publisher.publish_root(&root, &with, later(1)).await;
            let again = again.unwrap_or_else(|e| panic!("{label}: {e}"));
            assert!(
                !succeeded || !again.changed,
                "{label}: a reported success is real"
            );
            assert_eq!(
                world.file("2.targets.json").await.as_ref(),
                Some(&with[0]),
                "{label}"
            );
            carries_on(world, label).await;
        },
    )
    .await;
}

#[tokio::test]
async fn an_expired_root_is_renewed() {
    let world = World::new(memory()).await;
    let mut publisher = world.publisher();
    let late = later(24 * 800);
    assert!(matches!(
        publisher.refresh(Due::Now, late).await,
        Err(PublishError::RootExpired { .. })
    ));
    let root = next(&world.root, &[], "2032-01-01T00:00:00Z").await;
    publisher.publish_root(&root, &[], late).await.unwrap();
    assert!(world.seen(late).await.is_ok());
}

#[tokio::test]
async fn a_wrong_root_is_never_published() {
    let world = World::new(memory()).await;
    let mut publisher = world.publisher();
    let good = next(&world.root, &[], "2030-01-01T00:00:00Z").await;
    let skipping = next(&good, &[], "2031-01-01T00:00:00Z").await;
    let not_next = publisher.publish_root(&skipping, &[], later(1)).await;
    assert!(matches!(
        not_next,
        Err(PublishError::NotNextRoot { expected: 2, .. })
    ));
    assert!(matches!(
        publisher.publish_root(b"{}", &[], later(1)).await,
        Err(PublishError::NotNextRoot { .. })
    ));
    let forged = String::from_utf8(good).unwrap().replace("2030-01", "2031-01");
    let refused = publisher
        .publish_root(forged.as_bytes(), &[], later(1))
        .await
        .unwrap_err();
    assert!(matches!(refused, PublishError::Unacceptable(_)), "{refused}");
    let expired = next(&world.root, &[], "2026-01-01T00:00:00Z").await;
    assert!(matches!(
        publisher.publish_root(&expired, &[], later(1)).await,
        Err(PublishError::Unacceptable(_))
    ));
    assert!(world.file("2.root.json").await.is_none());
}

#[tokio::test]
async fn garbage_in_the_place_of_the_next_root_is_quarantined() {
    let world = World::new(memory()).await;
    let mut publisher = world.publisher();
    assert_eq!(publisher.quarantine_bad_root(later(1)).await.unwrap(), None);
    world
        .store
        .create(&paths::metadata("2.root.json").unwrap(), "garbage")
        .await
        .unwrap();
    assert!(world.seen(later(1)).await.is_err(), "clients stop at it");
    assert!(matches!(
        publisher.refresh(Due::Now, later(1)).await,
        Err(PublishError::Untrusted(_))
    ));
    assert_eq!(
        publisher.quarantine_bad_root(later(1)).await.unwrap().as_deref(),
        Some("2.root.json")
    );
    assert!(world.seen(later(1)).await.is_ok());
    let root = next(&world.root, &[], "2030-01-01T00:00:00Z").await;
    publisher.publish_root(&root, &[], later(1)).await.unwrap();
}

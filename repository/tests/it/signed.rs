//! Documents that people signed: published as they are, or not at all.

use futures::TryStreamExt;
use sealift_metadata::authoring::AuthoringError;
use sealift_metadata::document::Document;
use sealift_metadata::targets::Targets;
use sealift_repository::{Due, InitError, Lifetimes, Operation, PublishError, Publisher, Store, paths};

use crate::crash::{at_every_operation, carries_on};
use crate::kit::people::{Distracted, signed_targets};
use crate::kit::{World, key, later, memory, start, target_file};

async fn file_count(store: &Store) -> usize {
    let all: Vec<_> = store.list(&paths::public_folder()).try_collect().await.unwrap();
    all.len()
}

/// A repository, and a document for it that lists `a.img`, signed by people.
async fn drafted() -> (World, Vec<u8>) {
    let world = World::new(memory()).await;
    let add = world.target("a.img", b"a").await;
    let draft = world.draft(&[add], &[2]).await;
    (world, draft)
}

#[tokio::test]
async fn what_people_signed_is_published_as_it_is_without_their_key() {
    let (world, draft) = drafted().await;
    let mut publisher = world.without_targets_key().publisher();
    let published = publisher
        .publish_signed(std::slice::from_ref(&draft), later(1))
        .await
        .unwrap();
    assert!(published.changed);
    assert_eq!(world.file("2.targets.json").await.as_ref(), Some(&draft));
    assert_eq!(world.targets(later(1)).await, ["a.img"]);

    let files = file_count(&world.store).await;
    let again = publisher.publish_signed(&[draft], later(2)).await.unwrap();
    assert!(!again.changed, "the same once more");
    assert_eq!(file_count(&world.store).await, files, "and nothing is written");
}

#[tokio::test]
async fn a_draft_that_others_overtook_is_stale() {
    let (world, draft) = drafted().await;
    let other = vec![world.target("b.img", b"b").await];
    world.publisher().publish(&other, later(1)).await.unwrap();
    let stale = |result| {
        let Err(PublishError::StaleDraft { signed_over, current }) = result else {
            panic!("{result:?}")
        };
        (signed_over, current)
    };
    let mut publisher = world.publisher();
    let refused = publisher
        .publish_signed(std::slice::from_ref(&draft), later(1))
        .await;
    assert_eq!(stale(refused), (1, 2));
    assert_eq!(world.targets(later(1)).await, ["b.img"]);

    // The version after the next follows something that is not there.
    let seen = world.seen(later(1)).await.unwrap();
    let next = world.draft(&[], &[2]).await;
    let next = Document::parse(&next).unwrap();
    let after_next = signed_targets(Some(&next), &[], &[2], "2027-06-01T00:00:00Z").await;
    let refused = publisher.publish_signed(&[after_next], later(1)).await;
    assert_eq!(stale(refused), (3, seen.targets().version()));
}

#[tokio::test]
async fn of_two_drafts_at_once_one_is_stale() {
    let (mut world, one) = drafted().await;
    let add = world.target("b.img", b"b").await;
    let two = world.draft(&[add], &[2]).await;
    // While the first is about to sign its timestamp, the second is published whole.
    let other = world.clone();
    let second = async move {
        other.publisher().publish_signed(&[two], later(1)).await.unwrap();
    };
    world.signers.timestamp = vec![Distracted::key(key(4), second)];
    let refused = world.publisher().publish_signed(&[one], later(1)).await;
    assert!(
        matches!(
            refused,
            Err(PublishError::StaleDraft {
                signed_over: 1,
                current: 2
            })
        ),
        "{refused:?}"
    );
    assert_eq!(world.targets(later(1)).await, ["b.img"]);
}

#[tokio::test]
async fn of_two_who_publish_one_draft_both_succeed() {
    let (mut world, draft) = drafted().await;
    let (other, same) = (world.clone(), draft.clone());
    let second = async move {
        other.publisher().publish_signed(&[same], later(1)).await.unwrap();
    };
    world.signers.timestamp = vec![Distracted::key(key(4), second)];
    let published = world
        .publisher()
        .publish_signed(&[draft], later(1))
        .await
        .unwrap();
    assert!(!published.changed, "the other one did it");
    assert_eq!(published.overtaken, 1);
    assert_eq!(world.targets(later(1)).await, ["a.img"]);
}

#[tokio::test]
async fn a_refresh_in_between_costs_two_signatures_and_not_the_draft() {
    let (mut world, draft) = drafted().await;
    let other = world.clone();
    let refresh = async move {
        other.publisher().refresh(Due::Now, later(1)).await.unwrap();
    };
    world.signers.timestamp = vec![Distracted::key(key(4), refresh)];
    let mut publisher = world.without_targets_key().publisher();
    let published = publisher
        .publish_signed(std::slice::from_ref(&draft), later(1))
        .await
        .unwrap();
    assert_eq!((published.changed, published.overtaken), (true, 1));
    assert_eq!(published.repository.targets().version(), 2);
    assert_eq!(world.file("2.targets.json").await, Some(draft));
    assert!(world.file("3.targets.json").await.is_none());
}

#[tokio::test]
async fn what_is_left_of_the_same_draft_is_adopted_and_of_another_is_not() {
    let (world, draft) = drafted().await;
    let path = paths::metadata("2.targets.json").unwrap();
    let leftover = world.draft(&[], &[2]).await;
    world.store.create(&path, leftover.clone()).await.unwrap();
    let mut publisher = world.publisher();
    let refused = publisher
        .publish_signed(std::slice::from_ref(&draft), later(1))
        .await;
    assert!(
        matches!(&refused, Err(PublishError::VersionTaken { name }) if name == "2.targets.json"),
        "{refused:?}"
    );
    assert!(world.targets(later(1)).await.is_empty());

    publisher.publish_signed(&[leftover], later(1)).await.unwrap();
    assert_eq!(world.seen(later(1)).await.unwrap().targets().version(), 2);
    let refused = publisher.publish_signed(&[draft], later(1)).await;
    assert!(
        matches!(refused, Err(PublishError::StaleDraft { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_draft_that_clients_would_refuse_leaves_no_trace() {
    let (world, good) = drafted().await;
    let before = file_count(&world.store).await;
    let mut publisher = world.without_targets_key().publisher();
    let seen = world.seen(later(1)).await.unwrap();

    let foreign = world.draft(&[], &[9]).await;
    let altered = String::from_utf8(good.clone())
        .unwrap()
        .replace("2027-06", "2027-07");
    for (what, draft) in [
        ("another key", foreign),
        ("altered", altered.into_bytes()),
        ("no JSON", b"draft".to_vec()),
        ("another role", world.root.clone()),
    ] {
        let refused = publisher.publish_signed(&[draft], later(1)).await;
        assert!(
            matches!(refused, Err(PublishError::BadDraft { role: "targets", .. })),
            "{what}: {refused:?}"
        );
    }
    let expired = signed_targets(Some(seen.targets()), &[], &[2], "2026-05-01T00:00:00Z").await;
    let refused = publisher.publish_signed(&[expired], later(1)).await;
    assert!(
        matches!(refused, Err(PublishError::ExpiredDraft { version: 2, .. })),
        "{refused:?}"
    );
    let (path, file) = target_file("absent.img", b"absent");
    let absent = Operation::Add { path, file };
    let absent = world.draft(&[absent], &[2]).await;
    let refused = publisher.publish_signed(&[absent], later(1)).await;
    assert!(
        matches!(refused, Err(PublishError::MissingObject { .. })),
        "{refused:?}"
    );
    for documents in [vec![], vec![good.clone(), good.clone()]] {
        let refused = publisher.publish_signed(&documents, later(1)).await;
        assert!(
            matches!(refused, Err(PublishError::NotOneDraft { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(file_count(&world.store).await, before);
    publisher.publish_signed(&[good], later(1)).await.unwrap();
}

#[tokio::test]
async fn a_draft_is_not_stored_before_the_rest_is_known_to_be_good() {
    let (world, draft) = drafted().await;
    let mut without = world.clone();
    without.signers.timestamp = vec![key(9)];
    let refused = without.publisher().publish_signed(&[draft], later(1)).await;
    assert!(matches!(refused, Err(PublishError::Sign { .. })), "{refused:?}");
    assert!(
        world.file("2.targets.json").await.is_none(),
        "its name stays free for another draft"
    );
}

#[tokio::test]
async fn a_draft_is_published_at_whatever_operation_it_broke() {
    let fresh = async || {
        let world = World::new(memory()).await;
        world.target("b.img", b"b").await;
        world
    };
    let draft = async |world: &World| {
        let add = world.target("b.img", b"b").await;
        signed_targets(
            Some(&first_targets(world).await),
            &[add],
            &[2],
            "2027-06-01T00:00:00Z",
        )
        .await
    };
    at_every_operation(
        fresh,
        async |world, broken| {
            let draft = draft(world).await;
            let mut publisher = world.without_targets_key().publisher_in(broken);
            publisher.publish_signed(&[draft], later(1)).await.is_ok()
        },
        async |world, succeeded, label| {
            let draft = draft(world).await;
            let mut publisher = world.without_targets_key().publisher();
            let again = publisher
                .publish_signed(std::slice::from_ref(&draft), later(1))
                .await
                .unwrap_or_else(|e| panic!("{label}: {e}"));
            assert!(
                !succeeded || !again.changed,
                "{label}: a reported success is real"
            );
            assert_eq!(world.file("2.targets.json").await, Some(draft), "{label}");
            assert_eq!(world.targets(later(1)).await, ["b.img"], "{label}");
            carries_on(world, label).await;
        },
    )
    .await;
}

async fn first_targets(world: &World) -> Document<Targets> {
    let bytes = world.file("1.targets.json").await.unwrap();
    Document::parse(&bytes).unwrap()
}

async fn found(world: &World, store: &Store, targets: &[u8]) -> Result<Publisher, InitError> {
    Publisher::init(
        store.clone(),
        &world.root,
        Some(targets),
        world.without_targets_key().signers,
        Lifetimes::default(),
        start(),
    )
    .await
}

#[tokio::test]
async fn a_repository_is_founded_with_targets_that_people_signed() {
    let world = World::empty(memory()).await;
    let add = world.target("a.img", b"a").await;
    let targets = signed_targets(None, &[add], &[2], "2027-06-01T00:00:00Z").await;
    found(&world, &world.store, &targets).await.unwrap();
    assert_eq!(world.file("1.targets.json").await, Some(targets));
    assert_eq!(world.targets(start()).await, ["a.img"]);

    let world = World::empty(memory()).await;
    let unsigned = signed_targets(None, &[], &[], "2027-06-01T00:00:00Z").await;
    let Err(InitError::Publish(PublishError::BadDraft { source, .. })) =
        found(&world, &world.store, &unsigned).await
    else {
        panic!("nobody signed")
    };
    assert!(matches!(*source, AuthoringError::Threshold(_)), "{source}");
    let first = signed_targets(None, &[], &[2], "2027-06-01T00:00:00Z").await;
    let first = Document::parse(&first).unwrap();
    let second = signed_targets(Some(&first), &[], &[2], "2027-06-01T00:00:00Z").await;
    let refused = found(&world, &world.store, &second).await;
    assert!(
        matches!(
            refused,
            Err(InitError::Publish(PublishError::StaleDraft {
                signed_over: 1,
                current: 0
            }))
        ),
        "{refused:?}"
    );
    assert_eq!(file_count(&world.store).await, 0);
}

#[tokio::test]
async fn founding_with_signed_targets_is_run_again_wherever_it_broke() {
    let targets = signed_targets(None, &[], &[2], "2027-06-01T00:00:00Z").await;
    at_every_operation(
        async || World::empty(memory()).await,
        async |world, broken| found(world, broken, &targets).await.is_ok(),
        async |world, succeeded, label| {
            if world.seen(start()).await.is_err() {
                assert!(!succeeded, "{label}");
                found(world, &world.store, &targets)
                    .await
                    .unwrap_or_else(|e| panic!("{label}: {e}"));
            }
            assert_eq!(world.file("1.targets.json").await.as_ref(), Some(&targets));
            carries_on(world, label).await;
        },
    )
    .await;
}

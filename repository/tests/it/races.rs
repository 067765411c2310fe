//! Publishers at the same time lose nothing.

use futures::future::join_all;
use sealift_repository::{Due, Resign, Store, paths};

use crate::kit::faulty::interrupted;
use crate::kit::{World, disk, later, memory};

pub(crate) async fn publishers_lose_nothing(store: Store, count: usize) {
    let world = World::new(store).await;
    let publishing = (0..count).map(|n| {
        let world = world.clone();
        tokio::spawn(async move {
            let add = vec![
                world
                    .target(&format!("target-{n:02}.img"), format!("image {n}").as_bytes())
                    .await,
            ];
            world.publisher().publish(&add, later(1)).await.unwrap()
        })
    });
    let published: Vec<_> = join_all(publishing)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let expected: Vec<String> = (0..count).map(|n| format!("target-{n:02}.img")).collect();
    assert_eq!(world.targets(later(1)).await, expected);
    let mut versions: Vec<u64> = published
        .iter()
        .map(|p| p.repository.timestamp().version())
        .collect();
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.len(), count, "each change has a timestamp of its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_publishers_in_memory() {
    publishers_lose_nothing(memory(), 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_publishers_in_memory() {
    publishers_lose_nothing(memory(), 16).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_publishers_on_disk() {
    let (_folder, store) = disk();
    publishers_lose_nothing(store, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_publishers_on_disk() {
    let (_folder, store) = disk();
    publishers_lose_nothing(store, 16).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refresh_and_a_publish_do_not_undo_each_other() {
    let world = World::new(memory()).await;
    for round in 0..8 {
        let add = vec![world.target(&format!("target-{round}.img"), b"image").await];
        let (mut one, mut two) = (world.publisher(), world.publisher());
        let (published, refreshed) = tokio::join!(
            one.publish(&add, later(round)),
            two.refresh(Due::Now, later(round))
        );
        published.unwrap();
        refreshed.unwrap();
        assert_eq!(
            world.targets(later(round)).await.len(),
            usize::try_from(round).unwrap() + 1
        );
    }
}

/// Another one replaces `timestamp.json` right before a publisher would, who then sees this store.
fn overtaken_by(world: &World, other: impl Future<Output = ()> + Send + 'static) -> Store {
    let timestamp = paths::metadata(paths::TIMESTAMP).unwrap();
    // Read, then replaced.
    interrupted(&world.store, 1, Some(timestamp), other).0
}

#[tokio::test]
async fn targets_are_signed_again_though_a_refresh_was_faster() {
    let world = World::new(memory()).await;
    let mut other = world.publisher();
    let store = overtaken_by(&world, async move {
        other.refresh(Due::Now, later(1)).await.unwrap();
    });
    let signed = world
        .publisher_in(&store)
        .publish(&Resign, later(1))
        .await
        .unwrap();
    assert_eq!((signed.changed, signed.overtaken), (true, 1));
    assert_eq!(world.seen(later(1)).await.unwrap().targets().version(), 3);
}

#[tokio::test]
async fn both_documents_are_refreshed_though_one_was_faster_who_signed_timestamp_alone() {
    let world = World::new(memory()).await;
    let before = world.seen(later(20)).await.unwrap().snapshot().version();
    let mut other = world.publisher();
    let store = overtaken_by(&world, async move {
        let due = Due::WhenLeft { percent: 50 };
        other.refresh(due, later(20)).await.unwrap();
    });
    let refreshed = world
        .publisher_in(&store)
        .refresh(Due::Now, later(20))
        .await
        .unwrap();
    assert_eq!((refreshed.changed, refreshed.overtaken), (true, 1));
    assert!(world.seen(later(20)).await.unwrap().snapshot().version() > before);
}

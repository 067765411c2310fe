//! What a publisher does and refuses.

use futures::TryStreamExt;
use sealift_metadata::trust::{Attack, Fault, Limits, TrustStore};
use sealift_metadata::uptane::{FileDigest, ImageProfile, Protection, SegmentAlgorithm, Segments};
use sealift_metadata::{Hashes, TargetFile};
use sealift_repository::{
    ChangeError, InitError, Lifetimes, Operation, PublishError, Publisher, Store, TargetMap, WalkError,
    paths, upload_bytes,
};
use serde_json::json;

use crate::kit::{World, disk, later, memory, start, target_file};

async fn listing(store: &Store) -> Vec<String> {
    let mut names: Vec<String> = store
        .list(&paths::public_folder())
        .map_ok(|entry| entry.path.to_string())
        .try_collect()
        .await
        .unwrap();
    names.sort();
    names
}

#[tokio::test]
async fn a_new_repository_has_four_files_and_is_made_once() {
    for store in [memory(), disk().1] {
        let world = World::new(store).await;
        assert_eq!(
            listing(&world.store).await,
            [
                "repo/1.root.json",
                "repo/1.snapshot.json",
                "repo/1.targets.json",
                "repo/timestamp.json"
            ]
        );
        assert!(world.targets(start()).await.is_empty());
        assert!(matches!(
            world.init_in(&world.store).await,
            Err(InitError::Exists { .. })
        ));
    }
}

#[tokio::test]
async fn a_repository_begins_with_a_good_first_root() {
    let world = World::empty(memory()).await;
    let text = String::from_utf8(world.root.clone()).unwrap();
    let init = async |root: String| {
        Publisher::init(
            memory(),
            root.as_bytes(),
            None,
            world.signers.clone(),
            Lifetimes::default(),
            start(),
        )
        .await
    };
    assert!(matches!(init("{}".to_owned()).await, Err(InitError::Root(_))));
    assert!(matches!(
        init(text.replace("\"version\":1", "\"version\":2")).await,
        Err(InitError::NotFirst { version: 2 })
    ));
    let forged = text.replace("2028-06", "2029-06");
    assert!(matches!(
        init(forged).await,
        Err(InitError::Publish(PublishError::Unacceptable(_)))
    ));
    world
        .store
        .create(&paths::metadata("1.root.json").unwrap(), "someone else's")
        .await
        .unwrap();
    assert!(matches!(
        world.init_in(&world.store).await,
        Err(InitError::OtherRoot { .. })
    ));
}

#[tokio::test]
async fn targets_are_added_replaced_and_removed() {
    let world = World::new(memory()).await;
    let mut publisher = world.publisher();
    let add = vec![
        world.target("brakes/v1.img", b"one").await,
        world.target("radio.img", b"two").await,
    ];
    let published = publisher.publish(&add, later(1)).await.unwrap();
    assert!(published.changed);
    assert_eq!(world.targets(later(1)).await, ["brakes/v1.img", "radio.img"]);

    let before = listing(&world.store).await;
    assert!(
        !publisher.publish(&add, later(2)).await.unwrap().changed,
        "the same once more"
    );
    assert_eq!(
        listing(&world.store).await,
        before,
        "changes nothing and writes nothing"
    );

    let Operation::Add { path, file } = world.target("radio.img", b"three").await else {
        panic!("an addition")
    };
    let other = vec![Operation::Add {
        path: path.clone(),
        file: file.clone(),
    }];
    let refused = publisher.publish(&other, later(3)).await.unwrap_err();
    assert!(matches!(
        refused,
        PublishError::Change(ChangeError::Exists { .. })
    ));
    let replace = vec![Operation::Replace {
        path,
        file: file.clone(),
    }];
    let published = publisher.publish(&replace, later(3)).await.unwrap();
    assert!(
        published
            .repository
            .targets()
            .role()
            .targets()
            .values()
            .any(|there| *there == file)
    );

    let remove = vec![Operation::Remove {
        path: target_file("brakes/v1.img", b"").0,
    }];
    publisher.publish(&remove, later(4)).await.unwrap();
    assert_eq!(world.targets(later(4)).await, ["radio.img"]);
    let refused = publisher.publish(&remove, later(4)).await.unwrap_err();
    assert!(matches!(
        refused,
        PublishError::Change(ChangeError::NotListed { .. })
    ));

    let clear = |targets: &mut TargetMap| {
        targets.clear();
        Ok(())
    };
    publisher.publish(&clear, later(5)).await.unwrap();
    assert!(world.targets(later(5)).await.is_empty());
}

#[tokio::test]
async fn nothing_is_named_before_it_is_stored() {
    let world = World::new(memory()).await;
    let (path, mut file) = target_file("a.img", b"image");
    let add = |file| {
        vec![Operation::Add {
            path: path.clone(),
            file,
        }]
    };
    let missing = |result: Result<_, PublishError>| matches!(result, Err(PublishError::MissingObject { .. }));
    assert!(
        missing(world.publisher().publish(&add(file.clone()), start()).await),
        "absent"
    );

    let place = paths::target(&path, file.object_digest().unwrap()).unwrap();
    world.store.create(&place, "imag").await.unwrap();
    assert!(
        missing(world.publisher().publish(&add(file.clone()), start()).await),
        "too short"
    );
    world.store.delete(&place).await.unwrap();
    upload_bytes(&world.store, place, b"image").await.unwrap();

    let profile = ImageProfile {
        plain: FileDigest {
            length: 5,
            sha256: *file.object_digest().unwrap(),
        },
        header: None,
        segments: Some(Segments {
            alg: SegmentAlgorithm::Blake3,
            size: 1 << 20,
            length: 32,
            sha256: [5; 32],
        }),
        protection: Protection::None,
        release_counter: 1,
        hardware_ids: [sealift_metadata::HardwareId::new("radio-a").unwrap()].into(),
        version: "1.0".to_owned(),
    };
    file.custom = Some(json!({"sealift": profile.to_value()}));
    assert!(
        missing(world.publisher().publish(&add(file.clone()), start()).await),
        "no segment list"
    );
    world
        .store
        .create(&paths::segments(&[5; 32]).unwrap(), vec![0; 32])
        .await
        .unwrap();
    world
        .publisher()
        .publish(&add(file.clone()), start())
        .await
        .unwrap();

    let replace = async |file| {
        let path = path.clone();
        let change = vec![Operation::Replace { path, file }];
        world.publisher().publish(&change, start()).await
    };
    let nameless = TargetFile {
        hashes: Hashes::new(None, Some([0; 64])).unwrap(),
        ..file.clone()
    };
    let refused = replace(nameless).await;
    assert!(
        matches!(refused, Err(PublishError::BadTarget { .. })),
        "no name for the object"
    );

    file.custom = Some(json!({"sealift": {"protection": "perhaps"}}));
    let refused = replace(file).await;
    assert!(
        matches!(refused, Err(PublishError::BadTarget { .. })),
        "no description"
    );
}

#[tokio::test]
async fn a_store_that_was_set_back_is_not_signed_over() {
    let world = World::new(memory()).await;
    let old = world.file("timestamp.json").await.unwrap();
    let mut publisher = world.publisher();
    publisher
        .publish(&vec![world.target("a.img", b"a").await], later(1))
        .await
        .unwrap();

    let path = paths::metadata("timestamp.json").unwrap();
    world.store.delete(&path).await.unwrap();
    world.store.create(&path, old).await.unwrap();
    let refused = publisher
        .publish(&vec![world.target("b.img", b"b").await], later(2))
        .await
        .unwrap_err();
    let PublishError::Untrusted(WalkError::Trust(error)) = refused else {
        panic!("{refused}")
    };
    assert!(matches!(error.fault(), Fault::Older { .. }));
}

#[tokio::test]
async fn two_different_timestamps_of_one_version_are_noticed() {
    let world = World::new(memory()).await;
    let fork = World::new(memory()).await;
    let mut publisher = world.publisher();
    publisher
        .publish(&vec![world.target("a.img", b"a").await], later(1))
        .await
        .unwrap();
    // The same keys sign another history, in the same minute.
    fork.publisher()
        .publish(&vec![fork.target("b.img", b"b").await], later(1))
        .await
        .unwrap();
    let mut other = Publisher::new(
        fork.store.clone(),
        TrustStore {
            root: fork.root.clone(),
            ..publisher.trust().clone()
        },
        fork.signers.clone(),
        Lifetimes::default(),
    );
    let refused = other
        .publish(&vec![fork.target("c.img", b"c").await], later(2))
        .await
        .unwrap_err();
    assert!(matches!(refused, PublishError::Equivocation { .. }), "{refused}");
}

#[tokio::test]
async fn a_timestamp_without_end_is_the_repositorys_fault() {
    let world = World::new(memory()).await;
    let path = paths::metadata("timestamp.json").unwrap();
    let length = usize::try_from(Limits::IMAGE.timestamp).unwrap() + 1;
    world.store.delete(&path).await.unwrap();
    world.store.create(&path, vec![b' '; length]).await.unwrap();
    let Err(WalkError::Trust(error)) = world.seen(start()).await else {
        panic!("it is refused")
    };
    assert_eq!(error.attack(), Attack::EndlessData);
}

#[tokio::test]
async fn garbage_under_the_next_names_is_stepped_over() {
    let world = World::new(memory()).await;
    for name in ["2.targets.json", "3.targets.json"] {
        world
            .store
            .create(&paths::metadata(name).unwrap(), "garbage")
            .await
            .unwrap();
    }
    let published = world
        .publisher()
        .publish(&vec![world.target("a.img", b"a").await], later(1))
        .await
        .unwrap();
    assert_eq!(published.repository.targets().version(), 4);
    assert_eq!(world.targets(later(1)).await, ["a.img"]);
}

#[tokio::test]
async fn a_publisher_without_the_right_keys_publishes_nothing() {
    let world = World::new(memory()).await;
    let before = world.file("timestamp.json").await;
    let add = vec![world.target("a.img", b"a").await];
    let mut without = world.clone();
    without.signers.targets.clear();
    let refused = without.publisher().publish(&add, start()).await.unwrap_err();
    assert!(matches!(refused, PublishError::NoSigner { role: "targets" }));
    let mut wrong = world.clone();
    wrong.signers.timestamp = vec![crate::kit::key(9)];
    let refused = wrong.publisher().publish(&add, start()).await.unwrap_err();
    assert!(
        matches!(
            refused,
            PublishError::Sign {
                role: "timestamp",
                ..
            }
        ),
        "{refused}"
    );
    assert_eq!(world.file("timestamp.json").await, before);
    assert!(world.targets(start()).await.is_empty());
}

//! What a check of a whole repository finds.

use sealift_metadata::uptane::{FileDigest, ImageProfile, Protection, SegmentAlgorithm, Segments};
use sealift_repository::{CheckOptions, Code, Depth, Operation, Report, check, paths, upload_bytes};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::kit::{World, later, memory, target_file};

const BYTES: CheckOptions = CheckOptions {
    depth: Depth::Bytes,
    expires_within: jiff::SignedDuration::from_hours(24),
};

/// A sealed target with its segment list and key file in the store. (Nothing here looks into the sealed bytes.)
async fn sealed(world: &World, path: &str) -> Operation {
    let image = vec![1; 70_000];
    let list = vec![2; 64];
    let (path, mut file) = target_file(path, &image);
    let list_sha256 = Sha256::digest(&list).into();
    let profile = ImageProfile {
        plain: FileDigest {
            length: 9,
            sha256: [3; 32],
        },
        header: Some(FileDigest {
            length: 100,
            sha256: [4; 32],
        }),
        segments: Some(Segments {
            alg: SegmentAlgorithm::Blake3,
            size: 65_536,
            length: 64,
            sha256: list_sha256,
        }),
        protection: Protection::SealedV1,
        release_counter: 1,
        hardware_ids: [sealift_metadata::HardwareId::new("radio-a").unwrap()].into(),
        version: "1.0".to_owned(),
    };
    file.custom = Some(json!({"sealift": profile.to_value()}));
    upload_bytes(
        &world.store,
        paths::target(&path, file.object_digest().unwrap()).unwrap(),
        &image,
    )
    .await
    .unwrap();
    upload_bytes(&world.store, paths::segments(&list_sha256).unwrap(), &list)
        .await
        .unwrap();
    upload_bytes(
        &world.store,
        paths::key_file(&path, file.object_digest().unwrap()).unwrap(),
        b"keys",
    )
    .await
    .unwrap();
    Operation::Add { path, file }
}

async fn published(path: &str) -> (World, Operation) {
    let world = World::new(memory()).await;
    let add = sealed(&world, path).await;
    world
        .publisher()
        .publish(&vec![add.clone()], later(0))
        .await
        .unwrap();
    (world, add)
}

async fn report(world: &World, hours: i64) -> Report {
    check(&world.store, &world.pinned(), later(hours), BYTES)
        .await
        .unwrap()
}

fn codes(report: &Report) -> Vec<Code> {
    report.findings.iter().map(|finding| finding.code).collect()
}

#[tokio::test]
async fn a_sound_repository_gives_nothing_to_say() {
    let (world, _) = published("radio/a.img").await;
    let report = report(&world, 0).await;
    assert_eq!(report.findings, []);
    assert!(report.is_good());
    assert_eq!(report.repository.unwrap().targets().role().targets().len(), 1);
}

#[tokio::test]
async fn what_is_missing_or_damaged_is_found() {
    let (world, Operation::Add { path, file }) = published("radio/a.img").await else {
        panic!("an addition")
    };
    let object = paths::target(&path, file.object_digest().unwrap()).unwrap();
    let damage = async |at: &sealift_repository::StorePath, bytes: Option<Vec<u8>>| {
        world.store.delete(at).await.unwrap();
        if let Some(bytes) = bytes {
            world.store.create(at, bytes).await.unwrap();
        }
        let report = report(&world, 0).await;
        assert!(!report.is_good());
        codes(&report)
    };
    assert_eq!(damage(&object, Some(vec![9; 70_000])).await, [Code::WrongBytes]);
    assert_eq!(damage(&object, Some(vec![1; 69_999])).await, [Code::WrongLength]);
    assert_eq!(damage(&object, None).await, [Code::MissingObject]);
    upload_bytes(&world.store, object, &vec![1; 70_000])
        .await
        .unwrap();

    let segments = paths::segments(&Sha256::digest([2; 64]).into()).unwrap();
    assert_eq!(damage(&segments, Some(vec![9; 64])).await, [Code::WrongBytes]);
    assert_eq!(damage(&segments, None).await, [Code::BadSegments]);
    upload_bytes(&world.store, segments, &[2; 64]).await.unwrap();

    let keys = paths::key_file(&path, file.object_digest().unwrap()).unwrap();
    assert_eq!(damage(&keys, None).await, [Code::NoKeyFile]);
}

#[tokio::test]
async fn leftovers_are_notes() {
    let (world, _) = published("radio/a.img").await;
    for name in ["9.targets.json", "stray.json"] {
        world
            .store
            .create(&paths::metadata(name).unwrap(), "{}")
            .await
            .unwrap();
    }
    world
        .store
        .create(&paths::staging("half").unwrap(), "x")
        .await
        .unwrap();
    world.target("never/published.img", b"x").await;
    let report = report(&world, 0).await;
    assert_eq!(
        codes(&report),
        [Code::Leftover, Code::Leftover, Code::Unreferenced, Code::Staging]
    );
    assert!(report.is_good());
}

#[tokio::test]
async fn expiries_are_told_before_and_after() {
    let (world, _) = published("radio/a.img").await;
    let late = report(&world, 364 * 24 + 12).await;
    let found: Vec<(Code, &str)> = late
        .findings
        .iter()
        .map(|f| (f.code, f.subject.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (Code::Expired, "snapshot"),
            (Code::Expired, "timestamp"),
            (Code::ExpiresSoon, "targets")
        ],
        "worst first"
    );
    assert!(
        late.findings[0]
            .to_string()
            .starts_with("Error expired: snapshot: version ")
    );
}

#[tokio::test]
async fn a_target_without_description_and_a_broken_repository_are_reported() {
    let world = World::new(memory()).await;
    world
        .publisher()
        .publish(&vec![world.target("a.img", b"a").await], later(0))
        .await
        .unwrap();
    assert_eq!(codes(&report(&world, 0).await), [Code::BadProfile]);
    world
        .store
        .create(&paths::metadata("2.root.json").unwrap(), "garbage")
        .await
        .unwrap();
    let broken = report(&world, 0).await;
    assert_eq!(codes(&broken), [Code::Untrusted]);
    assert!(broken.repository.is_none());
}

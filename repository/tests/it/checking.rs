//! What a check of a whole repository finds.

use jiff::SignedDuration;
use sealift_metadata::Hashes;
use sealift_metadata::preflight::{Growth, Profile, Room};
use sealift_metadata::uptane::{FileDigest, ImageProfile, Protection, SegmentAlgorithm, Segments};
use sealift_repository::{
    Capped, CheckOptions, Code, Depth, Horizon, Operation, Report, Severity, check, paths, upload_bytes,
};
use serde_json::json;
use sha2::{Digest, Sha256, Sha512};

use crate::kit::{World, later, memory, target_file};

fn bytes() -> CheckOptions {
    CheckOptions {
        depth: Depth::Bytes,
        people: horizon(24, 2),
        machines: horizon(6, 1),
        ..CheckOptions::default()
    }
}

fn horizon(warn: i64, fail: i64) -> Horizon {
    Horizon {
        warn: SignedDuration::from_hours(warn),
        fail: SignedDuration::from_hours(fail),
    }
}

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
    check(&world.store, &world.pinned(), later(hours), bytes())
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
async fn every_listed_hash_is_compared() {
    let world = World::new(memory()).await;
    let Operation::Add { path, mut file } = sealed(&world, "radio/a.img").await else {
        panic!("an addition")
    };
    let sha256 = file.object_digest().copied().unwrap();
    let sha512 = Sha512::digest(vec![1; 70_000]).into();
    for (sha512, expected) in [(sha512, None), ([7; 64], Some(Code::WrongBytes))] {
        file.hashes = Hashes::new(Some(sha256), Some(sha512)).unwrap();
        let (path, file) = (path.clone(), file.clone());
        let replace = vec![Operation::Replace { path, file }];
        world.publisher().publish(&replace, later(0)).await.unwrap();
        assert_eq!(codes(&report(&world, 0).await), Vec::from_iter(expected));
    }
    let lengths = CheckOptions {
        depth: Depth::Lengths,
        ..bytes()
    };
    let quick = check(&world.store, &world.pinned(), later(0), lengths)
        .await
        .unwrap();
    assert_eq!(quick.findings, [], "a quick look reads no bytes");
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

#[tokio::test]
async fn each_role_has_its_own_horizon() {
    let (world, _) = published("radio/a.img").await;
    // The Timestamp lives a day, the Snapshot a week, Targets a year.
    let at = async |hours| codes(&report(&world, hours).await);
    assert_eq!(at(18).await, []);
    assert_eq!(at(19).await, [Code::ExpiresSoon]);
    assert_eq!(at(23).await, [Code::ExpiresSoon]);
    let late = report(&world, 24 * 365 - 1).await;
    let targets = late.findings.iter().find(|finding| finding.subject == "targets");
    assert_eq!(targets.map(|finding| finding.code), Some(Code::ExpiresTooSoon));
    assert_eq!(late.worst(), Some(Severity::Error));
}

#[tokio::test]
async fn caps_are_forecast_from_the_growth_of_what_is_stored() {
    let (world, _) = published("radio/a.img").await;
    for n in 0..4 {
        let one = sealed(&world, &format!("radio/{n}.img")).await;
        world.publisher().publish(&vec![one], later(0)).await.unwrap();
    }
    let report = report(&world, 0).await;
    let length = async |name| world.file(name).await.unwrap().len();
    let (first, last) = (length("1.targets.json").await, length("6.targets.json").await);
    let targets = &report.roles[1];
    assert_eq!((targets.name(), targets.version), ("targets", 6));
    assert_eq!(targets.bytes, last as u64);
    let grown = (last - first) as i64;
    assert_eq!(
        targets.growth,
        Growth {
            bytes: grown,
            versions: 5
        }
    );

    let of = |name: &str| Profile::named(name).unwrap();
    assert_eq!(
        targets.forecasts(of("python-tuf")).count(),
        0,
        "it believes the length that the Snapshot lists"
    );
    let ours: Vec<_> = targets.forecasts(of("sealift")).collect();
    let room = (8 * 1024 * 1024 - last as u64) * 5 / grown as u64;
    assert_eq!(ours.len(), 1);
    assert_eq!(
        (ours[0].cap, ours[0].room),
        (8 * 1024 * 1024, Room::Versions(room))
    );
    let root: Vec<_> = report.roles[0].forecasts(of("sigstore-tuf")).collect();
    assert_eq!((root[0].of, root[0].room), (Capped::Bytes, Room::Endless));
    assert_eq!((root[1].of, root[1].room), (Capped::Updates, Room::Versions(31)));
}

#[tokio::test]
async fn a_cap_that_is_near_is_reported_for_the_clients_that_count() {
    let (world, _) = published("radio/a.img").await;
    let mut options = CheckOptions {
        versions: 32,
        ..bytes()
    };
    let now = async |options: &CheckOptions| {
        let report = check(&world.store, &world.pinned(), later(0), options.clone()).await;
        report.unwrap()
    };
    assert_eq!(now(&options).await.findings, []);
    options.clients = vec![Profile::named("sigstore-tuf").unwrap()];
    let near = now(&options).await;
    assert_eq!(codes(&near), [Code::CapNear]);
    assert_eq!(
        near.findings[0].to_string(),
        "Warning cap-near: root: 0 of at most 31 roots after the first for sigstore-tuf; room for 31 more versions"
    );
    options.versions = 31;
    assert_eq!(codes(&now(&options).await), []);
}

#[tokio::test]
async fn other_clients_are_judged_when_they_count() {
    let (world, _) = published("radio/a.img").await;
    let now = async |clients: &[&str]| {
        let clients = clients.iter().map(|name| Profile::named(name).unwrap());
        let options = CheckOptions {
            clients: clients.collect(),
            ..bytes()
        };
        let report = check(&world.store, &world.pinned(), later(0), options).await;
        report.unwrap()
    };
    let most = ["sealift", "tuf", "python-tuf", "tuf-js", "go-tuf", "sigstore-tuf"];
    let most = now(&most).await;
    assert!(most.is_good() && most.foreign.is_empty(), "{:?}", most.foreign);
    let tough = now(&["tough"]).await;
    let found: Vec<_> = tough
        .foreign
        .iter()
        .map(|found| (found.rule.id, found.subject.as_str()))
        .collect();
    assert_eq!(found, [("name-in-folder", "radio/a.img")]);
    assert_eq!(tough.worst(), Some(Severity::Error));
    let aktualizr = now(&["aktualizr"]).await;
    assert_eq!(aktualizr.foreign[0].rule.id, "dialect");
}

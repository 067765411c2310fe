//! A repository made by the library alone, with every kind of key in it, before all four foreign clients.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sealift_metadata::authoring::RootDraft;
use sealift_metadata::root::RoleName;
use sealift_metadata::targets::TargetFile;
use sealift_metadata::uptane::{FileDigest, ImageProfile, Protection};
use sealift_metadata::{FileSigner, HardwareId, KeyType, Signer, TargetPath, TimeSource, TrustedTime};
use sealift_repository::{Lifetimes, Operation, Publisher, RepositoryUrl, Signers, paths, upload_bytes};
use sealift_tests::rng::{SeededRng, image};
use sha2::Digest as _;
use tempfile::TempDir;

use super::by_process::peers_agree;
use super::{TARGET, in_process};

fn key(kind: KeyType, name: &str) -> Arc<FileSigner> {
    Arc::new(FileSigner::generate(kind, &mut SeededRng::new(name)).unwrap())
}

/// Two holders of the root, and a different kind of key for each other role.
async fn publish(dir: &TempDir, now: TrustedTime) -> PathBuf {
    let roots = [key(KeyType::Ed25519, "root one"), key(KeyType::P256, "root two")];
    let targets = key(KeyType::RsaPss, "targets");
    let snapshot = key(KeyType::P256, "snapshot");
    let timestamp = key(KeyType::Ed25519, "timestamp");

    let mut draft = RootDraft::new(now.instant() + SignedDuration::from_hours(24 * 365));
    let public = |signer: &Arc<FileSigner>| signer.public().clone();
    draft
        .set_role(RoleName::Root, &roots.each_ref().map(public), 2)
        .unwrap();
    draft.set_role(RoleName::Targets, &[public(&targets)], 1).unwrap();
    draft
        .set_role(RoleName::Snapshot, &[public(&snapshot)], 1)
        .unwrap();
    draft
        .set_role(RoleName::Timestamp, &[public(&timestamp)], 1)
        .unwrap();
    let root = draft.sign(&[roots[0].as_ref(), roots[1].as_ref()]).await.unwrap();

    let store = RepositoryUrl::parse(&format!("file://{}", dir.path().display()))
        .unwrap()
        .open()
        .unwrap();
    let signers = Signers {
        targets: vec![targets],
        snapshot: vec![snapshot],
        timestamp: vec![timestamp],
    };
    let mut publisher = Publisher::init(store, &root, None, signers, Lifetimes::default(), now)
        .await
        .unwrap();
    for (name, length) in [
        (TARGET, 200_000),
        ("flat.img", 1),
        ("empty/zero.img", 0),
        ("a/b/c/d-1.2_3.img", 70_000),
    ] {
        let bytes = image(name, length);
        let path = TargetPath::new(name).unwrap();
        let digest = sha2::Sha256::digest(&bytes).into();
        let at = paths::target(&path, &digest).unwrap();
        upload_bytes(publisher.store(), at, &bytes).await.unwrap();
        let length = bytes.len() as u64;
        let profile = ImageProfile {
            plain: FileDigest {
                length,
                sha256: digest,
            },
            header: None,
            segments: None,
            protection: Protection::None,
            release_counter: 1,
            hardware_ids: BTreeSet::from([HardwareId::new("hw-brain").unwrap()]),
            version: "1.0".to_owned(),
        };
        let custom = Some(serde_json::json!({ ImageProfile::FIELD: profile.to_value() }));
        let file = TargetFile {
            length,
            hashes: digest.into(),
            custom,
        };
        publisher
            .publish(&vec![Operation::Add { path, file }], now)
            .await
            .unwrap();
    }
    dir.path().join("repo")
}

#[test]
fn every_kind_of_key_and_path_is_read_by_all_four() {
    #[expect(
        clippy::disallowed_methods,
        reason = "foreign clients judge by the real clock"
    )]
    let now = TrustedTime::new(Timestamp::now(), TimeSource::SystemClock);
    let dir = TempDir::new().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let tree = runtime.block_on(publish(&dir, now));
    for (name, length) in [
        (TARGET, 200_000),
        ("flat.img", 1),
        ("empty/zero.img", 0),
        ("a/b/c/d-1.2_3.img", 70_000),
    ] {
        let signed = Ok(hex::encode(sha2::Sha256::digest(image(name, length))));
        assert_eq!(
            in_process::sigstore_tuf(&tree, name, now.instant()),
            signed,
            "{name}"
        );
        assert_eq!(in_process::tough(&tree, name), signed, "{name}");
    }
    peers_agree(&tree, &[TARGET, "a/b/c/d-1.2_3.img"]);
}

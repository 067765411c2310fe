//! The log: what is in it stays in it, in order, whoever appends and whatever breaks.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures::TryStreamExt;
use futures::future::join_all;
use sealift_metadata::ids::RepositoryId;
use sealift_metadata::keys::PublicKey;
use sealift_metadata::signer::{FileSigner, Signer};
use sealift_repository::{Act, ActKind, Checkpoint, Log, LogError, LogFinding, Store, StorePath};
use sha2::Digest;

use crate::kit::faulty::{Fault, faulty};
use crate::kit::{disk, key, memory, start};

fn repository() -> RepositoryId {
    RepositoryId::of_root(b"the first root")
}

/// The log in a store, to be appended to with key 4.
pub(crate) fn log(store: &Store) -> Log {
    Log::new(store.clone(), &repository(), &[])
        .unwrap()
        .with_signer(key(4))
        .unwrap()
}

pub(crate) fn act(version: u64) -> Act {
    Act {
        kind: ActKind::Publish,
        at: start().instant(),
        keyids: vec![key(2).public().keyid().clone()],
        role: "targets".to_owned(),
        sha256: [7; 32],
        version,
        who: "ci".to_owned(),
    }
}

fn acts(versions: std::ops::Range<u64>) -> Vec<Act> {
    versions.map(act).collect()
}

/// The versions in the log and what is wrong with it.
pub(crate) async fn looked_at(log: &Log, held: Option<&Checkpoint>) -> (Vec<u64>, Vec<LogFinding>) {
    let mut versions = Vec::new();
    let each = |index: u64, act: Act| {
        assert!(index >= versions.len() as u64, "in order");
        versions.push(act.version);
    };
    let report = log.verify(held, each).await.unwrap();
    (versions, report.findings)
}

pub(crate) async fn bytes(store: &Store, name: &str) -> Option<Vec<u8>> {
    let path = StorePath::parse(name).unwrap();
    let stored = store.read(&path, 1 << 24).await.unwrap();
    stored.map(|stored| stored.bytes.to_vec())
}

#[tokio::test]
async fn a_log_grows_over_the_seams_and_every_earlier_checkpoint_stays_true() {
    let store = memory();
    let log = log(&store);
    let mut held = Vec::new();
    for batch in [
        0..0,
        0..1,
        1..2,
        2..255,
        255..256,
        256..257,
        257..257,
        257..512,
        512..700,
    ] {
        let size = batch.end;
        let checkpoint = log.append(&acts(batch)).await.unwrap();
        assert_eq!(checkpoint.size(), size);
        held.push(checkpoint);
    }
    for checkpoint in &held {
        let (versions, findings) = looked_at(&log, Some(checkpoint)).await;
        assert_eq!(findings, [], "held at {}", checkpoint.size());
        assert!(versions.into_iter().eq(0..700));
    }
    let again = log.checkpoint(held[3].bytes()).unwrap();
    assert_eq!(again, held[3], "kept as a file");
    assert_eq!(bytes(&store, "repo/log/tile/0/000").await.unwrap().len(), 8192);
    assert_eq!(
        bytes(&store, "repo/log/tile/0/002.p/188").await.unwrap().len(),
        188 * 32
    );
    assert_eq!(bytes(&store, "repo/log/tile/1/000.p/2").await.unwrap().len(), 64);
}

#[tokio::test]
async fn what_is_public_is_what_the_specification_says() {
    let store = memory();
    log(&store).append(&[act(5)]).await.unwrap();
    let bundle = bytes(&store, "repo/log/tile/entries/000.p/1").await.unwrap();
    let entry = &bundle[2..];
    assert_eq!(
        usize::from(u16::from_be_bytes([bundle[0], bundle[1]])),
        entry.len()
    );
    let leaf: [u8; 32] = sha2::Sha256::digest([&[0], entry].concat()).into();
    assert_eq!(bytes(&store, "repo/log/tile/0/000.p/1").await.unwrap(), leaf);
    let checkpoint = String::from_utf8(bytes(&store, "repo/log/checkpoint").await.unwrap()).unwrap();
    let root = BASE64.encode(leaf);
    let origin = format!("sealift/{}", repository());
    assert!(
        checkpoint.starts_with(&format!("{origin}\n1\n{root}\n\n\u{2014} {origin} ")),
        "{checkpoint}"
    );
}

#[tokio::test]
async fn an_empty_store_has_an_empty_log() {
    let store = memory();
    let reader = Log::new(store.clone(), &repository(), &[key(4).public().clone()]).unwrap();
    let report = reader.verify(None, |_, _| ()).await.unwrap();
    assert_eq!((report.checkpoint, report.findings), (None, vec![]));
    assert!(matches!(reader.append(&[act(1)]).await, Err(LogError::NoSigner)));
}

#[tokio::test]
async fn only_ed25519_keys_that_are_known_count() {
    let pem = include_str!("../../../metadata/tests/data/p256.pem");
    let p256: Arc<dyn Signer> = Arc::new(FileSigner::from_pem(pem, None).unwrap());
    let other_kind = Log::new(memory(), &repository(), &[p256.public().clone()]);
    assert!(matches!(other_kind, Err(LogError::NotEd25519 { .. })));

    let store = memory();
    let held = log(&store).append(&[act(1)]).await.unwrap();
    let knows = |keys: &[PublicKey]| Log::new(store.clone(), &repository(), keys).unwrap();
    let both = [key(9).public().clone(), key(4).public().clone()];
    assert!(knows(&both).verify(Some(&held), |_, _| ()).await.is_ok());
    let stranger = knows(&both[..1]);
    assert!(matches!(
        stranger.verify(None, |_, _| ()).await,
        Err(LogError::Untrusted { .. })
    ));
    assert!(matches!(
        stranger.with_signer(key(9)).unwrap().append(&[act(2)]).await,
        Err(LogError::Untrusted { .. })
    ));
    let other = Log::new(store.clone(), &RepositoryId::of_root(b"another"), &both).unwrap();
    assert!(
        other.checkpoint(held.bytes()).is_err(),
        "another repository's log"
    );

    // The key of the log changes: the new one signs on over what the old one signed.
    let rotated = knows(&both[1..]).with_signer(key(9)).unwrap();
    rotated.append(&[act(2)]).await.unwrap();
    assert_eq!(looked_at(&rotated, Some(&held)).await, (vec![1, 2], vec![]));
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_anything_is_written() {
    let store = memory();
    let log = log(&store);
    let long = Act {
        who: "x".repeat(66_000),
        ..act(1)
    };
    assert!(matches!(
        log.append(&[act(1), long]).await,
        Err(LogError::TooLong)
    ));
    let refused = log.append(&acts(0..257)).await;
    assert!(matches!(refused, Err(LogError::TooMany { count: 257 })));
    assert_eq!(bytes(&store, "private/log/head").await, None);
    log.append(&acts(0..256)).await.unwrap();
}

pub(crate) async fn appenders_lose_nothing(store: Store, count: u64) {
    let appending = (0..count).map(|n| {
        let log = log(&store);
        tokio::spawn(async move { log.append(&[act(n * 10), act(n * 10 + 1)]).await.unwrap() })
    });
    let checkpoints: Vec<Checkpoint> = join_all(appending)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let pending = StorePath::parse("private/log/pending").unwrap();
    let left: Vec<_> = store.list(&pending).try_collect().await.unwrap();
    assert!(left.is_empty(), "what is put aside is removed: {left:?}");
    let log = log(&store);
    for held in &checkpoints {
        let (mut versions, findings) = looked_at(&log, Some(held)).await;
        assert_eq!(findings, []);
        for pair in versions.chunks(2) {
            assert_eq!(pair[0] + 1, pair[1], "what is appended at once stays together");
        }
        versions.sort_unstable();
        assert!(
            versions
                .into_iter()
                .eq((0..count).flat_map(|n| [n * 10, n * 10 + 1]))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_appenders_in_memory() {
    appenders_lose_nothing(memory(), 16).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_appenders_on_disk() {
    let (_folder, store) = disk();
    appenders_lose_nothing(store, 16).await;
}

#[tokio::test]
async fn an_append_that_broke_anywhere_is_finished_by_the_next() {
    for (before, fault) in [0, 1, 255]
        .into_iter()
        .flat_map(|before| Fault::ANYWHERE.map(|fault| (before, fault)))
    {
        for step in 0.. {
            let label = format!("{before} entries, {fault:?} at operation {step}");
            let store = memory();
            let held = match before {
                0 => None,
                before => Some(log(&store).append(&acts(0..before)).await.unwrap()),
            };
            let (broken, trigger) = faulty(&store, step, fault);
            let appended = log(&broken).append(&acts(before..before + 2)).await;
            let (public, findings) = looked_at(&log(&store), held.as_ref()).await;
            assert!(
                !findings.iter().any(LogFinding::is_damage),
                "{label}: {findings:?}"
            );
            if let Ok(checkpoint) = &appended {
                assert_eq!(public.len() as u64, before + 2, "{label}");
                assert_eq!(looked_at(&log(&store), Some(checkpoint)).await.1, [], "{label}");
            }
            let last = log(&store).append(&[act(1000)]).await;
            let last = last.unwrap_or_else(|e| panic!("{label}: {e}"));
            let (versions, findings) = looked_at(&log(&store), held.as_ref()).await;
            assert_eq!(findings, [], "{label}");
            let with = (0..before + 2).chain([1000]).collect::<Vec<_>>();
            let without = (0..before).chain([1000]).collect::<Vec<_>>();
            assert!(
                versions == with || (appended.is_err() && versions == without),
                "{label}: {versions:?}"
            );
            assert_eq!(versions.len() as u64, last.size(), "{label}");
            if !trigger.reached() {
                assert!(appended.is_ok() && step > 5, "{label}: nothing struck");
                break;
            }
        }
    }
}

//! An upload is visible whole or not at all.

use std::io::Write;

use futures::TryStreamExt;
use sealift_repository::{Content, ObjectUpload, Store, StorePath, Upload, UploadError, paths, upload_bytes};
use sha2::{Digest, Sha256};

use crate::kit::faulty::{Fault, faulty};
use crate::kit::{disk, disk_at, memory};

const MIB: usize = 1024 * 1024;

fn at() -> StorePath {
    StorePath::parse("repo/targets/brakes/image").unwrap()
}

fn content(bytes: &[u8]) -> Content {
    Content {
        length: bytes.len() as u64,
        sha256: Sha256::digest(bytes).into(),
    }
}

async fn begin(store: &Store, content: Content) -> ObjectUpload {
    match ObjectUpload::begin(store, at(), content).await.unwrap() {
        Upload::Needed(upload) => upload,
        Upload::Present => panic!("nothing was there"),
    }
}

async fn stored(store: &Store) -> Option<Vec<u8>> {
    store
        .read(&at(), 64 * MIB as u64)
        .await
        .unwrap()
        .map(|stored| stored.bytes.to_vec())
}

pub(crate) async fn any_length_arrives_whole(store: &Store) {
    for length in [0, 1, 4 * MIB - 1, 4 * MIB, 8 * MIB, 8 * MIB + 1, 20 * MIB + 5] {
        let image: Vec<u8> = (0..length).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let mut upload = begin(store, content(&image)).await;
        for piece in image.chunks(700_001) {
            upload.write(piece).await.unwrap();
        }
        assert!(stored(store).await.is_none(), "nothing is visible before the end");
        upload.finish().await.unwrap();
        assert!(stored(store).await.unwrap() == image, "{length} bytes");
        assert!(matches!(
            ObjectUpload::begin(store, at(), content(&image)).await.unwrap(),
            Upload::Present
        ));
        store.delete(&at()).await.unwrap();
    }
}

pub(crate) async fn other_bytes_than_announced_never_appear(store: &Store) {
    let image = vec![7; 9 * MIB];
    for (changed, length) in [
        (Some(8 * MIB + 3), 9 * MIB),
        (None, 9 * MIB - 1),
        (None, 9 * MIB + 1),
    ] {
        let mut upload = begin(store, content(&image)).await;
        let mut bytes = vec![7; length];
        if let Some(changed) = changed {
            bytes[changed] = 8;
        }
        upload.write(&bytes).await.unwrap();
        assert!(matches!(upload.finish().await, Err(UploadError::Mismatch { .. })));
        assert!(stored(store).await.is_none());
    }
    let mut upload = begin(store, content(&image)).await;
    upload.write(&image).await.unwrap();
    upload.abort().await.unwrap();
    drop(begin(store, content(&image)).await);
    assert!(stored(store).await.is_none());
}

#[tokio::test]
async fn in_memory() {
    let store = memory();
    any_length_arrives_whole(&store).await;
    other_bytes_than_announced_never_appear(&store).await;
}

#[tokio::test]
async fn on_disk_without_leaving_temporary_files() {
    let (_folder, store) = disk();
    any_length_arrives_whole(&store).await;
    other_bytes_than_announced_never_appear(&store).await;
    let left: Vec<_> = store.list(&paths::staging_folder()).try_collect().await.unwrap();
    assert_eq!(left, []);
}

#[tokio::test]
async fn a_damaged_object_is_replaced_by_the_whole_one() {
    let (_folder, store) = disk();
    store.create(&at(), "half").await.unwrap();
    let image = vec![3; MIB];
    assert_eq!(upload_bytes(&store, at(), &image).await.unwrap(), content(&image));
    assert!(stored(&store).await.unwrap() == image);
}

#[tokio::test]
async fn broken_at_any_operation_it_is_whole_or_absent_and_a_second_try_succeeds() {
    let image = vec![9; 9 * MIB];
    for fault in Fault::ANYWHERE {
        for step in 0.. {
            let (_folder, store) = disk();
            let (broken, trigger) = faulty(&store, step, fault);
            let outcome = upload_bytes(&broken, at(), &image).await;
            let found = stored(&store).await;
            assert!(
                found.as_ref().is_none_or(|found| *found == image),
                "{fault:?} at {step}"
            );
            assert!(
                outcome.is_err() || found.is_some(),
                "success means that it is there: {fault:?} at {step}"
            );
            upload_bytes(&store, at(), &image).await.unwrap();
            assert!(stored(&store).await.unwrap() == image);
            let left: Vec<_> = store.list(&paths::staging_folder()).try_collect().await.unwrap();
            assert_eq!(left, [], "{fault:?} at {step}");
            if !trigger.reached() {
                assert!(step >= 5, "the upload has several steps");
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_synchronous_producer_writes_through() {
    let store = memory();
    let image = vec![1; 9 * MIB];
    let upload = begin(&store, content(&image)).await;
    let mut writer = upload.into_writer(tokio::runtime::Handle::current());
    let copy = image.clone();
    let writer = tokio::task::spawn_blocking(move || writer.write_all(&copy).map(|()| writer))
        .await
        .unwrap()
        .unwrap();
    writer.into_inner().0.finish().await.unwrap();
    assert!(stored(&store).await.unwrap() == image);
}

#[tokio::test]
async fn a_full_disk_leaves_nothing_half_visible() {
    let folder = tempfile::tempdir().unwrap();
    let store = disk_at(folder.path());
    // A staging folder that is a file stands for the disk that takes no new file.
    std::fs::create_dir_all(folder.path().join("repository/private")).unwrap();
    std::fs::write(folder.path().join("repository/private/staging"), "").unwrap();
    let refused = upload_bytes(&store, at(), &[1; 100]).await.unwrap_err();
    assert!(matches!(refused, UploadError::Store { .. }), "{refused}");
    assert!(store.create(&at(), "x").await.is_err());
    assert!(stored(&store).await.is_none());
    std::fs::remove_file(folder.path().join("repository/private/staging")).unwrap();
    upload_bytes(&store, at(), &[1; 100]).await.unwrap();
}

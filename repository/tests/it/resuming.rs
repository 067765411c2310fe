//! An upload that another process began, parts that go at the same time, and objects that are there already.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use futures::TryStreamExt;
use sealift_repository::backend::Listed;
use sealift_repository::{
    Content, Earlier, KnownPart, ObjectUpload, Store, StorePath, Through, Upload, UploadError, UploadId,
    UploadRecord, paths, upload_bytes,
};
use sha2::{Digest, Sha256};

use crate::kit::faulty::{Fault, faulty};
use crate::kit::gated::three_at_once;
use crate::kit::{disk, disk_at, memory};

const MIB: usize = 1024 * 1024;
/// Length of a part on stores that keep parts.
const PART: usize = 5 * MIB;

fn at() -> StorePath {
    StorePath::parse("repo/targets/brakes/image").unwrap()
}

fn image(length: usize) -> Vec<u8> {
    (0..length).map(|i| u8::try_from(i % 249).unwrap()).collect()
}

fn content(bytes: &[u8]) -> Content {
    Content {
        length: bytes.len() as u64,
        sha256: Sha256::digest(bytes).into(),
    }
}

async fn stored(store: &Store) -> Option<Vec<u8>> {
    let read = store.read(&at(), 64 * MIB as u64).await.unwrap();
    read.map(|stored| stored.bytes.to_vec())
}

/// A recorder that remembers, and counts how often each part was sent.
#[derive(Debug, Default)]
struct Notes(Mutex<Written>);

#[derive(Debug, Default)]
struct Written {
    id: Option<UploadId>,
    parts: BTreeMap<u32, KnownPart>,
    arrivals: BTreeMap<u32, usize>,
}

impl UploadRecord for Notes {
    fn begun(&self, id: &UploadId) {
        let mut written = self.0.lock().unwrap();
        written.id = Some(id.clone());
        written.parts.clear();
    }

    fn sending(&self, part: u32, through: &Through) -> io::Result<()> {
        let known = KnownPart {
            through: *through,
            receipt: None,
        };
        self.0.lock().unwrap().parts.insert(part, known);
        Ok(())
    }

    fn stored(&self, part: u32, receipt: &str) {
        let mut written = self.0.lock().unwrap();
        written.parts.get_mut(&part).unwrap().receipt = Some(receipt.to_owned());
        *written.arrivals.entry(part).or_default() += 1;
    }
}

impl Notes {
    fn earlier(&self) -> Option<Earlier> {
        let written = self.0.lock().unwrap();
        let parts = written.parts.clone();
        written.id.clone().map(|id| Earlier { id, parts })
    }
}

async fn begin(store: &Store, content: Content, notes: &Arc<Notes>) -> ObjectUpload {
    let record = Arc::clone(notes) as Arc<dyn UploadRecord>;
    let begun = ObjectUpload::begin_recorded(store, at(), content, Some(record), notes.earlier()).await;
    match begun.unwrap() {
        Upload::Needed(upload) => upload,
        Upload::Present => panic!("nothing was there"),
    }
}

#[tokio::test]
async fn what_another_process_sent_is_not_sent_again() {
    goes_on_after_an_interruption(&memory()).await;
}

/// Begins an upload of these bytes, and drops it when two parts have arrived.
async fn interrupted(store: &Store, image: &[u8], notes: &Arc<Notes>) {
    let mut upload = begin(store, content(image), notes).await;
    upload.write(&image[..2 * PART + 17]).await.unwrap();
    while notes.0.lock().unwrap().arrivals.len() < 2 {
        tokio::task::yield_now().await;
    }
    drop(upload);
    assert_eq!(stored(store).await, None);
}

pub(crate) async fn goes_on_after_an_interruption(store: &Store) {
    let (image, notes) = (image(3 * PART + 5), Arc::new(Notes::default()));
    interrupted(store, &image, &notes).await;
    let mut upload = begin(store, content(&image), &notes).await;
    assert_eq!(upload.held_parts(), 2);
    for piece in image.chunks(700_001) {
        upload.write(piece).await.unwrap();
    }
    upload.finish().await.unwrap();
    assert!(stored(store).await.unwrap() == image);
    let arrivals = notes.0.lock().unwrap().arrivals.clone();
    assert_eq!(arrivals, BTreeMap::from([(0, 1), (1, 1), (2, 1), (3, 1)]));
}

/// Aborting twice is no error. That the store has no such upload any more shows when it is gone on with; S3's reference says
/// 404, which is `Gone`, but servers differ in that.
pub(crate) async fn an_aborted_upload_is_gone(store: &Store) {
    let (image, notes) = (image(3 * PART + 5), Arc::new(Notes::default()));
    interrupted(store, &image, &notes).await;
    let id = notes.earlier().unwrap().id;
    for _ in 0..2 {
        store.abort_upload(&at(), &id).await.unwrap();
    }
    let mut upload = begin(store, content(&image), &notes).await;
    let mut sent = upload.write(&image).await;
    if sent.is_ok() {
        sent = upload.finish().await;
    }
    assert!(
        matches!(sent, Err(UploadError::Gone { .. } | UploadError::Store { .. })),
        "{sent:?}"
    );
    assert_eq!(stored(store).await, None);
}

#[tokio::test]
async fn a_part_that_differs_from_what_was_sent_is_not_sent() {
    for arrived in [true, false] {
        let (store, image, notes) = (memory(), image(3 * PART), Arc::new(Notes::default()));
        let mut upload = begin(&store, content(&image), &notes).await;
        upload.write(&image[..2 * PART]).await.unwrap();
        while notes.0.lock().unwrap().arrivals.len() < 2 {
            tokio::task::yield_now().await;
        }
        drop(upload);
        if !arrived {
            // Killed between sending and the answer.
            notes.0.lock().unwrap().parts.get_mut(&1).unwrap().receipt = None;
        }
        let mut changed = image.clone();
        changed[PART + 3] ^= 1;
        let mut upload = begin(&store, content(&changed), &notes).await;
        let wrote = upload.write(&changed).await;
        let ended = match wrote {
            Ok(()) => upload.finish().await,
            Err(error) => Err(error),
        };
        assert!(
            matches!(ended, Err(UploadError::Changed { part: 1, .. })),
            "{ended:?}"
        );
        assert_eq!(notes.0.lock().unwrap().arrivals[&1], 1);
        assert_eq!(stored(&store).await, None);
    }
}

#[tokio::test]
async fn another_way_to_cut_the_object_begins_anew() {
    let (store, image, notes) = (memory(), image(2 * PART + 1), Arc::new(Notes::default()));
    drop(begin(&store, content(&image), &notes).await);
    let id = notes.earlier().unwrap().id;
    notes.0.lock().unwrap().id = UploadId::new(id.as_str().to_owned(), 6 * MIB as u64);
    let mut upload = begin(&store, content(&image), &notes).await;
    assert_ne!(notes.earlier().unwrap().id.as_str(), id.as_str());
    upload.write(&image).await.unwrap();
    upload.finish().await.unwrap();
    assert!(stored(&store).await.unwrap() == image);
}

#[tokio::test]
async fn parts_that_cannot_be_compared_any_more_are_not_sent_over() {
    let (store, image, notes) = (memory(), image(2 * PART + 1), Arc::new(Notes::default()));
    drop(begin(&store, content(&image), &notes).await);
    let mut earlier = notes.earlier().unwrap();
    earlier.id = UploadId::new(earlier.id.as_str().to_owned(), 6 * MIB as u64).unwrap();
    let known = KnownPart {
        through: [1; 32],
        receipt: None,
    };
    earlier.parts.insert(1, known);
    let record = Arc::clone(&notes) as Arc<dyn UploadRecord>;
    let begun =
        ObjectUpload::begin_recorded(&store, at(), content(&image), Some(record), Some(earlier)).await;
    assert!(matches!(begun, Err(UploadError::Gone { .. })), "{begun:?}");
}

/// A recorder on a disk that takes nothing, and that cannot take back what it has.
#[derive(Debug)]
struct Stuck;

impl UploadRecord for Stuck {
    fn begun(&self, _id: &UploadId) {}

    fn sending(&self, _part: u32, _through: &Through) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn stored(&self, part: u32, _receipt: &str) {
        panic!("part {part} was sent");
    }
}

#[tokio::test]
async fn a_part_that_must_be_written_down_and_is_not_is_not_sent() {
    let (store, image) = (memory(), image(2 * PART + 1));
    let record: Arc<dyn UploadRecord> = Arc::new(Stuck);
    let begun = ObjectUpload::begin_recorded(&store, at(), content(&image), Some(record), None).await;
    let Upload::Needed(mut upload) = begun.unwrap() else {
        panic!("nothing was there");
    };
    let mut sent = upload.write(&image).await;
    if sent.is_ok() {
        sent = upload.finish().await;
    }
    assert!(matches!(sent, Err(UploadError::Store { .. })), "{sent:?}");
    assert_eq!(stored(&store).await, None);
}

#[test]
fn ids_from_outside_are_looked_at() {
    for bad in ["", "a b", "a\n", "\u{e9}", &"x".repeat(2049)] {
        assert_eq!(UploadId::new(bad.to_owned(), 1), None, "{bad:?}");
    }
    assert_eq!(UploadId::new("x".to_owned(), 0), None);
    assert!(UploadId::new("x".repeat(2048), 1).is_some());
}

#[tokio::test]
async fn three_parts_go_at_once_and_never_more_than_memory_holds() {
    let (store, gate) = three_at_once(&memory());
    let image = image(9 * PART);
    upload_bytes(&store, at(), &image).await.unwrap();
    assert!(stored(&store).await.unwrap() == image);
    assert_eq!(gate.most(), 3);
}

#[tokio::test]
async fn damage_of_the_right_length_is_seen_and_repaired() {
    let (folder, on_disk) = disk();
    for store in [memory(), on_disk] {
        let image = image(MIB + 3);
        let mut damaged = image.clone();
        damaged[MIB / 2] ^= 1;
        store.create(&at(), damaged.clone()).await.unwrap();
        upload_bytes(&store, at(), &image).await.unwrap();
        assert!(stored(&store).await.unwrap() == image);

        // A repair that does not happen is not taken for one because something of that length is there.
        for step in 0.. {
            store.delete(&at()).await.unwrap();
            store.create(&at(), damaged.clone()).await.unwrap();
            let (broken, trigger) = faulty(&store, step, Fault::Refused);
            let outcome = upload_bytes(&broken, at(), &image).await;
            if !trigger.reached() {
                outcome.unwrap();
                break;
            }
            let repaired = stored(&store).await.unwrap() == image;
            assert!(repaired || outcome.is_err(), "{step}: {outcome:?}");
        }
    }
    drop(folder);
}

#[tokio::test]
async fn what_a_killed_process_left_on_disk_is_swept_and_what_is_locked_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = disk_at(folder.path());
    let staging = folder.path().join("repository/private/staging");
    std::fs::create_dir_all(&staging).unwrap();
    std::fs::write(staging.join(".upload-dead"), "half").unwrap();
    let alive = std::fs::File::create(staging.join(".upload-alive")).unwrap();
    alive.lock().unwrap();
    upload_bytes(&store, at(), b"whole").await.unwrap();
    let left: Vec<Listed> = store.list(&paths::staging_folder()).try_collect().await.unwrap();
    let left: Vec<&str> = left.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(left, ["private/staging/.upload-alive"]);
}

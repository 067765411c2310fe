//! The contract of a store, the same calls on every kind of it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use sealift_repository::backend::{Backend, Listed, ReadObject, Stored, UploadSink, Version};
use sealift_repository::{Store, StoreError, StorePath, Written, paths};

use crate::kit::{disk, memory};

fn path(name: &str) -> StorePath {
    StorePath::parse(name).unwrap()
}

/// Everything that publishing relies on.
pub(crate) async fn honours_the_contract(store: &Store) {
    creates_only_what_is_absent(store).await;
    replaces_only_what_was_seen(store).await;
    reads_are_capped(store).await;
    ranges_are_exact(store).await;
    lists_and_deletes(store).await;
    one_of_many_writers_wins(store).await;
    store.probe().await.unwrap();
    let left: Vec<Listed> = store.list(&paths::staging_folder()).try_collect().await.unwrap();
    assert_eq!(left, [], "a probe cleans up behind itself");
}

async fn creates_only_what_is_absent(store: &Store) {
    let at = path("repo/1.root.json");
    assert!(store.read(&at, 10).await.unwrap().is_none());
    assert!(store.size(&at).await.unwrap().is_none());
    store.create(&at, "first").await.unwrap();
    assert!(matches!(
        store.create(&at, "second").await,
        Err(StoreError::AlreadyExists { .. })
    ));
    assert_eq!(store.read(&at, 10).await.unwrap().unwrap().bytes, "first");
    assert!(matches!(
        store.create_exact(&at, "first").await.unwrap(),
        Written::Ours(_)
    ));
    assert!(matches!(
        store.create_exact(&at, "second").await.unwrap(),
        Written::Theirs
    ));
    assert!(
        matches!(store.create_exact(&at, "f").await.unwrap(), Written::Theirs),
        "a longer one is not ours"
    );
}

async fn replaces_only_what_was_seen(store: &Store) {
    let at = path("repo/timestamp.json");
    let created = store.create(&at, "one").await.unwrap();
    let one = store.read(&at, 10).await.unwrap().unwrap().version;
    assert_eq!(
        created, one,
        "the version of a write is the version that a read sees"
    );
    let two = store.replace_if(&at, "two", &one).await.unwrap();
    assert!(matches!(
        store.replace_if(&at, "three", &one).await,
        Err(StoreError::Stale { .. })
    ));
    assert_eq!(store.read(&at, 10).await.unwrap().unwrap().bytes, "two");
    assert!(matches!(
        store.replace_exact(&at, "two", &one).await.unwrap(),
        Written::Ours(_)
    ));
    assert!(matches!(
        store.replace_exact(&at, "three", &one).await.unwrap(),
        Written::Theirs
    ));
    store.delete(&at).await.unwrap();
    assert!(matches!(
        store.replace_if(&at, "four", &two).await,
        Err(StoreError::Stale { .. })
    ));
    assert!(
        store.read(&at, 10).await.unwrap().is_none(),
        "a conditional replacement creates nothing"
    );
}

async fn reads_are_capped(store: &Store) {
    let at = path("repo/capped.json");
    store.create(&at, "12345").await.unwrap();
    for cap in [5, 6] {
        assert_eq!(store.read(&at, cap).await.unwrap().unwrap().bytes.len(), 5);
    }
    for cap in [0, 4] {
        assert!(
            matches!(store.read(&at, cap).await, Err(StoreError::TooLarge { max_bytes, .. }) if max_bytes == cap)
        );
    }
    let empty = path("repo/empty.json");
    store.create(&empty, Bytes::new()).await.unwrap();
    assert!(store.read(&empty, 0).await.unwrap().unwrap().bytes.is_empty());
}

async fn ranges_are_exact(store: &Store) {
    let at = path("repo/targets/big.img");
    let size = 9 * 1024 * 1024 + 17;
    let whole: Vec<u8> = (0..size)
        .map(|i: u32| i.to_le_bytes()[(i % 3) as usize])
        .collect();
    store.create(&at, whole.clone()).await.unwrap();
    let object = store.open(&at).await.unwrap().unwrap();
    assert_eq!(object.size(), u64::from(size));
    let mib = 1024 * 1024;
    for (start, end) in [
        (0, size),
        (0, 0),
        (size, size),
        (1, 2),
        (mib - 1, mib + 1),
        (5, 5 * mib + 3),
        (size - 1, size),
    ] {
        let pieces: Vec<Bytes> = object
            .stream(u64::from(start)..u64::from(end))
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        assert!(pieces.iter().all(|piece| piece.len() <= 4 * mib as usize));
        assert!(
            pieces.concat() == whole[start as usize..end as usize],
            "{start}..{end}"
        );
        assert!(
            store
                .get_range(&at, u64::from(start)..u64::from(end))
                .await
                .unwrap()
                == whole[start as usize..end as usize]
        );
    }
    let beyond = u64::from(size) + 1;
    assert!(matches!(
        object.stream(0..beyond),
        Err(StoreError::Truncated { .. })
    ));
    #[expect(
        clippy::reversed_empty_ranges,
        reason = "the refusal of such a range is what is tested"
    )]
    let backwards = 2..1;
    assert!(object.stream(backwards).is_err());
    assert!(matches!(
        store.get_range(&path("repo/none"), 0..1).await,
        Err(StoreError::NotFound { .. })
    ));
}

async fn lists_and_deletes(store: &Store) {
    for name in [
        "private/keys/a/x.keys",
        "private/keys/b.keys",
        "private/keysother/c.keys",
    ] {
        store.create(&path(name), name.to_owned()).await.unwrap();
    }
    let mut listed: Vec<Listed> = store.list(&paths::keys_folder()).try_collect().await.unwrap();
    listed.sort_by(|a, b| a.path.cmp(&b.path));
    let names: Vec<&str> = listed.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(names, ["private/keys/a/x.keys", "private/keys/b.keys"]);
    assert_eq!(listed[1].size, 19);
    store.delete(&path("private/keys/b.keys")).await.unwrap();
    store.delete(&path("private/keys/b.keys")).await.unwrap();
    assert!(store.size(&path("private/keys/b.keys")).await.unwrap().is_none());
    let nothing: Vec<Listed> = store.list(&path("private/nowhere")).try_collect().await.unwrap();
    assert!(nothing.is_empty());
}

async fn one_of_many_writers_wins(store: &Store) {
    let at = path("repo/raced.json");
    let writes = (0..8).map(|i| store.create(&at, format!("writer {i}")));
    let won = futures::future::join_all(writes)
        .await
        .into_iter()
        .filter(Result::is_ok)
        .count();
    assert_eq!(won, 1, "create-if-absent");
    let seen = store.read(&at, 99).await.unwrap().unwrap().version;
    let writes = (0..8).map(|i| store.replace_if(&at, format!("replacer {i}"), &seen));
    let won = futures::future::join_all(writes)
        .await
        .into_iter()
        .filter(Result::is_ok)
        .count();
    assert_eq!(won, 1, "conditional replacement");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_honours_the_contract() {
    honours_the_contract(&memory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn local_disk_honours_the_contract() {
    let (folder, store) = disk();
    honours_the_contract(&store).await;
    let left = std::fs::read_dir(folder.path().join("repository/private/staging"))
        .unwrap()
        .count();
    assert_eq!(left, 0, "no temporary file stays behind");
}

#[tokio::test]
async fn served_files_are_readable_and_private_ones_are_not() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, store) = disk();
    store.create(&path("repo/1.root.json"), "{}").await.unwrap();
    store.create(&path("private/keys/a.keys"), "k").await.unwrap();
    let mode = |name: &str| {
        folder
            .path()
            .join("repository")
            .join(name)
            .metadata()
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("repo/1.root.json") & 0o400, 0o400);
    assert_ne!(
        mode("repo/1.root.json"),
        0o600,
        "a web server under another user reads it, as far as the umask allows"
    );
    assert_eq!(mode("private/keys/a.keys"), 0o600);
}

/// A store that says yes to every condition, as some S3 imitations do.
#[derive(Debug)]
struct Careless(Store);

#[async_trait]
impl Backend for Careless {
    fn address(&self) -> String {
        "careless:".to_owned()
    }

    async fn create(&self, path: &StorePath, bytes: Bytes) -> Result<Version, StoreError> {
        self.0.delete(path).await?;
        self.0.create(path, bytes).await
    }

    async fn replace_if(&self, path: &StorePath, bytes: Bytes, _: &Version) -> Result<Version, StoreError> {
        self.create(path, bytes).await
    }

    async fn read(&self, path: &StorePath, max_bytes: u64) -> Result<Option<Stored>, StoreError> {
        self.0.read(path, max_bytes).await
    }

    async fn open(&self, path: &StorePath) -> Result<Option<Box<dyn ReadObject>>, StoreError> {
        self.0.backend().open(path).await
    }

    fn list(&self, folder: &StorePath) -> BoxStream<'_, Result<Listed, StoreError>> {
        self.0.list(folder)
    }

    async fn delete(&self, path: &StorePath) -> Result<(), StoreError> {
        self.0.delete(path).await
    }

    async fn begin_upload(&self, path: &StorePath, length: u64) -> Result<Box<dyn UploadSink>, StoreError> {
        self.0.backend().begin_upload(path, length).await
    }
}

#[tokio::test]
async fn a_store_that_ignores_conditions_is_refused() {
    let careless = Store::new(Arc::new(Careless(memory())));
    let refused = careless.probe().await.unwrap_err();
    assert!(
        matches!(refused, StoreError::IgnoresConditions { .. }),
        "{refused}"
    );
}

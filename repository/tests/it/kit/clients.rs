//! TUF clients written by others.

use std::path::Path;

use sealift_repository::{Store, StorePath};
use sigstore_tuf::{Error, Repository, Updater};
use tough::{ExpirationEnforcement, FilesystemTransport, RepositoryLoader};

/// The store as sigstore-tuf wants to see a repository.
#[derive(Debug)]
struct Served(Store);

impl Served {
    async fn fetch(&self, path: String, max: u64) -> sigstore_tuf::Result<Option<Vec<u8>>> {
        let path = StorePath::parse(&path).map_err(|e| Error::transport(e.to_string()))?;
        let stored = self
            .0
            .read(&path, max)
            .await
            .map_err(|e| Error::transport(e.to_string()))?;
        Ok(stored.map(|stored| stored.bytes.to_vec()))
    }
}

type Fetch<'a> = std::pin::Pin<Box<dyn Future<Output = sigstore_tuf::Result<Option<Vec<u8>>>> + Send + 'a>>;

impl Repository for Served {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> Fetch<'a> {
        Box::pin(self.fetch(format!("repo/{name}"), max_length))
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> Fetch<'a> {
        Box::pin(self.fetch(format!("repo/targets/{path}"), max_length))
    }
}

/// A client of sigstore-tuf that knows `root` only.
pub(crate) fn sigstore_tuf(store: &Store, root: &[u8]) -> Updater {
    Updater::new(Served(store.clone()), root).unwrap()
}

/// What tough makes of the folder with `timestamp.json`, knowing `root` only.
///
/// It knows no other time than the wall clock's; expiry is the other client's to check. And names in folders it looks for as
/// `HASH.dir/file`, which no TUF repository has.
pub(crate) async fn tough(folder: &Path, root: &[u8]) -> tough::error::Result<tough::Repository> {
    let base = url::Url::from_directory_path(folder).unwrap();
    let targets = base.join("targets/").unwrap();
    RepositoryLoader::new(&root, base, targets)
        .transport(FilesystemTransport)
        .expiration_enforcement(ExpirationEnforcement::Unsafe)
        .load()
        .await
}

//! TUF clients written by others accept what is published here, rotations included.

use sealift_metadata::authoring::RootDraft;
use sealift_metadata::document::Document;
use sealift_metadata::root::{RoleName, Root};
use sealift_repository::{Store, StorePath};
use sigstore_tuf::{Error, Repository, Updater};
use tough::{ExpirationEnforcement, FilesystemTransport, IntoVec, RepositoryLoader, TargetName};

use crate::kit::{World, disk_at, key, later, start};

/// A repository on disk with a target on top and one in a folder, whose timestamp key was changed along the way.
async fn published(folder: &std::path::Path) -> World {
    let mut world = World::new(disk_at(folder)).await;
    let first = vec![
        world.target("top.img", b"top image").await,
        world.target("empty.img", b"").await,
    ];
    world.publisher().publish(&first, start()).await.unwrap();

    let root = Document::<Root>::parse(&world.root).unwrap();
    let mut draft = RootDraft::next(&root, "2030-01-01T00:00:00Z".parse().unwrap());
    draft
        .set_role(RoleName::Timestamp, &[key(14).public().clone()], 1)
        .unwrap();
    let root = draft
        .finish()
        .unwrap()
        .sign_some(&[key(1).as_ref()])
        .await
        .unwrap();
    world.signers.timestamp.push(key(14));
    world.publisher().publish_root(&root, &[], start()).await.unwrap();

    world.signers.timestamp = vec![key(14)];
    let second = vec![world.target("brakes/front/v1.img", b"brake image").await];
    world.publisher().publish(&second, later(1)).await.unwrap();
    world
}

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

#[tokio::test]
async fn sigstore_tuf_reads_it_and_fetches_targets() {
    let folder = tempfile::tempdir().unwrap();
    let world = published(folder.path()).await;
    let mut updater = Updater::new(Served(world.store.clone()), &world.root).unwrap();
    let now = later(1).instant();
    updater.refresh(now).await.unwrap();
    assert_eq!(updater.get_target("top.img", now).await.unwrap(), b"top image");
    assert_eq!(updater.get_target("empty.img", now).await.unwrap(), b"");
    assert_eq!(
        updater.get_target("brakes/front/v1.img", now).await.unwrap(),
        b"brake image"
    );
    assert!(updater.get_target("other.img", now).await.is_err());
}

#[tokio::test]
async fn tough_reads_it_and_fetches_a_target() {
    let folder = tempfile::tempdir().unwrap();
    let world = published(folder.path()).await;
    let base = url::Url::from_directory_path(folder.path().join("repository/repo")).unwrap();
    let targets = base.join("targets/").unwrap();
    let repository = RepositoryLoader::new(&world.root, base, targets)
        .transport(FilesystemTransport)
        // It knows no other time than the wall clock's; expiry is the other client's to check.
        .expiration_enforcement(ExpirationEnforcement::Unsafe)
        .load()
        .await
        .unwrap();
    assert_eq!(repository.root().signed.version.get(), 2);
    assert_eq!(repository.all_targets().count(), 3);
    // Names in folders it looks for as HASH.dir/file, which no TUF repository has.
    for (name, bytes) in [("top.img", b"top image".as_slice()), ("empty.img", b"")] {
        let stream = repository
            .read_target(&TargetName::new(name).unwrap())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(stream.into_vec().await.unwrap(), bytes);
    }
}

//! sigstore-tuf and tough read the repository in this process.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use sigstore_tuf::transport::FetchFuture;

/// Files of a published repository, `1.root.json` beside `targets/`.
#[derive(Clone, Debug)]
struct Tree(PathBuf);

impl Tree {
    fn read(&self, name: &str, max_length: u64) -> sigstore_tuf::Result<Option<Vec<u8>>> {
        match std::fs::read(self.0.join(name)) {
            Ok(bytes) if bytes.len() as u64 <= max_length => Ok(Some(bytes)),
            Ok(bytes) => Err(sigstore_tuf::Error::transport(format!(
                "{name} has {} bytes",
                bytes.len()
            ))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(sigstore_tuf::Error::transport(error.to_string())),
        }
    }
}

impl sigstore_tuf::Repository for Tree {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(async move { self.read(name, max_length) })
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(async move { self.read(&format!("targets/{path}"), max_length) })
    }
}

/// What sigstore-tuf takes for `target`: its digest, or why it refuses.
pub(crate) fn sigstore_tuf(tree: &Path, target: &str, now: jiff::Timestamp) -> Result<String, String> {
    let root = std::fs::read(tree.join("1.root.json")).map_err(|error| error.to_string())?;
    let work = async {
        let mut updater = sigstore_tuf::Updater::new(Tree(tree.to_path_buf()), &root)?;
        updater.refresh(now).await?;
        updater.get_target(target, now).await
    };
    let bytes = block_on(work).map_err(|error| error.to_string())?;
    Ok(hex::encode(Sha256::digest(bytes)))
}

/// tough asks for `HASH.dir/file` where every other client asks for `dir/HASH.file`.
#[derive(Clone, Debug)]
struct RightNames(tough::FilesystemTransport);

#[tough::async_trait]
impl tough::Transport for RightNames {
    async fn fetch(&self, url: url::Url) -> Result<tough::TransportStream, tough::TransportError> {
        let path = url.path().to_owned();
        let mut right = url;
        if let Some((base, rest)) = path.split_once("/targets/")
            && let Some((hash, name)) = rest.split_once('.')
            && let Some((dir, file)) = name.rsplit_once('/')
        {
            right.set_path(&format!("{base}/targets/{dir}/{hash}.{file}"));
        }
        self.0.fetch(right).await
    }
}

/// What tough takes for `target`; it reads the clock itself.
pub(crate) fn tough(tree: &Path, target: &str) -> Result<String, String> {
    let root = std::fs::read(tree.join("1.root.json")).map_err(|error| error.to_string())?;
    let url =
        |dir: PathBuf| url::Url::from_directory_path(dir).map_err(|()| "not an absolute path".to_owned());
    let (metadata, targets) = (url(tree.to_path_buf())?, url(tree.join("targets"))?);
    let work = async {
        let loader = tough::RepositoryLoader::new(&root, metadata, targets);
        let repository = loader
            .transport(RightNames(tough::FilesystemTransport))
            .load()
            .await?;
        let name = tough::TargetName::new(target)?;
        match repository.read_target(&name).await? {
            Some(stream) => tough::IntoVec::into_vec(stream).await.map(Some),
            None => Ok(None),
        }
    };
    match block_on(work).map_err(|error| error.to_string())? {
        Some(bytes) => Ok(hex::encode(Sha256::digest(bytes))),
        None => Err(format!("no target named {target}")),
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be built").block_on(work)
}

mod tests {
    use super::super::{TARGET, published};
    use sealift_tests::tree::flip;

    fn now() -> jiff::Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "a foreign client judges metadata that expire"
        )]
        jiff::Timestamp::now()
    }

    #[test]
    fn sigstore_tuf_and_tough_take_the_target_and_refuse_what_was_touched() {
        let (world, tree) = published();
        let signed = world.tree().target(TARGET)["hashes"]["sha256"]
            .as_str()
            .unwrap()
            .to_owned();
        let both = || {
            [
                super::sigstore_tuf(&tree, TARGET, now()),
                super::tough(&tree, TARGET),
            ]
        };
        assert_eq!(both(), [Ok(signed.clone()), Ok(signed.clone())]);

        let object = world.tree().object(TARGET);
        flip(&object, 1_000_000);
        assert!(both().iter().all(Result::is_err), "a flipped byte: {:?}", both());
        flip(&object, 1_000_000);

        for document in ["timestamp.json", "1.root.json"] {
            let path = tree.join(document);
            let honest = std::fs::read_to_string(&path).unwrap();
            let place = honest.find("\"expires\"").unwrap() + 12;
            flip(&path, place as u64);
            assert!(both().iter().all(Result::is_err), "{document}: {:?}", both());
            std::fs::write(&path, honest).unwrap();
        }
        assert_eq!(both(), [Ok(signed.clone()), Ok(signed)]);
    }
}

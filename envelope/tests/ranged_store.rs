//! Object stores as sources: one version of an object, also where the store heeds no conditions.

use std::fmt;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex};

use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use sealift_envelope::{AsyncRangedOpener, AsyncReadAt, ObjectSource, SourceError};

use crate::ranged_async::block_on;
use crate::ranged_sources::source_error;
use crate::support::{key_of, plaintext, plan, run};

/// Remembers the conditions that it is given, and gives what it has without them. Its tags begin with `mark`.
#[derive(Debug)]
struct Lax {
    inner: InMemory,
    mark: &'static str,
    conditions: Mutex<Vec<Option<String>>>,
}

impl fmt::Display for Lax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lax")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Lax {
    async fn put_opts(&self, to: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(to, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(to, options).await
    }

    async fn get_opts(&self, from: &Path, mut options: GetOptions) -> Result<GetResult> {
        if !options.head {
            self.conditions.lock().unwrap().push(options.if_match.take());
        }
        let mut found = self.inner.get_opts(from, options).await?;
        found.meta.e_tag = found.meta.e_tag.map(|tag| format!("{}{tag}", self.mark));
        Ok(found)
    }

    fn delete_stream(&self, all: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(all)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[test]
fn another_version_of_the_same_length_is_noticed_whatever_the_store_heeds() {
    for (mark, asked) in [("", true), ("W/", false)] {
        block_on(async {
            let (inner, conditions) = (InMemory::new(), Mutex::default());
            let lax = Arc::new(Lax {
                inner,
                mark,
                conditions,
            });
            let path = Path::from("image");
            lax.put(&path, vec![1; 100].into()).await.unwrap();
            let store: Arc<dyn ObjectStore> = Arc::clone(&lax) as _;
            let source = ObjectSource::open(store, &path).await.unwrap();
            assert_eq!(source.read_at(10, 5).await.unwrap(), [1; 5].as_slice());
            assert!(source.read_at(200, 0).await.unwrap().is_empty());
            assert!(source.read_at(100, 0).await.unwrap().is_empty());
            assert!(format!("{source:?}").starts_with("ObjectSource { store: Lax, meta: "));
            let conditions = std::mem::take(&mut *lax.conditions.lock().unwrap());
            assert_eq!(conditions.len(), 1);
            assert_eq!(conditions[0].is_some(), asked, "weak tags match nothing");

            for other in [vec![2; 100], vec![1; 101]] {
                lax.put(&path, other.into()).await.unwrap();
                let error = source.read_at(10, 5).await.unwrap_err();
                let error: &SourceError = error.get_ref().unwrap().downcast_ref().unwrap();
                assert!(matches!(error, SourceError::Replaced), "{error}");
            }
        });
    }
}

#[test]
fn an_object_on_a_store_is_read_by_ranges_of_one_version() {
    let plain = plaintext(300_000);
    let plan_a = plan("stored", None, vec![]);
    let plan_b = plan("stored anew", None, vec![]);
    let folder = tempfile::tempdir().unwrap();
    let disk = object_store::local::LocalFileSystem::new_with_prefix(folder.path()).unwrap();
    let stores: [Arc<dyn ObjectStore>; 2] = [Arc::new(InMemory::new()), Arc::new(disk)];
    for store in stores {
        block_on(async {
            let path = Path::from("images/one.sealed");
            let missing = ObjectSource::open(Arc::clone(&store), &path).await.unwrap_err();
            assert!(
                matches!(missing, SourceError::Status { status: 404 }),
                "{missing}"
            );

            store.put(&path, run(&plan_a, &plain).into()).await.unwrap();
            let source = ObjectSource::open(Arc::clone(&store), &path).await.unwrap();
            let len = source.size().await.unwrap();
            for (offset, count) in [(len - 1, 2), (len, 1), (u64::MAX, 1)] {
                let error = source.read_at(offset, count).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
            }
            let opener = AsyncRangedOpener::new(source, |_| Ok(key_of(&plan_a)))
                .await
                .unwrap();
            assert_eq!(opener.read_range(0..300_000).await.unwrap(), plain);

            store.put(&path, run(&plan_b, &plain[1..]).into()).await.unwrap();
            let error = opener.read_range(0..10).await.unwrap_err();
            assert!(matches!(source_error(&error), SourceError::Replaced), "{error:?}");
            store.delete(&path).await.unwrap();
            let error = opener.read_range(0..10).await.unwrap_err();
            assert!(
                matches!(source_error(&error), SourceError::Status { status: 404 }),
                "{error:?}"
            );
        });
    }
}

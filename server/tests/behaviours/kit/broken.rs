use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use sealift_repository::backend::{Backend, Listed, ReadObject, Stored, UploadSink, Version};
use sealift_repository::{Store, StoreError, StorePath};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A store whose reads fail past an offset, or altogether, when it is told so.
#[derive(Debug)]
pub struct BreakingStore {
    inner: Arc<dyn Backend>,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    down: AtomicBool,
    fails_from: AtomicU64,
}

/// The hand that breaks it.
#[derive(Debug, Clone)]
pub struct Hammer(Arc<State>);

impl BreakingStore {
    pub fn around(store: &Store) -> (Store, Hammer) {
        let state = Arc::new(State {
            down: AtomicBool::new(false),
            fails_from: AtomicU64::new(u64::MAX),
        });
        let broken = Self {
            inner: Arc::clone(store.backend()),
            state: Arc::clone(&state),
        };
        (Store::new(Arc::new(broken)), Hammer(state))
    }

    fn check(&self, path: &StorePath) -> Result<(), StoreError> {
        if self.state.down.load(Ordering::SeqCst) {
            Err(unavailable(path))
        } else {
            Ok(())
        }
    }
}

impl Hammer {
    pub fn fail_from(&self, offset: u64) {
        self.0.fails_from.store(offset, Ordering::SeqCst);
    }

    pub fn take_down(&self) {
        self.0.down.store(true, Ordering::SeqCst);
    }
}

fn unavailable(path: &impl ToString) -> StoreError {
    StoreError::Unavailable {
        path: path.to_string(),
        source: "pulled the plug".into(),
    }
}

#[async_trait]
impl Backend for BreakingStore {
    fn address(&self) -> String {
        self.inner.address()
    }

    async fn create(&self, path: &StorePath, bytes: Bytes) -> Result<Version, StoreError> {
        self.check(path)?;
        self.inner.create(path, bytes).await
    }

    async fn replace_if(
        &self,
        path: &StorePath,
        bytes: Bytes,
        seen: &Version,
    ) -> Result<Version, StoreError> {
        self.check(path)?;
        self.inner.replace_if(path, bytes, seen).await
    }

    async fn read(&self, path: &StorePath, max_bytes: u64) -> Result<Option<Stored>, StoreError> {
        self.check(path)?;
        self.inner.read(path, max_bytes).await
    }

    async fn open(&self, path: &StorePath) -> Result<Option<Box<dyn ReadObject>>, StoreError> {
        self.check(path)?;
        let opened = self.inner.open(path).await?;
        let state = Arc::clone(&self.state);
        Ok(opened.map(|inner| Box::new(BreakingObject { inner, state }) as Box<dyn ReadObject>))
    }

    fn list(&self, folder: &StorePath) -> BoxStream<'_, Result<Listed, StoreError>> {
        self.inner.list(folder)
    }

    async fn delete(&self, path: &StorePath) -> Result<(), StoreError> {
        self.inner.delete(path).await
    }

    async fn begin_upload(&self, path: &StorePath, length: u64) -> Result<Box<dyn UploadSink>, StoreError> {
        self.inner.begin_upload(path, length).await
    }
}

#[derive(Debug)]
struct BreakingObject {
    inner: Box<dyn ReadObject>,
    state: Arc<State>,
}

#[async_trait]
impl ReadObject for BreakingObject {
    fn size(&self) -> u64 {
        self.inner.size()
    }

    fn piece_bytes(&self) -> usize {
        self.inner.piece_bytes()
    }

    async fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, StoreError> {
        if offset >= self.state.fails_from.load(Ordering::SeqCst) {
            return Err(unavailable(&"an object"));
        }
        self.inner.read_at(offset, length).await
    }
}

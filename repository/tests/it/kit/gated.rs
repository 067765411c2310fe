//! A store that lets no part through before three of them have come.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use sealift_repository::backend::{Backend, Listed, ReadObject, Stored, UploadSink, Version};
use sealift_repository::{Store, StoreError, StorePath, UploadId};
use tokio::sync::Barrier;

/// The store in front of another one, and who is inside.
pub(crate) fn three_at_once(store: &Store) -> (Store, Arc<Gate>) {
    let gate = Arc::new(Gate {
        barrier: Barrier::new(3),
        inside: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
    });
    let gated = Store::new(Arc::new(ThreeAtOnce {
        inner: Arc::clone(store.backend()),
        gate: Arc::clone(&gate),
    }));
    (gated, gate)
}

/// Parts wait here until three have come, so that fewer at a time would wait for ever.
#[derive(Debug)]
struct ThreeAtOnce {
    inner: Arc<dyn Backend>,
    gate: Arc<Gate>,
}

#[derive(Debug)]
pub(crate) struct Gate {
    barrier: Barrier,
    inside: AtomicUsize,
    most: AtomicUsize,
}

impl Gate {
    /// How many parts were under way together, at most.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
struct GatedSink(Box<dyn UploadSink>, Arc<Gate>);

#[async_trait]
impl UploadSink for GatedSink {
    fn part_bytes(&self) -> usize {
        self.0.part_bytes()
    }

    fn parts_at_once(&self) -> usize {
        self.0.parts_at_once()
    }

    fn id(&self) -> Option<&UploadId> {
        self.0.id()
    }

    async fn put(&self, index: u32, part: Bytes) -> Result<String, StoreError> {
        let inside = self.1.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.1.most.fetch_max(inside, Ordering::SeqCst);
        self.1.barrier.wait().await;
        let put = self.0.put(index, part).await;
        self.1.inside.fetch_sub(1, Ordering::SeqCst);
        put
    }

    async fn complete(&self, receipts: Vec<String>) -> Result<(), StoreError> {
        self.0.complete(receipts).await
    }

    async fn abort(&self) -> Result<(), StoreError> {
        self.0.abort().await
    }
}

#[async_trait]
impl Backend for ThreeAtOnce {
    fn address(&self) -> String {
        self.inner.address()
    }

    async fn create(&self, path: &StorePath, bytes: Bytes) -> Result<Version, StoreError> {
        self.inner.create(path, bytes).await
    }

    async fn replace_if(&self, path: &StorePath, bytes: Bytes, v: &Version) -> Result<Version, StoreError> {
        self.inner.replace_if(path, bytes, v).await
    }

    async fn read(&self, path: &StorePath, max_bytes: u64) -> Result<Option<Stored>, StoreError> {
        self.inner.read(path, max_bytes).await
    }

    async fn open(&self, path: &StorePath) -> Result<Option<Box<dyn ReadObject>>, StoreError> {
        self.inner.open(path).await
    }

    fn list(&self, folder: &StorePath) -> BoxStream<'_, Result<Listed, StoreError>> {
        self.inner.list(folder)
    }

    async fn delete(&self, path: &StorePath) -> Result<(), StoreError> {
        self.inner.delete(path).await
    }

    async fn begin_upload(&self, path: &StorePath, length: u64) -> Result<Box<dyn UploadSink>, StoreError> {
        let sink = self.inner.begin_upload(path, length).await?;
        Ok(Box::new(GatedSink(sink, Arc::clone(&self.gate))))
    }
}

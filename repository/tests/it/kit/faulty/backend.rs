//! The operations of a store, each of them asked for first.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use sealift_repository::backend::{Backend, Listed, ReadObject, Stored, UploadId, UploadSink, Version};
use sealift_repository::{StoreError, StorePath};

use super::{Faulty, Trigger, Write};

#[async_trait]
impl Backend for Faulty {
    fn address(&self) -> String {
        format!("faulty {}", self.inner.address())
    }

    async fn create(&self, path: &StorePath, bytes: Bytes) -> Result<Version, StoreError> {
        let write = Write::Create(path.clone(), bytes.clone());
        let work = self.inner.create(path, bytes);
        self.trigger.write(&*self.inner, write, work).await
    }

    async fn replace_if(
        &self,
        path: &StorePath,
        bytes: Bytes,
        seen: &Version,
    ) -> Result<Version, StoreError> {
        let write = Write::Replace(path.clone(), bytes.clone(), seen.clone());
        let work = self.inner.replace_if(path, bytes, seen);
        self.trigger.write(&*self.inner, write, work).await
    }

    async fn read(&self, path: &StorePath, max_bytes: u64) -> Result<Option<Stored>, StoreError> {
        let work = self.inner.read(path, max_bytes);
        self.trigger.read(path, work).await
    }

    async fn open(&self, path: &StorePath) -> Result<Option<Box<dyn ReadObject>>, StoreError> {
        self.trigger.read(path, self.inner.open(path)).await
    }

    fn list(&self, folder: &StorePath) -> BoxStream<'_, Result<Listed, StoreError>> {
        let folder = folder.clone();
        let asked = async move {
            let listed = async { Ok(self.inner.list(&folder)) };
            let listed = self.trigger.read(&folder, listed).await;
            listed.unwrap_or_else(|e| stream::iter([Err(e)]).boxed())
        };
        stream::once(asked).flatten().boxed()
    }

    async fn delete(&self, path: &StorePath) -> Result<(), StoreError> {
        let write = Write::Delete(path.clone());
        self.trigger
            .write(&*self.inner, write, self.inner.delete(path))
            .await
    }

    async fn begin_upload(&self, path: &StorePath, length: u64) -> Result<Box<dyn UploadSink>, StoreError> {
        let inner = self
            .trigger
            .read(path, self.inner.begin_upload(path, length))
            .await?;
        Ok(self.sink(path, inner))
    }

    async fn resume_upload(
        &self,
        path: &StorePath,
        length: u64,
        id: &UploadId,
    ) -> Result<Option<Box<dyn UploadSink>>, StoreError> {
        let resumed = self.inner.resume_upload(path, length, id).await?;
        Ok(resumed.map(|inner| self.sink(path, inner)))
    }

    async fn abort_upload(&self, path: &StorePath, id: &UploadId) -> Result<(), StoreError> {
        let work = self.inner.abort_upload(path, id);
        self.trigger.read(path, work).await
    }
}

impl Faulty {
    fn sink(&self, path: &StorePath, inner: Box<dyn UploadSink>) -> Box<dyn UploadSink> {
        Box::new(FaultySink {
            inner,
            path: path.clone(),
            trigger: Arc::clone(&self.trigger),
        })
    }
}

/// Parts that are torn or late are nobody's but the upload's own: these two faults do not strike here.
#[derive(Debug)]
struct FaultySink {
    inner: Box<dyn UploadSink>,
    path: StorePath,
    trigger: Arc<Trigger>,
}

#[async_trait]
impl UploadSink for FaultySink {
    fn part_bytes(&self) -> usize {
        self.inner.part_bytes()
    }

    fn parts_at_once(&self) -> usize {
        self.inner.parts_at_once()
    }

    fn id(&self) -> Option<&UploadId> {
        self.inner.id()
    }

    async fn put(&self, index: u32, part: Bytes) -> Result<String, StoreError> {
        self.run(self.inner.put(index, part)).await
    }

    async fn complete(&self, receipts: Vec<String>) -> Result<(), StoreError> {
        self.run(self.inner.complete(receipts)).await
    }

    async fn abort(&self) -> Result<(), StoreError> {
        self.run(self.inner.abort()).await
    }
}

impl FaultySink {
    async fn run<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        self.trigger.read(&self.path, work).await
    }
}

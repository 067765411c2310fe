//! A store that breaks at the k-th operation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use sealift_repository::backend::{Backend, Listed, ReadObject, Stored, UploadId, UploadSink, Version};
use sealift_repository::{Store, StoreError, StorePath};

/// How the k-th operation breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process dies before it: nothing more happens.
    KilledBefore,
    /// The process dies right after it took effect: nothing more happens.
    KilledAfter,
    /// It fails without effect; the next ones work.
    Refused,
    /// It takes effect and the answer is lost; the next ones work.
    AnswerLost,
}

impl Fault {
    pub(crate) const ALL: [Self; 4] = [
        Self::KilledBefore,
        Self::KilledAfter,
        Self::Refused,
        Self::AnswerLost,
    ];
}

/// The decorator. Operations count from 0, reads included.
#[derive(Debug)]
pub(crate) struct Faulty {
    inner: Arc<dyn Backend>,
    trigger: Arc<Trigger>,
}

#[derive(Debug)]
pub(crate) struct Trigger {
    at: u64,
    fault: Fault,
    count: AtomicU64,
}

enum Verdict {
    Pass,
    Refuse,
    Lose,
}

impl Trigger {
    fn next(&self) -> Verdict {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        match (self.fault, number.cmp(&self.at)) {
            (_, std::cmp::Ordering::Less) => Verdict::Pass,
            (Fault::KilledBefore | Fault::Refused, std::cmp::Ordering::Equal) => Verdict::Refuse,
            (Fault::KilledAfter | Fault::AnswerLost, std::cmp::Ordering::Equal) => Verdict::Lose,
            (Fault::KilledBefore | Fault::KilledAfter, std::cmp::Ordering::Greater) => Verdict::Refuse,
            (Fault::Refused | Fault::AnswerLost, std::cmp::Ordering::Greater) => Verdict::Pass,
        }
    }

    /// Whether the fault struck; if not, there were fewer operations.
    pub(crate) fn struck(&self) -> bool {
        self.count.load(Ordering::SeqCst) > self.at
    }

    async fn run<T>(
        &self,
        path: &StorePath,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        match self.next() {
            Verdict::Pass => work.await,
            Verdict::Refuse => Err(gone(path)),
            Verdict::Lose => {
                work.await?;
                Err(gone(path))
            }
        }
    }
}

fn gone(path: &StorePath) -> StoreError {
    StoreError::Unavailable {
        path: path.to_string(),
        source: "injected fault".into(),
    }
}

/// Decorates a store.
pub(crate) fn faulty(store: &Store, at: u64, fault: Fault) -> (Store, Arc<Trigger>) {
    let trigger = Arc::new(Trigger {
        at,
        fault,
        count: AtomicU64::new(0),
    });
    let faulty = Faulty {
        inner: Arc::clone(store.backend()),
        trigger: Arc::clone(&trigger),
    };
    (Store::new(Arc::new(faulty)), trigger)
}

#[async_trait]
impl Backend for Faulty {
    fn address(&self) -> String {
        format!("faulty {}", self.inner.address())
    }

    async fn create(&self, path: &StorePath, bytes: Bytes) -> Result<Version, StoreError> {
        self.trigger.run(path, self.inner.create(path, bytes)).await
    }

    async fn replace_if(
        &self,
        path: &StorePath,
        bytes: Bytes,
        seen: &Version,
    ) -> Result<Version, StoreError> {
        self.trigger
            .run(path, self.inner.replace_if(path, bytes, seen))
            .await
    }

    async fn read(&self, path: &StorePath, max_bytes: u64) -> Result<Option<Stored>, StoreError> {
        self.trigger.run(path, self.inner.read(path, max_bytes)).await
    }

    async fn open(&self, path: &StorePath) -> Result<Option<Box<dyn ReadObject>>, StoreError> {
        self.trigger.run(path, self.inner.open(path)).await
    }

    fn list(&self, folder: &StorePath) -> BoxStream<'_, Result<Listed, StoreError>> {
        match self.trigger.next() {
            Verdict::Pass => self.inner.list(folder),
            Verdict::Refuse | Verdict::Lose => stream::iter([Err(gone(folder))]).boxed(),
        }
    }

    async fn delete(&self, path: &StorePath) -> Result<(), StoreError> {
        self.trigger.run(path, self.inner.delete(path)).await
    }

    async fn begin_upload(&self, path: &StorePath, length: u64) -> Result<Box<dyn UploadSink>, StoreError> {
        let inner = self
            .trigger
            .run(path, self.inner.begin_upload(path, length))
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
        self.trigger.run(path, self.inner.abort_upload(path, id)).await
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
        self.trigger.run(&self.path, self.inner.put(index, part)).await
    }

    async fn complete(&self, receipts: Vec<String>) -> Result<(), StoreError> {
        self.trigger.run(&self.path, self.inner.complete(receipts)).await
    }

    async fn abort(&self) -> Result<(), StoreError> {
        self.trigger.run(&self.path, self.inner.abort()).await
    }
}

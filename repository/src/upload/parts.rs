//! Parts on their way: hashed one after the other, sent several at a time.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};

use super::record::{self, Earlier, KnownPart, Through, UploadRecord};
use crate::backend::UploadSink;
use crate::error::StoreError;

/// Why a part did not arrive.
#[derive(Debug)]
pub(super) enum PartError {
    /// It is not what was sent in its place before.
    Changed(u32),
    /// The store failed.
    Store(StoreError),
}

/// All parts of one upload.
#[derive(Debug)]
pub(super) struct Sending {
    sink: Arc<dyn UploadSink>,
    record: Option<Arc<dyn UploadRecord>>,
    known: BTreeMap<u32, KnownPart>,
    hashing: Hashing,
    under_way: JoinSet<Result<Sent, PartError>>,
    receipts: BTreeMap<u32, String>,
    next: u32,
    length: u64,
    /// A buffer that came back.
    spare: Option<BytesMut>,
}

/// A part that the store has.
#[derive(Debug)]
struct Sent {
    part: u32,
    receipt: String,
    bytes: Bytes,
}

/// What all parts came to.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) sha256: [u8; 32],
    pub(super) length: u64,
    pub(super) receipts: Vec<String>,
}

impl Sending {
    pub(super) fn new(
        sink: Arc<dyn UploadSink>,
        record: Option<Arc<dyn UploadRecord>>,
        earlier: Option<Earlier>,
    ) -> Self {
        Self {
            sink,
            record,
            known: earlier.map(|earlier| earlier.parts).unwrap_or_default(),
            hashing: Hashing::start(),
            under_way: JoinSet::new(),
            receipts: BTreeMap::new(),
            next: 0,
            length: 0,
            spare: None,
        }
    }

    pub(super) fn sink(&self) -> &Arc<dyn UploadSink> {
        &self.sink
    }

    /// How many parts an earlier process sent for good.
    pub(super) fn held(&self) -> usize {
        self.known.values().filter(|part| part.receipt.is_some()).count()
    }

    /// An empty buffer for the next part.
    pub(super) fn buffer(&mut self) -> BytesMut {
        self.spare.take().unwrap_or_default()
    }

    /// Sends one part; returns when there is room in memory for the next.
    pub(super) async fn send(&mut self, bytes: Bytes) -> Result<(), PartError> {
        self.length = self
            .length
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let part = self.next;
        self.next = self.next.saturating_add(1);
        let through = self.hashing.push(bytes.clone()).await;
        let (sink, record) = (Arc::clone(&self.sink), self.record.clone());
        let known = self.known.remove(&part);
        self.under_way
            .spawn(async move { send(part, bytes, through, known, sink, record).await });
        // The one that the caller fills next counts too.
        while self.under_way.len() >= self.sink.parts_at_once().max(2) {
            self.settle_one().await?;
        }
        Ok(())
    }

    async fn settle_one(&mut self) -> Result<(), PartError> {
        let Some(settled) = self.under_way.join_next().await else {
            return Ok(());
        };
        let Sent { part, receipt, bytes } = settled.map_err(|e| PartError::Store(died(e)))??;
        self.receipts.insert(part, receipt);
        // Buffers of megabytes go round; given back to the allocator they would scatter over its arenas.
        if let Ok(mut buffer) = bytes.try_into_mut() {
            buffer.clear();
            self.spare = Some(buffer);
        }
        Ok(())
    }

    /// Waits for all parts.
    pub(super) async fn arrive(&mut self) -> Result<Arrived, PartError> {
        while !self.under_way.is_empty() {
            self.settle_one().await?;
        }
        let sha256 = self.hashing.finish().await.map_err(PartError::Store)?;
        Ok(Arrived {
            sha256,
            length: self.length,
            receipts: std::mem::take(&mut self.receipts).into_values().collect(),
        })
    }

    /// Stops what is under way, for an upload that is given up.
    pub(super) async fn stop(&mut self) {
        self.under_way.shutdown().await;
    }
}

/// One part, from its digest to its receipt.
async fn send(
    part: u32,
    bytes: Bytes,
    through: oneshot::Receiver<Through>,
    known: Option<KnownPart>,
    sink: Arc<dyn UploadSink>,
    record: Option<Arc<dyn UploadRecord>>,
) -> Result<Sent, PartError> {
    let through = through.await.map_err(|e| PartError::Store(died(e)))?;
    match known {
        Some(known) if known.through != through => return Err(PartError::Changed(part)),
        Some(KnownPart {
            receipt: Some(receipt),
            ..
        }) => return Ok(Sent { part, receipt, bytes }),
        Some(_) => {}
        None => write_down(part, through, record.as_ref())
            .await
            .map_err(|error| PartError::Store(StoreError::io("upload record", error)))?,
    }
    let receipt = sink.put(part, bytes.clone()).await.map_err(PartError::Store)?;
    let told = receipt.clone();
    // Without this line the same bytes are sent again, at worst.
    let _ = record::write(record.as_ref(), move |record| record.stored(part, &told)).await;
    Ok(Sent { part, receipt, bytes })
}

async fn write_down(part: u32, through: Through, record: Option<&Arc<dyn UploadRecord>>) -> io::Result<()> {
    match record {
        Some(_) => record::write(record, move |record| Some(record.sending(part, &through)))
            .await?
            .unwrap_or(Ok(())),
        None => Ok(()),
    }
}

/// The sequential digest of the whole, on a thread of its own.
#[derive(Debug)]
struct Hashing {
    parts: Option<mpsc::Sender<(Bytes, oneshot::Sender<Through>)>>,
    whole: Option<JoinHandle<[u8; 32]>>,
}

impl Hashing {
    fn start() -> Self {
        // Parts wait in their tasks, whose number is bounded; the queue holds no more of them than one.
        let (parts, mut queue) = mpsc::channel::<(Bytes, oneshot::Sender<Through>)>(1);
        let whole = spawn_blocking(move || {
            let mut sha256 = Sha256::new();
            while let Some((bytes, told)) = queue.blocking_recv() {
                sha256.update(&bytes);
                // Nobody waits for it any more when the upload was given up.
                let _ = told.send(sha256.clone().finalize().into());
            }
            sha256.finalize().into()
        });
        Self {
            parts: Some(parts),
            whole: Some(whole),
        }
    }

    async fn push(&self, bytes: Bytes) -> oneshot::Receiver<Through> {
        let (told, through) = oneshot::channel();
        if let Some(parts) = &self.parts {
            // A thread that died lets go of the sender, which the receiver notices.
            let _ = parts.send((bytes, told)).await;
        }
        through
    }

    async fn finish(&mut self) -> Result<[u8; 32], StoreError> {
        self.parts = None;
        let whole = self.whole.take().ok_or_else(|| died("finished twice"))?;
        whole.await.map_err(died)
    }
}

fn died(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::io("upload", io::Error::other(error))
}

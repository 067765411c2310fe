//! An upload onto the local disk: a temporary file that gets its name when it is whole.
//!
//! Nothing is kept for another process. What a resumed upload saves is sending; here, reading and sealing the source again
//! is the work, and trusting a file that was being written when the machine stopped would cost a sync for each part.
//! A process that is killed leaves its file behind, unlocked; the next upload into the same repository removes it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use tempfile::NamedTempFile;
use tokio::sync::RwLock;

use super::disk::{Disk, Existing, blocking};
use super::{UploadId, UploadSink};
use crate::error::StoreError;
use crate::path::StorePath;

/// Length of a part, in bytes.
const PART_BYTES: usize = 4 * 1024 * 1024;
/// One part is filled while the other is written.
const PARTS_AT_ONCE: usize = 2;
/// How the names of unfinished uploads begin. Each is locked by the process that writes it.
const PREFIX: &str = ".upload-";
/// How often a new file may be swept away by somebody else between its making and its locking.
const ATTEMPTS: u32 = 10;

/// The temporary file; dropping it removes it.
#[derive(Debug)]
pub(super) struct DiskUpload {
    disk: Disk,
    path: StorePath,
    file: Mutex<Option<Arc<NamedTempFile>>>,
    /// Read by each part while it is written, also when nobody waits for it any more.
    writing: Arc<RwLock<()>>,
}

impl DiskUpload {
    /// Removes what killed processes left, and makes a file that is locked.
    pub(super) fn begin(disk: Disk, path: &StorePath) -> io::Result<Self> {
        sweep(&disk.staging()?)?;
        for _ in 0..ATTEMPTS {
            let file = disk.temporary(path, PREFIX)?;
            if is_ours(&file)? {
                return Ok(Self {
                    disk,
                    path: path.clone(),
                    file: Mutex::new(Some(Arc::new(file))),
                    writing: Arc::default(),
                });
            }
        }
        Err(io::Error::other(
            "the new upload's file is removed again and again",
        ))
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<NamedTempFile>>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file for the last act; no part is under way any more.
    fn take(&self) -> Result<NamedTempFile, StoreError> {
        let busy = || StoreError::io(&self.path, io::Error::other("this upload is over or still busy"));
        let file = self.slot().take().ok_or_else(busy)?;
        Arc::try_unwrap(file).map_err(|_| busy())
    }
}

#[async_trait]
impl UploadSink for DiskUpload {
    fn part_bytes(&self) -> usize {
        PART_BYTES
    }

    fn parts_at_once(&self) -> usize {
        PARTS_AT_ONCE
    }

    fn id(&self) -> Option<&UploadId> {
        None
    }

    async fn put(&self, index: u32, part: Bytes) -> Result<String, StoreError> {
        let over = || StoreError::io(&self.path, io::Error::other("this upload is over"));
        let writing = Arc::clone(&self.writing).read_owned().await;
        let file = self.slot().clone().ok_or_else(over)?;
        let path = self.path.clone();
        let offset = u64::from(index) * PART_BYTES as u64;
        blocking(&self.path, move || {
            let written = file.as_file().write_all_at(&part, offset);
            drop(file);
            drop(writing);
            written.map_err(|e| StoreError::io(&path, e))
        })
        .await?;
        Ok(String::new())
    }

    async fn complete(&self, _receipts: Vec<String>) -> Result<(), StoreError> {
        let file = self.take()?;
        let (disk, path) = (self.disk.clone(), self.path.clone());
        blocking(&self.path, move || {
            disk.install(file, &path, Existing::Replaced)
                .map_err(|e| StoreError::io(&path, e))
        })
        .await
    }

    async fn abort(&self) -> Result<(), StoreError> {
        let file = self.slot().take();
        // A part that is still being written holds the file: it is gone when the last of them is done.
        let _none_is = self.writing.write().await;
        drop(file);
        Ok(())
    }
}

/// Removes unfinished uploads that nobody holds a lock on.
fn sweep(staging: &Path) -> io::Result<()> {
    for entry in fs::read_dir(staging)? {
        let entry = entry?;
        let unfinished = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX));
        if !unfinished || !entry.file_type()?.is_file() {
            continue;
        }
        // Whatever goes wrong here is left for the next time: another process may be at the same work.
        if let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// Locks a new file; false when somebody swept it away before that.
fn is_ours(file: &NamedTempFile) -> io::Result<bool> {
    match file.as_file().try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let (held, named) = (file.as_file().metadata()?, fs::metadata(file.path()));
    Ok(named.is_ok_and(|named| named.ino() == held.ino()))
}

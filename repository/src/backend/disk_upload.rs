//! An upload onto the local disk: a temporary file that gets its name when it is whole.

use std::io::Write;

use async_trait::async_trait;
use bytes::Bytes;
use tempfile::NamedTempFile;

use super::UploadSink;
use super::disk::{Disk, Existing, blocking};
use crate::error::StoreError;
use crate::path::StorePath;

/// Piece length of writes, in bytes.
const WRITE_PIECE_BYTES: usize = 4 * 1024 * 1024;

/// The temporary file; dropping it removes it.
#[derive(Debug)]
pub(super) struct DiskUpload {
    disk: Disk,
    path: StorePath,
    /// Out on loan while a piece is written; lost when that fails, and with it the upload.
    file: Option<NamedTempFile>,
}

impl DiskUpload {
    pub(super) fn new(disk: Disk, path: StorePath, file: NamedTempFile) -> Self {
        Self {
            disk,
            path,
            file: Some(file),
        }
    }

    fn take(&mut self) -> Result<NamedTempFile, StoreError> {
        let broken = || std::io::Error::other("an earlier write of this upload failed");
        self.file
            .take()
            .ok_or_else(|| StoreError::io(&self.path, broken()))
    }
}

#[async_trait]
impl UploadSink for DiskUpload {
    fn piece_bytes(&self) -> usize {
        WRITE_PIECE_BYTES
    }

    async fn write(&mut self, piece: Bytes) -> Result<(), StoreError> {
        let mut file = self.take()?;
        let path = self.path.clone();
        let file = blocking(&self.path, move || {
            file.write_all(&piece).map_err(|e| StoreError::io(&path, e))?;
            Ok(file)
        })
        .await?;
        self.file = Some(file);
        Ok(())
    }

    async fn complete(mut self: Box<Self>) -> Result<(), StoreError> {
        let file = self.take()?;
        let (disk, path) = (self.disk.clone(), self.path.clone());
        blocking(&self.path, move || {
            disk.install(file, &path, Existing::Replaced)
                .map_err(|e| StoreError::io(&path, e))
        })
        .await
    }

    async fn abort(mut self: Box<Self>) -> Result<(), StoreError> {
        let Some(file) = self.file.take() else {
            return Ok(());
        };
        let path = self.path.clone();
        blocking(&self.path, move || {
            file.close().map_err(|e| StoreError::io(&path, e))
        })
        .await
    }
}

//! An upload for producers that write synchronously.

use std::io::{self, Write};

use tokio::runtime::Handle;

use super::{ObjectUpload, UploadError};

/// An [`ObjectUpload`] as [`std::io::Write`]. Panics inside an async task, so keep it on a blocking thread.
#[derive(Debug)]
pub struct UploadWriter {
    upload: ObjectUpload,
    runtime: Handle,
    failure: Option<UploadError>,
}

impl UploadWriter {
    pub(super) fn new(upload: ObjectUpload, runtime: Handle) -> Self {
        Self {
            upload,
            runtime,
            failure: None,
        }
    }

    /// The upload, to be finished or aborted, and what ended it, which [`io::Error`] could not carry.
    #[must_use]
    pub fn into_inner(self) -> (ObjectUpload, Option<UploadError>) {
        (self.upload, self.failure)
    }
}

impl Write for UploadWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.runtime.block_on(self.upload.write(bytes)) {
            let said = io::Error::other(error.to_string());
            self.failure.get_or_insert(error);
            return Err(said);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! Files and other blocking sources, on tokio's threads for blocking work.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{AsyncReadAt, ReadAt};

/// A blocking source, read on tokio's pool of threads for that. Needs a tokio runtime.
#[derive(Debug)]
pub struct Blocking<R> {
    source: Arc<R>,
}

impl<R: ReadAt + Send + Sync + 'static> Blocking<R> {
    /// Wraps a file, for instance.
    pub fn new(source: R) -> Self {
        Self {
            source: Arc::new(source),
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&R) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let source = Arc::clone(&self.source);
        tokio::task::spawn_blocking(move || work(&source))
            .await
            .map_err(io::Error::other)?
    }
}

#[async_trait]
impl<R: ReadAt + Send + Sync + 'static> AsyncReadAt for Blocking<R> {
    async fn size(&self) -> io::Result<u64> {
        self.run(ReadAt::size).await
    }

    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        self.run(move |source| {
            let mut bytes = vec![0; len];
            source.read_exact_at(offset, &mut bytes)?;
            Ok(bytes.into())
        })
        .await
    }
}

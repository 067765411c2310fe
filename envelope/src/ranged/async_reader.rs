//! `AsyncRead + AsyncSeek` over a sealed image.

use std::fmt;
use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncSeek, ReadBuf};

use super::AsyncReadAt;
use super::async_opener::Shared;
use super::cache::{Ahead, Cache};
use super::core::Chunks;
use super::reader::target;
use crate::error::OpenError;

/// The plaintext of a sealed image as `AsyncRead + AsyncBufRead + AsyncSeek`; made by
/// [`AsyncRangedOpener::reader`](crate::AsyncRangedOpener::reader).
///
/// Cost, cache and errors are those of [`RangedReader`](crate::RangedReader): a read after a seek asks for the chunks that
/// cover it, reads that go on are joined into requests of up to 128 KiB, one at a time.
///
/// A read that is dropped loses nothing: its request stays with the reader, and the next read takes it over if it starts
/// in the same chunk; otherwise the request is dropped.
pub struct AsyncRangedReader<S> {
    shared: Arc<Shared<S>>,
    cache: Cache,
    position: u64,
    pending: Option<Pending>,
}

struct Pending {
    chunks: Chunks,
    answer: BoxFuture<'static, Result<Bytes, OpenError>>,
}

impl<S> AsyncRangedReader<S> {
    pub(super) fn new(shared: Arc<Shared<S>>) -> Self {
        Self {
            shared,
            cache: Cache::default(),
            position: 0,
            pending: None,
        }
    }

    /// Bytes of plaintext, authenticated.
    pub fn plain_length(&self) -> u64 {
        self.shared.core.plain_length()
    }
}

impl<S: AsyncReadAt + 'static> AsyncRangedReader<S> {
    /// Sees to it that the chunk of the position is here, if there is one; `wanted` bytes are asked for in all.
    fn poll_chunk(&mut self, context: &mut Context<'_>, wanted: usize) -> Poll<io::Result<()>> {
        let core = &self.shared.core;
        while self.cache.get(core, self.position).is_none() {
            let first = crate::Layout::chunk_of(self.position);
            let pending = match self.pending.take() {
                Some(pending) if pending.chunks.first == first => pending,
                _ => {
                    let chunks = self
                        .cache
                        .plan(core, self.position, wanted, &mut Ahead::Undecided);
                    let shared = Arc::clone(&self.shared);
                    Pending {
                        chunks,
                        answer: Box::pin(async move { shared.fetch(chunks).await }),
                    }
                }
            };
            let pending = self.pending.insert(pending);
            let (chunks, answer) = (pending.chunks, ready!(pending.answer.as_mut().poll(context)));
            self.pending = None;
            let opened = answer.and_then(|sealed| self.cache.open(core, chunks, &sealed));
            if let Err(error) = opened {
                self.cache.failed();
                return Poll::Ready(Err(error.into()));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn here(&mut self) -> &[u8] {
        self.cache
            .get(&self.shared.core, self.position)
            .unwrap_or_default()
    }
}

impl<S: AsyncReadAt + 'static> AsyncRead for AsyncRangedReader<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        ready!(this.poll_chunk(context, buf.remaining()))?;
        // As far as what is here goes; more is fetched by the next poll.
        loop {
            let found = this.here();
            let count = found.len().min(buf.remaining());
            if count == 0 {
                break;
            }
            buf.put_slice(&found[..count]);
            this.position += count as u64;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncReadAt + 'static> AsyncBufRead for AsyncRangedReader<S> {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        ready!(this.poll_chunk(context, 1))?;
        Poll::Ready(Ok(this.here()))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        this.position = this.position.saturating_add(amount as u64);
    }
}

impl<S: AsyncReadAt + 'static> AsyncSeek for AsyncRangedReader<S> {
    fn start_seek(self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        let this = self.get_mut();
        this.position = target(to, this.position, this.plain_length())?;
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Ok(self.position))
    }
}

impl<S> fmt::Debug for AsyncRangedReader<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncRangedReader")
            .field("position", &self.position)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

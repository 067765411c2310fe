//! Ranges of an image behind a network, on tokio.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use futures::stream::try_unfold;
use zeroize::Zeroizing;

use super::async_reader::AsyncRangedReader;
use super::core::{Chunks, ClaimedLength, RangedCore};
use super::{BATCH, reserve};
use crate::content_key::ContentKey;
use crate::error::{FormatError, OpenError, UnwrapError};
use crate::header::{Header, MAX_HEADER_LEN};

/// Bytes of the first read: the header of an image with a few recipients, in one request.
const HEADER_GUESS: usize = 4096;
/// Chunks opened without a look at what else is waiting: 128 KiB, well below a tenth of a millisecond.
const BREATH: u64 = 8;

/// Bytes behind a network, or anything else that is waited for, that can be read at any place.
#[async_trait]
pub trait AsyncReadAt: Send + Sync {
    /// How many bytes there are. A claim, for whoever opens: the last chunk has to prove it.
    ///
    /// # Errors
    /// Whatever the source fails with.
    async fn size(&self) -> io::Result<u64>;

    /// Exactly `len` bytes from `offset` on, from the same object at every call. The future can be dropped at any time.
    ///
    /// # Errors
    /// Whatever the source fails with. An implementation must not collect more than `len` bytes; that a shorter or longer
    /// answer is refused does not depend on it.
    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes>;
}

#[async_trait]
impl<T: AsyncReadAt + ?Sized> AsyncReadAt for Arc<T> {
    async fn size(&self) -> io::Result<u64> {
        T::size(self).await
    }

    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        T::read_at(self, offset, len).await
    }
}

#[async_trait]
impl AsyncReadAt for Bytes {
    async fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Self> {
        let start = usize::try_from(offset).ok();
        let range = start.and_then(|start| Some(start..start.checked_add(len)?));
        range
            .filter(|range| range.end <= self.len())
            .map(|range| self.slice(range))
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

/// Opens any range of an image behind a network and reads only the chunks that cover it.
///
/// A cheap handle: clones share the source, the keys and the last chunk, and can be used at the same time. Opening takes two
/// requests beside whatever the source does to find its size, a range one for each MiB, one after the other. Decryption
/// runs on the calling task, 128 KiB at a time with the executor's other tasks in between.
///
/// Every future can be dropped at any await; nothing is lost but the request under way.
#[derive(Debug)]
pub struct AsyncRangedOpener<S> {
    shared: Arc<Shared<S>>,
}

#[derive(Debug)]
pub(super) struct Shared<S> {
    source: S,
    pub(super) core: RangedCore,
}

impl<S> Clone for AsyncRangedOpener<S> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S: AsyncReadAt> AsyncRangedOpener<S> {
    /// Reads the header, asks `find_key` for the content key, and authenticates the length.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn new(
        source: S,
        find_key: impl FnOnce(&Header) -> Result<ContentKey, UnwrapError>,
    ) -> Result<Self, OpenError> {
        let header = Self::read_header(&source).await?;
        let key = find_key(&header)?;
        Self::with_key(source, header, &key).await
    }

    /// The header of a source, for callers that have to wait for the content key or want to see the header before they ask.
    ///
    /// # Errors
    /// [`OpenError::Format`], [`OpenError::Read`].
    pub async fn read_header(source: &S) -> Result<Header, OpenError> {
        let size = source.size().await.map_err(OpenError::Read)?;
        let size = usize::try_from(size).unwrap_or(usize::MAX).min(MAX_HEADER_LEN);
        let mut wanted = HEADER_GUESS;
        let mut bytes = Vec::new();
        loop {
            let rest = wanted.min(size).saturating_sub(bytes.len());
            if rest > 0 {
                bytes.extend_from_slice(&read(source, bytes.len() as u64, rest).await?);
            }
            match Header::parse(&bytes) {
                Ok((header, _)) => return Ok(header),
                Err(FormatError::Truncated { needed, .. }) if (bytes.len() + 1..=size).contains(&needed) => {
                    wanted = needed;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// As [`AsyncRangedOpener::new`], with a header and content key that are known.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn with_key(source: S, header: Header, key: &ContentKey) -> Result<Self, OpenError> {
        let size = source.size().await.map_err(OpenError::Read)?;
        let claim = ClaimedLength::new(header, key, size)?;
        let last = read_range(&source, claim.last_chunk()).await?;
        let core = claim.prove(&last)?;
        Ok(Self {
            shared: Arc::new(Shared { source, core }),
        })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        self.shared.core.header()
    }

    /// Bytes of plaintext, authenticated.
    pub fn plain_length(&self) -> u64 {
        self.shared.core.plain_length()
    }

    /// A reader with a cursor and a cache of its own, at the start of the plaintext.
    pub fn reader(&self) -> AsyncRangedReader<S> {
        AsyncRangedReader::new(Arc::clone(&self.shared))
    }

    /// Bytes `range` of the plaintext, at once: its length is the caller's to bound. Wiped when the last clone is dropped.
    ///
    /// # Errors
    /// [`OpenError::Range`] outside the plaintext, else [`OpenError`].
    pub async fn read_range(&self, range: Range<u64>) -> Result<Bytes, OpenError> {
        let core = &self.shared.core;
        let mut chunks = core.plan(&range)?;
        let mut out = Zeroizing::new(Vec::new());
        reserve(&mut out, &range)?;
        while let Some(batch) = chunks.take_front(BATCH) {
            self.shared.append(batch, &range, &mut out).await?;
        }
        core.append_last(&range, &mut out);
        Ok(Bytes::from_owner(out))
    }

    /// Bytes `range` of the plaintext in pieces of at most 1 MiB. The next piece is asked for when it is polled for, so that a
    /// slow consumer holds one piece and no more. After an error the stream ends.
    ///
    /// # Errors
    /// [`OpenError::Range`] outside the plaintext, at once; what else can go wrong comes from the stream.
    pub fn stream_range(
        &self,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes, OpenError>> + Send + use<S>, OpenError>
    where
        S: 'static,
    {
        let chunks = self.shared.core.plan(&range)?;
        let shared = Arc::clone(&self.shared);
        Ok(try_unfold((chunks, range), move |(mut chunks, range)| {
            let shared = Arc::clone(&shared);
            async move {
                if range.is_empty() {
                    return Ok(None);
                }
                let mut out = Zeroizing::new(Vec::new());
                let end = match chunks.take_front(BATCH) {
                    Some(batch) => {
                        let end = batch.plain_end().min(range.end);
                        reserve(&mut out, &(range.start..end))?;
                        shared.append(batch, &range, &mut out).await?;
                        end
                    }
                    None => {
                        reserve(&mut out, &range)?;
                        shared.core.append_last(&range, &mut out);
                        range.end
                    }
                };
                Ok(Some((Bytes::from_owner(out), (chunks, end..range.end))))
            }
        }))
    }
}

impl<S: AsyncReadAt> Shared<S> {
    /// The sealed bytes of `chunks`.
    pub(super) async fn fetch(&self, chunks: Chunks) -> Result<Bytes, OpenError> {
        read_range(&self.source, self.core.sealed_range(chunks)).await
    }

    /// Reads and opens `chunks`; appends what lies in `range`.
    async fn append(
        &self,
        mut chunks: Chunks,
        range: &Range<u64>,
        out: &mut Vec<u8>,
    ) -> Result<(), OpenError> {
        let mut sealed = self.fetch(chunks).await?;
        let mut opened = Zeroizing::new(Vec::new());
        while let Some(part) = chunks.take_front(BREATH) {
            let place = self.core.sealed_range(part);
            let bytes = sealed.split_to(length(&place)?.min(sealed.len()));
            opened.clear();
            opened.reserve(bytes.len());
            self.core.open(part, &bytes, &mut opened)?;
            RangedCore::append_opened(part, &opened, range, out);
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

async fn read_range<S: AsyncReadAt>(source: &S, range: Range<u64>) -> Result<Bytes, OpenError> {
    read(source, range.start, length(&range)?).await
}

/// What the source gives, if it is as much as it was asked for.
async fn read<S: AsyncReadAt>(source: &S, offset: u64, len: usize) -> Result<Bytes, OpenError> {
    let bytes = source.read_at(offset, len).await.map_err(OpenError::Read)?;
    match bytes.len() == len {
        true => Ok(bytes),
        false => Err(OpenError::Answer {
            asked: len as u64,
            got: bytes.len() as u64,
        }),
    }
}

fn length(range: &Range<u64>) -> Result<usize, OpenError> {
    usize::try_from(range.end - range.start).map_err(|_| OpenError::TooLong)
}

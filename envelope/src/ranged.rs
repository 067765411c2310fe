//! Random access to a sealed image (§4.6).

use std::io;

use crate::cobblestone::BodyKeys;
use crate::content_key::ContentKey;
use crate::error::{OpenError, UnwrapError};
use crate::header::Header;
use crate::layout::{CHUNK_LEN, Layout, SEALED_CHUNK_LEN};

/// Chunks read in one go, at most: 1 MiB.
const BATCH: u64 = 64;

/// Bytes that can be read at any place: a file, memory, or ranges of an object.
pub trait ReadAt {
    /// How many bytes there are.
    ///
    /// # Errors
    /// Whatever the source fails with.
    fn size(&self) -> io::Result<u64>;

    /// Fills `buf` from `offset` on.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] behind the end; otherwise whatever the source fails with.
    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()>;
}

impl ReadAt for [u8] {
    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).ok();
        let range = start.and_then(|s| Some(s..s.checked_add(buf.len())?));
        let bytes = range
            .and_then(|r| self.get(r))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buf.copy_from_slice(bytes);
        Ok(())
    }
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> io::Result<u64> {
        self.as_slice().size()
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.as_slice().read_exact_at(offset, buf)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn size(&self) -> io::Result<u64> {
        T::size(self)
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        T::read_exact_at(self, offset, buf)
    }
}

impl ReadAt for std::fs::File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buf, offset)
    }

    #[cfg(windows)]
    fn read_exact_at(&self, mut offset: u64, mut buf: &mut [u8]) -> io::Result<()> {
        while !buf.is_empty() {
            match std::os::windows::fs::FileExt::seek_read(self, buf, offset)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => {
                    buf = &mut buf[n..];
                    offset += n as u64;
                }
            }
        }
        Ok(())
    }
}

/// Opens any range of an image and reads only the chunks that cover it.
///
/// The length is authenticated first, by opening the last chunk; that chunk is kept and never read again.
#[derive(Debug)]
pub struct RangedOpener<R> {
    source: R,
    header: Header,
    keys: BodyKeys,
    layout: Layout,
    last: Vec<u8>,
    sealed: Vec<u8>,
}

impl<R: ReadAt> RangedOpener<R> {
    /// Reads the header, asks `find_key` for the content key, and authenticates the length.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn new(
        source: R,
        find_key: impl FnOnce(&Header) -> Result<ContentKey, UnwrapError>,
    ) -> Result<Self, OpenError> {
        let size = source.size().map_err(OpenError::Read)?;
        let header = Header::read_with(|buffer, from| {
            let offset = from as u64;
            if size < buffer.len() as u64 {
                return Err(crate::header::truncated(buffer.len()));
            }
            source
                .read_exact_at(offset, &mut buffer[from..])
                .map_err(OpenError::Read)
        })?;
        let key = find_key(&header)?;
        let keys = header.body_keys(&key)?;
        let layout = Layout::from_sealed_len(header.header_len(), size)?;
        let mut opener = Self {
            source,
            header,
            keys,
            layout,
            last: Vec::new(),
            sealed: Vec::new(),
        };
        let mut last = Vec::with_capacity(CHUNK_LEN);
        opener.open_chunks(layout.last_chunk(), 1, &mut last)?;
        opener.last = last;
        match opener.header.plain_length() {
            Some(announced) if announced != layout.plain_len() => Err(OpenError::PlainLength {
                announced,
                found: layout.plain_len(),
            }),
            _ => Ok(opener),
        }
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes of plaintext, authenticated.
    pub fn plain_length(&self) -> u64 {
        self.layout.plain_len()
    }

    /// Appends `len` bytes of plaintext from `start` on to `out`; on failure `out` is as before.
    ///
    /// # Errors
    /// [`OpenError::Range`] outside the plaintext, else [`OpenError`].
    pub fn read_range(&mut self, start: u64, len: u64, out: &mut Vec<u8>) -> Result<(), OpenError> {
        let plain_length = self.plain_length();
        let range = OpenError::Range {
            start,
            len,
            plain_length,
        };
        let Some(end) = start.checked_add(len).filter(|end| *end <= plain_length) else {
            return Err(range);
        };
        let from = out.len();
        let result = self.copy_range(start, end, out);
        if result.is_err() {
            out.truncate(from);
        }
        result
    }

    /// Fills `buf` from plaintext byte `start` on, short at the end of the plaintext; returns how much was filled.
    ///
    /// # Errors
    /// [`OpenError`]; `buf` then holds nothing of use.
    pub fn read_at(&mut self, start: u64, buf: &mut [u8]) -> Result<usize, OpenError> {
        let rest = self.plain_length().saturating_sub(start);
        let len = usize::try_from(rest).unwrap_or(usize::MAX).min(buf.len());
        let mut out = Vec::with_capacity(len);
        if len > 0 {
            self.read_range(start, len as u64, &mut out)?;
        }
        buf[..len].copy_from_slice(&out);
        Ok(len)
    }

    fn copy_range(&mut self, start: u64, end: u64, out: &mut Vec<u8>) -> Result<(), OpenError> {
        if start == end {
            return Ok(());
        }
        let last_chunk = self.layout.last_chunk();
        let (mut chunk, until) = (Layout::chunk_of(start), Layout::chunk_of(end - 1) + 1);
        let whole_until = until.min(last_chunk);
        let mut plain = Vec::new();
        while chunk < whole_until {
            let count = (whole_until - chunk).min(BATCH);
            plain.clear();
            self.open_chunks(chunk, count, &mut plain)?;
            append_overlap(&plain, chunk, start, end, out);
            chunk += count;
        }
        if until > last_chunk {
            append_overlap(&self.last, last_chunk, start, end, out);
        }
        Ok(())
    }

    /// Reads and opens chunks `first..first + count`, at most [`BATCH`], onto `out`.
    fn open_chunks(&mut self, first: u64, count: u64, out: &mut Vec<u8>) -> Result<(), OpenError> {
        let (from, to) = (
            self.layout.offset(first),
            self.layout.offset(first + count).min(self.layout.sealed_len()),
        );
        let len = usize::try_from(to - from).map_err(|_| OpenError::TooLong)?;
        self.sealed.resize(len, 0);
        self.source
            .read_exact_at(from, &mut self.sealed)
            .map_err(OpenError::Read)?;
        for (index, chunk) in (first..).zip(self.sealed.chunks(SEALED_CHUNK_LEN)) {
            self.keys.open_chunk(index, chunk, out)?;
        }
        Ok(())
    }
}

/// Appends that part of `plain`, which starts with chunk `first`, that lies in `start..end`.
fn append_overlap(plain: &[u8], first: u64, start: u64, end: u64, out: &mut Vec<u8>) {
    let base = first * CHUNK_LEN as u64;
    let clamp = |at: u64| {
        usize::try_from(at.saturating_sub(base))
            .unwrap_or(usize::MAX)
            .min(plain.len())
    };
    out.extend_from_slice(&plain[clamp(start)..clamp(end)]);
}

//! An image read only as far as its segments are the signed ones.

use std::cell::{Cell, RefCell};
use std::io;

use sealift_envelope::{ReadAt, SegmentList};

use super::open::not_signed;
use crate::failure::Failure;

/// Hands out bytes of the image only from segments whose digest is in the signed list; the last one is kept.
pub(super) struct SignedSegments<'a> {
    image: &'a dyn ReadAt,
    list: SegmentList,
    kept: RefCell<Option<(u64, Vec<u8>)>>,
    refused: Cell<Option<u64>>,
}

impl<'a> SignedSegments<'a> {
    pub(super) fn new(image: &'a dyn ReadAt, list: SegmentList) -> Self {
        Self {
            image,
            list,
            kept: RefCell::new(None),
            refused: Cell::new(None),
        }
    }

    /// Why a read failed, if it was for bytes that nobody signed.
    pub(super) fn refusal(&self) -> Option<Failure> {
        let index = self.refused.get()?;
        Some(not_signed(format!(
            "segment {index} of the sealed bytes is not the signed one"
        )))
    }

    /// The bytes of a segment, checked.
    fn load(&self, index: u64) -> io::Result<Vec<u8>> {
        let range = self
            .list
            .segment_range(index)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.image.read_exact_at(range.start, &mut bytes)?;
        if self.list.check(index, &bytes) {
            return Ok(bytes);
        }
        self.refused.set(Some(index));
        Err(io::ErrorKind::InvalidData.into())
    }
}

impl ReadAt for SignedSegments<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.list.object_length())
    }

    fn read_exact_at(&self, mut offset: u64, mut buf: &mut [u8]) -> io::Result<()> {
        let size = self.list.size().bytes();
        let mut kept = self.kept.borrow_mut();
        while !buf.is_empty() {
            let index = offset / size;
            let (_, segment) = match kept.take() {
                Some(segment) if segment.0 == index => kept.insert(segment),
                _ => kept.insert((index, self.load(index)?)),
            };
            let within = usize::try_from(offset % size).map_err(io::Error::other)?;
            let rest = segment
                .get(within..)
                .filter(|rest| !rest.is_empty())
                .ok_or(io::ErrorKind::UnexpectedEof)?;
            let (now, later) = buf.split_at_mut(rest.len().min(buf.len()));
            now.copy_from_slice(&rest[..now.len()]);
            offset += now.len() as u64;
            buf = later;
        }
        Ok(())
    }
}

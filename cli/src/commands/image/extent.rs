//! How long the file should be by its own header: an image that is cut off, as by a download that broke off, is named as
//! such. It is a hint and no proof, since only the last chunk shows the true length, but it needs no key.

use std::io::{self, Read};

use sealift_envelope::{Header, OpenError};

use crate::failure::Failure;

/// What is wrong with a file of `found` bytes behind this header; `None` if nothing is, or if nobody knows.
pub(super) fn mismatch(header: &Header, found: u64) -> Option<Mismatch> {
    let expected = header.sealed_length().filter(|expected| *expected != found)?;
    Some(Mismatch { expected, found })
}

/// A file of another length than its header announces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mismatch {
    expected: u64,
    found: u64,
}

impl Mismatch {
    /// The sentence.
    pub(super) fn told(self, subject: &str) -> String {
        let Self { expected, found } = self;
        let how = match found < expected {
            true => "it is cut off",
            false => "there is something behind its end",
        };
        format!("{subject} has {found} bytes and by its header should have {expected}: {how}")
    }

    /// The refusal.
    pub(super) fn refusal(self, subject: &str) -> Failure {
        Failure::refused(self.told(subject)).next(match self.found < self.expected {
            true => "fetch the rest of it, or the whole image again; nothing of it is to be used",
            false => "fetch the image again; nothing of it is to be used",
        })
    }
}

/// Counts what is read of a pipe, whose length shows only at its end.
#[derive(Debug)]
pub(super) struct Counted<R> {
    inner: R,
    read: u64,
    ended: bool,
}

impl<R> Counted<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            read: 0,
            ended: false,
        }
    }

    /// Why opening failed, if it was for a pipe that ended early.
    pub(super) fn ended_early(&self, header: &Header, error: &OpenError) -> Option<Mismatch> {
        let of_the_body = matches!(error, OpenError::Chunk { .. } | OpenError::Truncated { .. });
        let found = Some(self.read).filter(|_| self.ended && of_the_body)?;
        mismatch(header, found)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read += read as u64;
        self.ended |= read == 0 && !buffer.is_empty();
        Ok(read)
    }
}

//! Deterministic CBOR (§2): every structure has exactly one encoding, and only that one is read.
//!
//! A structure is decoded field by field and then encoded again; bytes that differ are refused. That catches long
//! integer forms, indefinite lengths, tags and misordered or doubled keys in one place.

use std::convert::Infallible;

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

use crate::error::FormatError;

pub(crate) type Writer = Encoder<Vec<u8>>;

/// Encodes with `write`. Writing to memory cannot fail.
pub(crate) fn encode(
    write: impl FnOnce(&mut Writer) -> Result<(), minicbor::encode::Error<Infallible>>,
) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    let written = write(&mut encoder);
    debug_assert!(written.is_ok(), "memory takes every byte");
    encoder.into_writer()
}

/// A decoder that names the structure in its errors.
pub(crate) struct Reader<'b> {
    decoder: Decoder<'b>,
    what: &'static str,
}

impl<'b> Reader<'b> {
    pub(crate) fn new(bytes: &'b [u8], what: &'static str) -> Self {
        Self {
            decoder: Decoder::new(bytes),
            what,
        }
    }

    fn refuse(&self) -> FormatError {
        FormatError::Cbor { what: self.what }
    }

    /// A map of exactly `len` pairs.
    pub(crate) fn map(&mut self, len: u64) -> Result<(), FormatError> {
        match self.decoder.map() {
            Ok(Some(found)) if found == len => Ok(()),
            _ => Err(self.refuse()),
        }
    }

    /// The key of the next pair, which must be `key`.
    pub(crate) fn key(&mut self, key: u64) -> Result<(), FormatError> {
        if self.uint()? == key {
            Ok(())
        } else {
            Err(self.refuse())
        }
    }

    /// The number of items of an array.
    pub(crate) fn array(&mut self) -> Result<u64, FormatError> {
        self.decoder.array().ok().flatten().ok_or_else(|| self.refuse())
    }

    pub(crate) fn uint(&mut self) -> Result<u64, FormatError> {
        self.decoder.u64().map_err(|_| self.refuse())
    }

    pub(crate) fn uint_or_null(&mut self) -> Result<Option<u64>, FormatError> {
        if self.decoder.datatype().is_ok_and(|t| t == Type::Null) {
            self.decoder.null().map_err(|_| self.refuse())?;
            return Ok(None);
        }
        self.uint().map(Some)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'b [u8], FormatError> {
        self.decoder.bytes().map_err(|_| self.refuse())
    }

    pub(crate) fn byte_array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        self.bytes()?.try_into().map_err(|_| self.refuse())
    }

    pub(crate) fn text(&mut self) -> Result<&'b str, FormatError> {
        self.decoder.str().map_err(|_| self.refuse())
    }

    /// The end of the structure, whose one encoding is `canonical`.
    pub(crate) fn end(self, canonical: &[u8]) -> Result<(), FormatError> {
        if self.decoder.position() != self.decoder.input().len() {
            return Err(FormatError::Trailing { what: self.what });
        }
        if canonical == self.decoder.input() {
            Ok(())
        } else {
            Err(self.refuse())
        }
    }
}

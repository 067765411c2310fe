//! Where sealed images are read from by ranges: thin shells over other people's clients, each behind its feature.

mod blocking;
#[cfg(any(feature = "http", feature = "object-store"))]
mod collect;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "object-store")]
mod object_store;

use std::error::Error as StdError;
use std::io;

pub use self::blocking::Blocking;
#[cfg(feature = "http")]
pub use self::http::HttpSource;
#[cfg(feature = "object-store")]
pub use self::object_store::ObjectSource;

/// A store or server did not give the bytes that it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The object is another one than at the first request.
    #[error("the object was replaced while it was read. Start again")]
    Replaced,
    /// The server does not answer ranges.
    #[error(
        "the server answers {status} to a range instead of 206. Use a server that supports ranges, or fetch the whole image"
    )]
    NoRanges {
        /// What it answered.
        status: u16,
    },
    /// The server refuses.
    #[error("the server answers {status}. Check the address and the permissions")]
    Status {
        /// What it answered.
        status: u16,
    },
    /// The answer is for another range, or does not say for which.
    #[error(
        "the server answers with another range than the one asked for. It, or a cache before it, is faulty"
    )]
    OtherRange,
    /// More or fewer bytes than asked for.
    #[error(
        "the answer has {got} bytes or more where {asked} were asked for. It is cut off, changed, or faulty"
    )]
    Length {
        /// Bytes asked for.
        asked: u64,
        /// Bytes that came before reading stopped.
        got: u64,
    },
    /// The body was encoded on the way, so that it is not the bytes of the object.
    #[error("the answer has a content encoding. Ask for the object without compression")]
    Encoded,
    /// The client failed: no connection, no permission, a time-out.
    #[error("the store or server could not be read")]
    Client(#[source] Box<dyn StdError + Send + Sync>),
}

impl From<SourceError> for io::Error {
    fn from(error: SourceError) -> Self {
        let kind = match &error {
            SourceError::Status { status: 404 | 410 } => io::ErrorKind::NotFound,
            SourceError::Status { status: 401 | 403 } => io::ErrorKind::PermissionDenied,
            SourceError::Status { .. } | SourceError::Client(_) => io::ErrorKind::Other,
            SourceError::NoRanges { .. } => io::ErrorKind::Unsupported,
            SourceError::Length { asked, got } if got < asked => io::ErrorKind::UnexpectedEof,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

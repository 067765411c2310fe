//! The network as this crate sees it: one request out, one answer with a body in pieces. Nothing below this trait is
//! trusted to stop, to be quick or to be right.

use std::error::Error;
use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;

use crate::ranges::ByteRange;

/// A request to the vehicle's server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request {
    /// `GET`.
    Get {
        /// Absolute path on the server, without the base address.
        path: String,
        /// Only these bytes.
        range: Option<ByteRange>,
        /// Strong validator for `If-Range`.
        if_range: Option<String>,
    },
    /// `PUT` of a JSON document.
    Put {
        /// Absolute path on the server.
        path: String,
        /// The document.
        body: Bytes,
    },
}

impl Request {
    /// A plain `GET`.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::Get {
            path: path.into(),
            range: None,
            if_range: None,
        }
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Get { path, .. } | Self::Put { path, .. } => path,
        }
    }
}

/// An answer; every field is the server's word.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `ETag`.
    pub etag: Option<String>,
    /// `Content-Range`.
    pub content_range: Option<String>,
    /// `Content-Length`.
    pub content_length: Option<u64>,
    /// `Content-Encoding`, which must be absent or `identity`: nothing was asked to be compressed.
    pub content_encoding: Option<String>,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// The body.
    pub body: Box<dyn Body>,
}

/// A body in pieces.
#[async_trait]
pub trait Body: Send + Sync + Debug {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// [`FetchError`] if the connection broke before the end.
    async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError>;
}

/// No answer, or not the whole of it.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct FetchError {
    /// What happened, in a few words.
    pub problem: &'static str,
    /// The failure below.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// A way to the server. Follows no redirect, decompresses nothing, retries nothing.
#[async_trait]
pub trait Fetch: Send + Sync + Debug {
    /// Host and port, the unit of the circuit breaker.
    fn host(&self) -> &str;

    /// Sends one request and returns as soon as the answer's head is there.
    ///
    /// # Errors
    /// [`FetchError`] if there is no answer; an answer of whatever status is not an error.
    async fn send(&self, request: Request) -> Result<Answer, FetchError>;
}

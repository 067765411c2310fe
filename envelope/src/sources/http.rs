//! An object behind any web server that answers ranges (RFC 9110 §14).

use std::fmt;
use std::io;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH,
    RANGE,
};
use reqwest::{Client, Response, StatusCode, Url};

use super::SourceError;
use super::collect::{collect, length};
use crate::AsyncReadAt;

/// One representation of a resource that is read by `GET` with `Range`.
///
/// The first request, for one byte, tells the length and the entity tag. Every later one says `If-Match` where the tag is a
/// strong one, and the tag and total length of every answer are compared with the first. A server that ignores ranges is
/// refused after its response header: nothing is read whole by accident. There are no retries; time-outs, redirects,
/// credentials and TLS are those of the client that is given.
#[derive(Clone)]
pub struct HttpSource {
    client: Client,
    url: Url,
    size: u64,
    e_tag: Option<HeaderValue>,
}

impl HttpSource {
    /// Asks the server for the resource's length and entity tag.
    ///
    /// # Errors
    /// [`SourceError`]: no connection, a refusal, a server without ranges.
    pub async fn open(client: Client, url: Url) -> Result<Self, SourceError> {
        let mut source = Self {
            client,
            url,
            size: 0,
            e_tag: None,
        };
        let answer = source.ask(&(0..1)).await?;
        let (range, size) = content_range(answer.headers()).ok_or(SourceError::OtherRange)?;
        if range != (0..1) {
            return Err(SourceError::OtherRange);
        }
        source.size = size;
        source.e_tag = answer.headers().get(ETAG).cloned();
        collect(body(answer)?, 1).await?;
        Ok(source)
    }

    /// A response that is a range, of whatever version.
    async fn ask(&self, range: &Range<u64>) -> Result<Response, SourceError> {
        let mut request = self
            .client
            .get(self.url.clone())
            .header(RANGE, format!("bytes={}-{}", range.start, range.end - 1))
            .header(ACCEPT_ENCODING, "identity");
        if let Some(tag) = self
            .e_tag
            .as_ref()
            .filter(|tag| !tag.as_bytes().starts_with(b"W/"))
        {
            request = request.header(IF_MATCH, tag);
        }
        // The address may carry a signature, which has no place in a message.
        let answer = request
            .send()
            .await
            .map_err(|error| client(error.without_url()))?;
        match answer.status() {
            StatusCode::PARTIAL_CONTENT => Ok(answer),
            StatusCode::PRECONDITION_FAILED => Err(SourceError::Replaced),
            // All ranges asked for lie within the length of the first answer; the very first one within every image.
            StatusCode::RANGE_NOT_SATISFIABLE if self.size > 0 => Err(SourceError::Replaced),
            status if status.is_success() => Err(SourceError::NoRanges {
                status: status.as_u16(),
            }),
            status => Err(SourceError::Status {
                status: status.as_u16(),
            }),
        }
    }

    async fn range(&self, range: Range<u64>, len: usize) -> Result<Bytes, SourceError> {
        let answer = self.ask(&range).await?;
        let (answered, size) = content_range(answer.headers()).ok_or(SourceError::OtherRange)?;
        if size != self.size || answer.headers().get(ETAG) != self.e_tag.as_ref() {
            return Err(SourceError::Replaced);
        }
        if answered != range {
            return Err(SourceError::OtherRange);
        }
        if let Some(got) = answer.content_length().filter(|got| *got != len as u64) {
            return Err(length(len, usize::try_from(got).unwrap_or(usize::MAX)));
        }
        collect(body(answer)?, len).await
    }
}

#[async_trait]
impl AsyncReadAt for HttpSource {
    async fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let end = offset.saturating_add(len as u64);
        match len {
            0 => Ok(Bytes::new()),
            _ if end > self.size => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(self.range(offset..end, len).await?),
        }
    }
}

/// The body, if it is the bytes of the resource themselves.
fn body(answer: Response) -> Result<impl futures::Stream<Item = Result<Bytes, reqwest::Error>>, SourceError> {
    let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    match single(answer.headers(), &CONTENT_ENCODING) {
        Ok(None) => {}
        Ok(Some(value)) if plain(value) => {}
        _ => return Err(SourceError::Encoded),
    }
    Ok(futures::TryStreamExt::map_err(
        answer.bytes_stream(),
        reqwest::Error::without_url,
    ))
}

/// The range and the total length of `Content-Range: bytes FIRST-LAST/LENGTH`; a length of `*` is none.
fn content_range(headers: &HeaderMap) -> Option<(Range<u64>, u64)> {
    let value = single(headers, &CONTENT_RANGE).ok()??.to_str().ok()?;
    let (unit, value) = value.split_at_checked(6)?;
    let (range, size) = value.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let number = |digits: &str| match digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => digits.parse::<u64>().ok(),
        false => None,
    };
    let (first, last, size) = (number(first)?, number(last)?, number(size)?);
    let holds = unit.eq_ignore_ascii_case("bytes ") && first <= last && last < size;
    holds.then(|| (first..last.saturating_add(1), size))
}

/// A header field that may be there once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, ()> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    match values.next() {
        None => Ok(first),
        Some(_) => Err(()),
    }
}

fn client(error: reqwest::Error) -> SourceError {
    SourceError::Client(error.into())
}

impl fmt::Debug for HttpSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSource")
            .field("host", &self.url.host_str())
            .field("size", &self.size)
            .field("e_tag", &self.e_tag)
            .finish_non_exhaustive()
    }
}

//! Objects of the Image repository, whole or by range, streamed.

use super::range::{Selection, none_match_holds, select};
use super::refusal::Refusal;
use crate::stage::StageError;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE,
    RANGE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use sealift_repository::{Store, StorePath};
use sealift_wire::ProblemKind;

/// How long an answer may be reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caching {
    /// Its name says what is in it.
    Immutable,
    /// Ask again every time.
    Revalidate,
    /// For this vehicle only, and ask again.
    Private,
}

impl Caching {
    fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Immutable => "public, max-age=31536000, immutable",
            Self::Revalidate => "no-cache",
            Self::Private => "private, no-cache",
        })
    }
}

/// What an object is called and how it may be kept.
#[derive(Debug)]
pub(crate) struct Labels {
    /// Strong entity tag, quotes included.
    pub etag: String,
    /// Media type.
    pub media: &'static str,
    /// How long it may be kept.
    pub caching: Caching,
}

/// Answers with an object of any size from the store. A store that fails half-way breaks the connection off: an answer
/// that ends cleanly is whole.
pub(crate) async fn object(
    store: &Store,
    path: &StorePath,
    labels: Labels,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let object = store.open(path).await.map_err(StageError::from)?;
    let Some(object) = object else {
        return Err(Refusal::new(ProblemKind::NotFound));
    };
    // After the look: `If-None-Match: *` is about an object that exists (RFC 9110 §13.1.2).
    if has_it(headers, &labels.etag) {
        return Ok(not_modified(&labels));
    }
    let length = object.size();
    let part = match selection(method, headers, &labels.etag, length) {
        Selection::Unsatisfiable => return Err(Refusal::outside(length)),
        Selection::Whole => None,
        Selection::Part(part) => Some(part),
    };
    let range = part.clone().unwrap_or(0..length);
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        let name = path.clone();
        let stream = object.stream(range.clone()).map_err(StageError::from)?.map(move |piece| match piece {
            Ok(bytes) => {
                metrics::counter!("sealift_object_bytes_total")
                    .increment(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                Ok(bytes)
            }
            Err(error) => {
                metrics::counter!("sealift_object_failures_total").increment(1);
                tracing::error!(object = %name, error = %error, "the store failed half-way; the answer is broken off");
                Err(error)
            }
        });
        Body::from_stream(stream)
    };
    Ok(respond(&labels, body, &range, part.is_some(), length))
}

/// Answers with bytes at hand, by range where asked.
pub(crate) fn bytes(
    bytes: Bytes,
    labels: &Labels,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    if has_it(headers, &labels.etag) {
        return Ok(not_modified(labels));
    }
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let part = match selection(method, headers, &labels.etag, length) {
        Selection::Unsatisfiable => return Err(Refusal::outside(length)),
        Selection::Whole => None,
        Selection::Part(part) => Some(part),
    };
    let range = part.clone().unwrap_or(0..length);
    let body = match (usize::try_from(range.start), usize::try_from(range.end)) {
        (Ok(start), Ok(end)) if *method != Method::HEAD => Body::from(bytes.slice(start..end)),
        _ => Body::empty(),
    };
    Ok(respond(labels, body, &range, part.is_some(), length))
}

fn has_it(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .any(|value| none_match_holds(value.as_bytes(), etag))
}

/// Ranges are defined for GET alone (RFC 9110 §14.2); a header given twice is one that no sender meant.
fn selection(method: &Method, headers: &HeaderMap, etag: &str, length: u64) -> Selection {
    if method != Method::GET || headers.get_all(RANGE).iter().count() > 1 {
        return Selection::Whole;
    }
    let value = |name: HeaderName| headers.get(name).map(HeaderValue::as_bytes);
    select(value(RANGE), value(IF_RANGE), etag, length)
}

fn not_modified(labels: &Labels) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    label(response.headers_mut(), labels);
    response
}

fn respond(
    labels: &Labels,
    body: Body,
    range: &std::ops::Range<u64>,
    partial: bool,
    length: u64,
) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    label(headers, labels);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(labels.media));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if partial {
        let value = format!("bytes {}-{}/{length}", range.start, range.end - 1);
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(CONTENT_RANGE, value);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

fn label(headers: &mut HeaderMap, labels: &Labels) {
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CACHE_CONTROL, labels.caching.header());
    if let Ok(etag) = HeaderValue::from_str(&labels.etag) {
        headers.insert(ETAG, etag);
    }
}

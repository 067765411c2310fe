//! Requests into operations, and operations into answers.

use bytes::Bytes;
use futures::stream;
use http::request::Parts;
use http::{HeaderName, Method, Response, StatusCode, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use url::form_urlencoded;

use super::objects::Objects;
use super::{Act, BUCKET, Body, full};

const WHEN_HTTP: &str = "Fri, 20 Nov 2026 12:00:00 GMT";
const WHEN: &str = "2026-11-20T12:00:00.000Z";

/// A request, taken apart.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) act: Act,
    key: String,
    query: Vec<(String, String)>,
}

impl Asked {
    pub(super) fn new(head: &Parts) -> Self {
        let bucket = format!("/{BUCKET}");
        let key = head.uri.path().strip_prefix(&bucket).unwrap_or_default();
        let key = key.trim_start_matches('/').to_owned();
        let query: Vec<(String, String)> =
            form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let asked = Self {
            act: Act::Other,
            key,
            query,
        };
        let act = match (&head.method, asked.query("uploads"), asked.query("uploadId")) {
            (&Method::POST, Some(_), _) => Act::Create,
            (&Method::POST, None, Some(_)) => Act::Complete,
            (&Method::DELETE, _, Some(_)) => Act::Abort,
            (&Method::PUT, _, Some(_)) => Act::Part(asked.part()),
            (&Method::PUT, _, None) => Act::Put(asked.key.clone()),
            _ => Act::Other,
        };
        Self { act, ..asked }
    }

    fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    fn part(&self) -> u32 {
        let number: u32 = self
            .query("partNumber")
            .and_then(|text| text.parse().ok())
            .unwrap_or(1);
        number.saturating_sub(1)
    }
}

pub(super) fn answer(objects: &mut Objects, asked: &Asked, head: &Parts, body: Bytes) -> Response<Body> {
    let id = asked.query("uploadId").unwrap_or_default();
    let unknown = || error(StatusCode::NOT_FOUND, "NoSuchUpload");
    match &asked.act {
        Act::Create => xml(format!(
            "<InitiateMultipartUploadResult><UploadId>{}</UploadId></InitiateMultipartUploadResult>",
            objects.create()
        )),
        Act::Part(number) => objects
            .part(id, *number, &body)
            .map_or_else(unknown, |e_tag| with_tag(&e_tag, full(Bytes::new()))),
        Act::Complete => match objects.complete(&asked.key, id, &named(&body)) {
            None => unknown(),
            Some(e_tag) if e_tag.is_empty() => error(StatusCode::BAD_REQUEST, "InvalidPart"),
            Some(e_tag) => {
                let e_tag = e_tag.replace('"', "&quot;");
                let result = "CompleteMultipartUploadResult";
                xml(format!("<{result}><ETag>{e_tag}</ETag></{result}>"))
            }
        },
        Act::Abort if objects.abort(id) => empty(StatusCode::NO_CONTENT),
        Act::Abort => unknown(),
        Act::Put(key) => put(objects, key, head, &body),
        Act::Other => match head.method {
            Method::DELETE => {
                objects.delete(&asked.key);
                empty(StatusCode::NO_CONTENT)
            }
            Method::GET if asked.key.is_empty() => list(objects, asked.query("prefix").unwrap_or_default()),
            _ => get(objects, &asked.key, head),
        },
    }
}

fn put(objects: &mut Objects, key: &str, head: &Parts, body: &[u8]) -> Response<Body> {
    let there = objects.get(key).map(|object| object.e_tag.clone());
    let demanded = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
    let refused = match (demanded(header::IF_MATCH), demanded(header::IF_NONE_MATCH)) {
        (Some(e_tag), _) => there.as_deref() != Some(e_tag),
        (None, Some(_)) => there.is_some(),
        (None, None) => false,
    };
    if refused {
        return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    let e_tag = objects.put(key, body);
    with_tag(&e_tag, full(Bytes::new()))
}

fn get(objects: &Objects, key: &str, head: &Parts) -> Response<Body> {
    let Some(object) = objects.get(key) else {
        return error(StatusCode::NOT_FOUND, "NoSuchKey");
    };
    let header = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
    if header(header::IF_MATCH).is_some_and(|e_tag| e_tag != object.e_tag) {
        return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    let range = header(header::RANGE).and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let (start, end, status) = match range {
        Some((first, last)) => {
            let end = last
                .parse()
                .map_or(object.length, |last: u64| object.length.min(last + 1));
            (first.parse().unwrap_or(0), end, StatusCode::PARTIAL_CONTENT)
        }
        None => (0, object.length, StatusCode::OK),
    };
    let body: Body = if head.method == Method::HEAD {
        full(Bytes::new())
    } else {
        let frames = object.blocks(start, end).map(|block| block.map(Frame::data));
        StreamBody::new(stream::iter(frames)).boxed_unsync()
    };
    let mut answer = with_tag(&object.e_tag, body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_LENGTH, (end - start).into());
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {start}-{}/{}", end.saturating_sub(1), object.length);
        headers.insert(header::CONTENT_RANGE, range.parse().expect("a header"));
    }
    answer
}

fn list(objects: &Objects, prefix: &str) -> Response<Body> {
    let entry = |(key, object): (&String, &super::objects::Object)| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>{WHEN}</LastModified><ETag>{}</ETag><Size>{}</Size></Contents>",
            object.e_tag.replace('"', "&quot;"),
            object.length
        )
    };
    let entries: String = objects.list(prefix).map(entry).collect();
    xml(format!(
        "<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
    ))
}

/// Part numbers from 0 and tags, as a request to complete names them.
fn named(body: &[u8]) -> Vec<(u32, String)> {
    let text = String::from_utf8_lossy(body);
    let between = |part: &str, name: &str| {
        let (_, rest) = part.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0.replace("&quot;", "\""))
    };
    let part = |part: &str| {
        let number: u32 = between(part, "PartNumber")?.parse().ok()?;
        Some((number.checked_sub(1)?, between(part, "ETag")?))
    };
    text.split("<Part>").skip(1).filter_map(part).collect()
}

fn with_tag(e_tag: &str, body: Body) -> Response<Body> {
    let answer = Response::builder()
        .header(header::ETAG, e_tag)
        .header(header::LAST_MODIFIED, WHEN_HTTP);
    answer.body(body).expect("an answer")
}

fn xml(text: String) -> Response<Body> {
    let answer = Response::builder().header(header::CONTENT_TYPE, "application/xml");
    answer.body(full(text)).expect("an answer")
}

fn empty(status: StatusCode) -> Response<Body> {
    let answer = Response::builder().status(status);
    answer.body(full(Bytes::new())).expect("an answer")
}

/// An error as S3 puts it.
pub(super) fn error(status: StatusCode, code: &str) -> Response<Body> {
    let mut answer = xml(format!(
        "<Error><Code>{code}</Code><Message>stand-in</Message></Error>"
    ));
    *answer.status_mut() = status;
    answer
}

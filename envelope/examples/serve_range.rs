//! Serves the plaintext of one sealed image by HTTP, of which it reads only what is asked for.
//!
//! ```text
//! serve_range PRIVATE.pem SOURCE [ADDRESS:PORT]
//! ```
//!
//! SOURCE is a file, an `http://` or `https://` address of a server that answers ranges, or `s3://BUCKET/KEY` with the usual
//! `AWS_*` variables. The address is 127.0.0.1:8080 unless given. Whoever can connect can read: there is no authentication.
//!
//! A response starts before its last chunk is opened. If one does not authenticate, the connection is cut, and what came
//! before it was genuine.

use std::error::Error;
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use object_store::aws::AmazonS3Builder;
use sealift_envelope::{
    AsyncRangedOpener, AsyncReadAt, Binding, Blocking, HttpSource, ObjectSource, PrivateKey,
};

use self::range::Selection;

/// The server's own reading of `Range`, without the server.
#[path = "../../server/src/http/range.rs"]
#[expect(unreachable_pub, reason = "it is public in the server")]
mod range;

type Source = Arc<dyn AsyncReadAt>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (key, source, address) = match args.as_slice() {
        [key, source] => (key, source, "127.0.0.1:8080"),
        [key, source, address] => (key, source, address.as_str()),
        _ => return Err("usage: serve_range PRIVATE.pem SOURCE [ADDRESS:PORT]".into()),
    };
    let key = PrivateKey::from_pkcs8_pem(&std::fs::read_to_string(key)?, None)?;
    let source = open_source(source).await?;
    let opener =
        AsyncRangedOpener::new(source, |header| header.unwrap_with(&key, &Binding::in_file())).await?;
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!(
        "{} bytes at http://{}/",
        opener.plain_length(),
        listener.local_addr()?
    );
    Ok(axum::serve(listener, app(opener)).await?)
}

async fn open_source(name: &str) -> Result<Source, Box<dyn Error>> {
    if name.starts_with("http://") || name.starts_with("https://") {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        return Ok(Arc::new(
            HttpSource::open(reqwest::Client::new(), name.parse()?).await?,
        ));
    }
    if let Some(name) = name.strip_prefix("s3://") {
        let (bucket, key) = name.split_once('/').ok_or("write s3://BUCKET/KEY")?;
        let store = AmazonS3Builder::from_env().with_bucket_name(bucket).build()?;
        return Ok(Arc::new(ObjectSource::open(Arc::new(store), &key.into()).await?));
    }
    Ok(Arc::new(Blocking::new(File::open(name)?)))
}

/// The whole server: one resource at `/`.
pub(crate) fn app(opener: AsyncRangedOpener<Source>) -> Router {
    // axum answers HEAD with the headers of GET; the body is not polled, so nothing is read for it.
    Router::new().route("/", get(serve)).with_state(opener)
}

async fn serve(
    State(opener): State<AsyncRangedOpener<Source>>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let length = opener.plain_length();
    // The digest names one sealing, and one sealing has one plaintext.
    let tag = format!("\"{}\"", opener.header().envelope_digest());
    let asked = |name| headers.get(name).map(HeaderValue::as_bytes);
    let known = asked(IF_NONE_MATCH).is_some_and(|tags| range::none_match_holds(tags, &tag));
    if known {
        return (StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response();
    }
    // Ranges are for GET only (RFC 9110 §14.2).
    let range = asked(RANGE).filter(|_| method == Method::GET);
    match range::select(range, asked(IF_RANGE), &tag, length) {
        Selection::Whole => part(&opener, StatusCode::OK, 0..length, &tag),
        Selection::Part(range) => {
            let content_range = format!("bytes {}-{}/{length}", range.start, range.end - 1);
            let answer = part(&opener, StatusCode::PARTIAL_CONTENT, range, &tag);
            ([(CONTENT_RANGE, content_range)], answer).into_response()
        }
        Selection::Unsatisfiable => {
            let content_range = format!("bytes */{length}");
            (
                StatusCode::RANGE_NOT_SATISFIABLE,
                [(CONTENT_RANGE, content_range)],
            )
                .into_response()
        }
    }
}

fn part(opener: &AsyncRangedOpener<Source>, status: StatusCode, range: Range<u64>, tag: &str) -> Response {
    let length = range.end - range.start;
    let media_type = HeaderValue::from_str(opener.header().media_type())
        .ok()
        .filter(|media_type| !media_type.is_empty())
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    match opener.stream_range(range) {
        Ok(plain) => {
            let headers = [
                (CONTENT_LENGTH, length.into()),
                (CONTENT_TYPE, media_type),
                (ACCEPT_RANGES, HeaderValue::from_static("bytes")),
                (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            ];
            (status, [(ETAG, tag)], headers, Body::from_stream(plain)).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

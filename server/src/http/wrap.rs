//! What surrounds every handler: admission, logs, metrics, safe headers.

use super::refusal::Refusal;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderValue;
use http::header::{HeaderName, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use http_body::{Body as HttpBody, Frame, SizeHint};
use sealift_wire::ProblemKind;
use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

/// Refuses with 503 what would be too much at once; an answer counts until its last byte. A refusal, which is small, does
/// not: else whoever is refused would hold a place all the same.
pub(crate) async fn admitted(in_flight: Arc<Semaphore>, request: Request, next: Next) -> Response {
    let Ok(permit) = in_flight.try_acquire_owned() else {
        metrics::counter!("sealift_overload_total").increment(1);
        return Refusal::of(ProblemKind::Unavailable, "too many requests are under way")
            .retry_after(2)
            .into_response();
    };
    let response = next.run(request).await;
    if response.status().is_success() {
        held(response, permit)
    } else {
        response
    }
}

/// The same answer, holding `place` until its last byte.
pub(crate) fn held<T: Unpin + Send + 'static>(response: Response, place: T) -> Response {
    response.map(|body| Body::new(Held { body, _place: place }))
}

/// A body that holds a place as long as it lives.
struct Held<T> {
    body: Body,
    _place: T,
}

impl<T: Unpin> HttpBody for Held<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// One line and one count for each request, by route and never by path: a path may hold names.
pub(crate) async fn observed(listener: &'static str, request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(String::new, |p| p.as_str().to_owned());
    let method = request.method().clone();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    tracing::debug!(listener, %method, route, status, "answered");
    metrics::counter!("sealift_requests_total", "listener" => listener, "route" => route, "status" => status.to_string())
        .increment(1);
    response
}

/// Headers that cost nothing and close doors.
pub(crate) async fn hardened(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=31536000"),
    );
    headers.insert(
        HeaderName::from_static("x-frame-options"),
        HeaderValue::from_static("DENY"),
    );
    response
}

type PanicHandler = fn(Box<dyn Any + Send + 'static>) -> Response;

/// A handler that panics is a 500 and no more.
pub(crate) fn panics() -> CatchPanicLayer<PanicHandler> {
    CatchPanicLayer::custom(|_panic| {
        tracing::error!("a handler panicked");
        metrics::counter!("sealift_panics_total").increment(1);
        Refusal::new(ProblemKind::Internal).into_response()
    })
}

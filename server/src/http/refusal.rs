//! One place that turns what went wrong into a problem document (RFC 9457).

use crate::stage::StageError;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use sealift_wire::{Problem, ProblemKind, media};

/// An answer of status 400 and above.
#[derive(Debug)]
pub struct Refusal {
    problem: Box<Problem>,
    retry_after_seconds: Option<u64>,
    content_range: Option<HeaderValue>,
}

/// What every 503 advises unless it knows better.
const RETRY_SECONDS: u64 = 5;

impl Refusal {
    /// A refusal of this kind.
    pub fn new(kind: ProblemKind) -> Self {
        Self::from(Problem::new(kind))
    }

    /// A refusal with detail.
    pub fn of(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self::from(Problem::new(kind).with_detail(detail))
    }

    /// Come back in so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds.max(1));
        self
    }

    /// 416 for an object of `length` bytes.
    pub fn outside(length: u64) -> Self {
        let mut refusal = Self::of(
            ProblemKind::RangeNotSatisfiable,
            format!("the object has {length} bytes"),
        );
        refusal.content_range = HeaderValue::from_str(&format!("bytes */{length}")).ok();
        refusal
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let retry_after_seconds = (problem.status == 503).then_some(RETRY_SECONDS);
        Self {
            problem: Box::new(problem),
            retry_after_seconds,
            content_range: None,
        }
    }
}

impl From<StageError> for Refusal {
    /// Logs what is ours to know and tells what is theirs to know. The chain is logged as a string, quoted: it may hold what
    /// the other side wrote.
    fn from(error: StageError) -> Self {
        let problem = error.problem();
        if problem.status >= 500 {
            tracing::error!(error = error.chain(), problem = %problem.type_uri, "a request failed");
        } else {
            tracing::info!(error = error.chain(), problem = %problem.type_uri, "a request was refused");
        }
        Self::from(problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media::PROBLEM));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"sealift\""),
            );
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(range) = self.content_range {
            headers.insert(http::header::CONTENT_RANGE, range);
        }
        response
    }
}

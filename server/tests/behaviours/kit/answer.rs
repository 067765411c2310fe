use axum::body::Body;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use sealift_wire::{Problem, ProblemKind};
use serde_json::Value;

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Self {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body, if all is well.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert!(
            self.status.is_success(),
            "{} {}",
            self.status,
            String::from_utf8_lossy(&self.body)
        );
        self
    }

    /// The problem, which must be of this kind, with the status and media type that belong to it.
    #[track_caller]
    pub fn problem(&self, kind: ProblemKind) -> Problem {
        let problem: Problem =
            serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no problem: {self:?}"));
        assert_eq!(problem.kind(), Some(kind), "{problem:?}");
        assert_eq!(self.status.as_u16(), kind.status());
        assert_eq!(self.header("content-type"), "application/problem+json");
        problem
    }
}

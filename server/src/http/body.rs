//! Bodies of requests: capped before they are kept, and with a deadline.

use super::refusal::Refusal;
use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use sealift_wire::{ProblemKind, media};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Reads a JSON body as bytes.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    cap: u64,
    deadline: Duration,
) -> Result<Bytes, Refusal> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case(media::JSON)
    {
        return Err(Refusal::new(ProblemKind::UnsupportedMediaType));
    }
    let too_large = || {
        Refusal::of(
            ProblemKind::BodyTooLarge,
            format!("at most {cap} bytes are read here"),
        )
    };
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > cap) {
        return Err(too_large());
    }
    let limited = Limited::new(body, usize::try_from(cap).unwrap_or(usize::MAX));
    match tokio::time::timeout(deadline, limited.collect()).await {
        Err(_) => Err(Refusal::new(ProblemKind::RequestTimeout)),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => Err(Refusal::of(
            ProblemKind::MalformedRequest,
            format!("the body broke off: {error}"),
        )),
    }
}

/// Parses a JSON body; a field that is missing or foreign is named.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|error| {
        let kind = if error.is_data() {
            ProblemKind::Invalid
        } else {
            ProblemKind::MalformedRequest
        };
        Refusal::of(kind, error.to_string())
    })
}

//! Operators' bearer tokens (RFC 6750): who they are, and whether they may.

use super::App;
use super::refusal::Refusal;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use sealift_wire::{ProblemKind, Scope};

/// Lets a request through if its token holds `scope`.
pub(crate) async fn permit(app: &App, headers: &HeaderMap, scope: Scope) -> Result<(), Refusal> {
    let now = app.clock().now();
    let presented = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
    let Some(token) = presented else {
        return Err(Refusal::of(
            ProblemKind::Unauthenticated,
            "send the header `Authorization: Bearer TOKEN`",
        ));
    };
    let holder = app.stage().authorise(token, scope, now).await?;
    if let Err(seconds) = app.0.operator_pace.take(&holder, now) {
        metrics::counter!("sealift_paced_total", "listener" => "operators").increment(1);
        return Err(Refusal::new(ProblemKind::TooManyRequests).retry_after(seconds));
    }
    Ok(())
}

//! Health and metrics, for this machine.

use super::App;
use super::refusal::Refusal;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::CONTENT_TYPE;
use sealift_wire::ProblemKind;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(exposition))
}

async fn alive() -> &'static str {
    "ok\n"
}

async fn ready(State(app): State<App>) -> Result<&'static str, Refusal> {
    app.stage().ready().await?;
    Ok("ok\n")
}

async fn exposition(State(app): State<App>) -> Response {
    match &app.0.metrics {
        Some(handle) => {
            app.stage().gauge_roles(app.clock().now()).await;
            let kind = "text/plain; version=0.0.4; charset=utf-8";
            ([(CONTENT_TYPE, kind)], handle.render()).into_response()
        }
        None => Refusal::of(ProblemKind::NotFound, "metrics are not collected").into_response(),
    }
}

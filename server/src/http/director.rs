//! `/director/…`: the Director as one vehicle sees it. Whose metadata these are follows from the certificate alone.

use super::App;
use super::body;
use super::download::{self, Caching, Labels};
use super::refusal::Refusal;
use super::repo::{content_tag, is_sha256};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, put};
use axum::{Extension, Json, Router};
use http::{HeaderMap, Method};
use sealift_metadata::VehicleId;
use sealift_wire::{ProblemKind, limits, media};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/director/{name}", get(metadata))
        .route("/director/keyboxes/{sha256}", get(key_box))
        .route("/director/manifest", put(manifest))
}

async fn metadata(
    State(app): State<App>,
    Extension(vehicle): Extension<VehicleId>,
    Path(name): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    answer(&app, &vehicle, &name, &method, &headers).await
}

/// One Director document of `vehicle`.
pub(super) async fn answer(
    app: &App,
    vehicle: &VehicleId,
    name: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let bytes = app
        .stage()
        .director_file(vehicle, name, app.clock().now())
        .await?;
    let Some(bytes) = bytes else {
        return Err(Refusal::new(ProblemKind::NotFound));
    };
    let labels = Labels {
        etag: content_tag(&bytes),
        media: media::JSON,
        caching: Caching::Private,
    };
    download::bytes(bytes.into(), &labels, method, headers)
}

async fn key_box(
    State(app): State<App>,
    Extension(vehicle): Extension<VehicleId>,
    Path(hash): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let missing = || Refusal::new(ProblemKind::NotFound);
    if !is_sha256(&hash) {
        return Err(missing());
    }
    let mut sha256 = [0u8; 32];
    hex::decode_to_slice(&hash, &mut sha256).map_err(|_| missing())?;
    let bytes = app
        .stage()
        .key_box(&vehicle, &sha256)
        .await?
        .ok_or_else(missing)?;
    let labels = Labels {
        etag: format!("\"{hash}\""),
        media: media::OCTETS,
        caching: Caching::Private,
    };
    download::bytes(bytes.into(), &labels, &method, &headers)
}

async fn manifest(
    State(app): State<App>,
    Extension(vehicle): Extension<VehicleId>,
    headers: HeaderMap,
    request: Body,
) -> Result<Json<serde_json::Value>, Refusal> {
    let deadline = app.limits().body_timeout;
    let bytes = body::read(&headers, request, limits::MAX_MANIFEST_BYTES, deadline).await?;
    app.stage()
        .take_manifest(&vehicle, &bytes, app.clock().now())
        .await?;
    Ok(Json(serde_json::json!({})))
}

//! `/api/v1/…`: the operator API.

use super::App;
use super::refusal::Refusal;
use super::{bearer, body, director};
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use sealift_metadata::{EcuSerial, TargetPath, VehicleId};
use sealift_wire::{
    AssignmentRequest, ProblemKind, Scope, Vehicle, VehicleList, VehicleRegistration, limits, media, paths,
};
use serde::Deserialize;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/vehicles", post(register).get(list))
        .route("/api/v1/vehicles/{id}", get(show))
        .route("/api/v1/vehicles/{id}/revoke", post(revoke))
        .route(
            "/api/v1/vehicles/{id}/ecus/{serial}/assignment",
            put(assign).delete(unassign),
        )
        .route("/api/v1/vehicles/{id}/director/{name}", get(metadata))
        .route("/api/v1/director/roots/{n}", get(root))
        .route("/api/v1/repository/refresh", post(refresh))
}

async fn register(State(app): State<App>, headers: HeaderMap, request: Body) -> Result<Response, Refusal> {
    bearer::permit(&app, &headers, Scope::VehiclesWrite).await?;
    let deadline = app.limits().body_timeout;
    let bytes = body::read(&headers, request, limits::MAX_OPERATOR_BODY_BYTES, deadline).await?;
    let registration: VehicleRegistration = body::parse(&bytes)?;
    let vehicle = app.stage().register(registration, app.clock().now()).await?;
    let location = HeaderValue::from_str(&paths::vehicle(&vehicle.id)).ok();
    let mut response = (StatusCode::CREATED, Json(vehicle)).into_response();
    if let Some(location) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    limit: Option<u32>,
    #[serde(default)]
    after: String,
}

async fn list(
    State(app): State<App>,
    headers: HeaderMap,
    page: Result<Query<Page>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<VehicleList>, Refusal> {
    bearer::permit(&app, &headers, Scope::VehiclesRead).await?;
    let Query(page) =
        page.map_err(|rejection| Refusal::of(ProblemKind::MalformedRequest, rejection.body_text()))?;
    let limit = page
        .limit
        .unwrap_or(limits::DEFAULT_PAGE)
        .clamp(1, limits::MAX_PAGE);
    Ok(Json(app.stage().vehicles(&page.after, limit).await?))
}

async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Vehicle>, Refusal> {
    bearer::permit(&app, &headers, Scope::VehiclesRead).await?;
    Ok(Json(app.stage().vehicle(&vehicle_id(&id)?).await?))
}

async fn revoke(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Vehicle>, Refusal> {
    bearer::permit(&app, &headers, Scope::VehiclesWrite).await?;
    Ok(Json(
        app.stage().revoke(&vehicle_id(&id)?, app.clock().now()).await?,
    ))
}

async fn assign(
    State(app): State<App>,
    Path((id, serial)): Path<(String, String)>,
    headers: HeaderMap,
    request: Body,
) -> Result<Response, Refusal> {
    bearer::permit(&app, &headers, Scope::AssignmentsWrite).await?;
    let deadline = app.limits().body_timeout;
    let bytes = body::read(&headers, request, limits::MAX_OPERATOR_BODY_BYTES, deadline).await?;
    let wanted: AssignmentRequest = body::parse(&bytes)?;
    let target = TargetPath::new(wanted.target)
        .map_err(|error| Refusal::of(ProblemKind::Invalid, format!("target: {error}")))?;
    let (vehicle, serial) = (vehicle_id(&id)?, ecu_serial(&serial)?);
    let assignment = app
        .stage()
        .assign(&vehicle, &serial, &target, app.clock().now())
        .await?;
    Ok(Json(assignment).into_response())
}

async fn unassign(
    State(app): State<App>,
    Path((id, serial)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    bearer::permit(&app, &headers, Scope::AssignmentsWrite).await?;
    app.stage()
        .unassign(&vehicle_id(&id)?, &ecu_serial(&serial)?, app.clock().now())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn metadata(
    State(app): State<App>,
    Path((id, name)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    bearer::permit(&app, &headers, Scope::VehiclesRead).await?;
    director::answer(&app, &vehicle_id(&id)?, &name, &method, &headers).await
}

async fn root(
    State(app): State<App>,
    Path(n): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    bearer::permit(&app, &headers, Scope::VehiclesRead).await?;
    let version = n.parse().map_err(|_| Refusal::new(ProblemKind::NotFound))?;
    let bytes = app
        .stage()
        .director_root(version)
        .ok_or_else(|| Refusal::new(ProblemKind::NotFound))?;
    let mut response = bytes.to_vec().into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media::JSON));
    Ok(response)
}

async fn refresh(State(app): State<App>, headers: HeaderMap) -> Result<StatusCode, Refusal> {
    bearer::permit(&app, &headers, Scope::RepositoryRefresh).await?;
    app.stage().refresh_now(app.clock().now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A name that cannot exist is one that does not.
fn vehicle_id(text: &str) -> Result<VehicleId, Refusal> {
    VehicleId::new(text).map_err(|error| Refusal::of(ProblemKind::NotFound, error.to_string()))
}

fn ecu_serial(text: &str) -> Result<EcuSerial, Refusal> {
    EcuSerial::new(text).map_err(|error| Refusal::of(ProblemKind::NotFound, error.to_string()))
}

//! Which vehicle a request comes from: its certificate, looked up in the inventory every time.

use super::App;
use super::refusal::Refusal;
use super::wrap;
use crate::stage::PeerCertificate;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use sealift_metadata::VehicleId;
use sealift_wire::ProblemKind;
use std::sync::Arc;

/// When a vehicle that holds all of its share may look again.
const SHARE_RETRY_SECONDS: u64 = 2;

/// Lets a request through if its certificate is one of an active vehicle, and notes which. No vehicle holds more than its
/// share of the server, whatever it leaves lying.
pub(crate) async fn vehicle(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let Some(peer) = request.extensions().get::<Arc<PeerCertificate>>() else {
        return Err(Refusal::of(
            ProblemKind::CertificateRefused,
            "no client certificate was presented",
        ));
    };
    let vehicle = app.stage().identify(&Arc::clone(peer)).await?;
    let Some(share) = app.0.vehicle_shares.take(vehicle.as_str()) else {
        metrics::counter!("sealift_paced_total", "listener" => "vehicles").increment(1);
        let detail = "this vehicle has too many requests under way";
        return Err(Refusal::of(ProblemKind::TooManyRequests, detail).retry_after(SHARE_RETRY_SECONDS));
    };
    request.extensions_mut().insert(vehicle);
    Ok(wrap::held(next.run(request).await, share))
}

/// Keeps one vehicle from asking too often. Object downloads are not counted.
pub(crate) async fn paced(State(app): State<App>, request: Request, next: Next) -> Result<Response, Refusal> {
    if let Some(vehicle) = request.extensions().get::<VehicleId>()
        && let Err(seconds) = app.0.vehicle_pace.take(vehicle.as_str(), app.clock().now())
    {
        metrics::counter!("sealift_paced_total", "listener" => "vehicles").increment(1);
        return Err(Refusal::new(ProblemKind::TooManyRequests).retry_after(seconds));
    }
    Ok(next.run(request).await)
}

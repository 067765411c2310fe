//! Routers: what a request is called, who may send it, and how an answer looks. What it means is in `stage`.

mod bearer;
mod body;
mod director;
mod download;
mod identity;
mod operators;
mod pace;
mod range;
mod refusal;
mod repo;
mod share;
mod telemetry;
mod wrap;

pub use pace::Pace;
pub use range::{Selection, none_match_holds, select};
pub use refusal::Refusal;

use crate::ambient::Clock;
use crate::config::Limits;
use crate::stage::Stage;
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use metrics_exporter_prometheus::PrometheusHandle;
use sealift_repository::Store;
use sealift_wire::ProblemKind;
use share::Shares;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Requests of one vehicle that may be under way at once.
const MOST_OF_ONE_VEHICLE: usize = 32;

/// Everything that a handler can reach.
#[derive(Debug, Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    stage: Arc<Stage>,
    clock: Clock,
    limits: Limits,
    vehicle_pace: Pace,
    vehicle_shares: Arc<Shares>,
    operator_pace: Pace,
    metrics: Option<PrometheusHandle>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner")
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

impl App {
    /// Puts the parts together.
    pub fn new(stage: Arc<Stage>, clock: Clock, limits: Limits, metrics: Option<PrometheusHandle>) -> Self {
        let vehicle_pace = Pace::new(limits.vehicle_requests_per_minute);
        let operator_pace = Pace::new(limits.operator_requests_per_minute);
        Self(Arc::new(Inner {
            stage,
            clock,
            limits,
            vehicle_pace,
            vehicle_shares: Shares::new(MOST_OF_ONE_VEHICLE),
            operator_pace,
            metrics,
        }))
    }

    fn stage(&self) -> &Stage {
        &self.0.stage
    }

    fn store(&self) -> &Store {
        self.0.stage.store()
    }

    fn clock(&self) -> &Clock {
        &self.0.clock
    }

    fn limits(&self) -> &Limits {
        &self.0.limits
    }
}

/// The vehicles' listener. Every request needs a `PeerCertificate` extension, which the TLS listener puts there.
pub fn vehicle_router(app: App) -> Router {
    let own = director::routes().route_layer(from_fn_with_state(app.clone(), identity::paced));
    let routes = repo::routes()
        .merge(own)
        .route_layer(from_fn_with_state(app.clone(), identity::vehicle));
    finish(routes, app, "vehicles")
}

/// The operators' listener.
pub fn operator_router(app: App) -> Router {
    finish(operators::routes().merge(repo::routes()), app, "operators")
}

/// The telemetry listener.
pub fn telemetry_router(app: App) -> Router {
    telemetry::routes().fallback(nothing).with_state(app)
}

fn finish(routes: Router<App>, app: App, listener: &'static str) -> Router {
    let in_flight = Arc::new(Semaphore::new(app.limits().max_requests_in_flight));
    routes
        .route_layer(from_fn(move |request, next| {
            wrap::observed(listener, request, next)
        }))
        .fallback(nothing)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn(move |request, next| {
            wrap::admitted(Arc::clone(&in_flight), request, next)
        }))
        .layer(wrap::panics())
        .layer(from_fn(wrap::hardened))
        .with_state(app)
}

async fn nothing() -> Refusal {
    Refusal::new(ProblemKind::NotFound)
}

async fn no_method() -> Refusal {
    Refusal::new(ProblemKind::MethodNotAllowed)
}

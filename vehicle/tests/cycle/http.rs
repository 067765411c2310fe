//! The same cycle over real HTTP on 127.0.0.1.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use sealift_vehicle::events::Silent;
use sealift_vehicle::http::danger::plain_http;
use sealift_vehicle::program::SystemWorld;
use sealift_vehicle::transport::Policy;
use sealift_vehicle::{FileInstaller, Outcome, Surroundings};

use crate::happy::firmware;
use crate::kit::{Fleet, GATEWAY, Sealing, Server};

async fn file(State(server): State<Arc<Server>>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    let Some(bytes) = server.file(&format!("/{path}")) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    assert_eq!(headers[header::ACCEPT_ENCODING], "identity");
    let total = bytes.len();
    let range = headers
        .get(header::RANGE)
        .map(|range| range.to_str().unwrap().to_owned());
    let Some(range) = range else {
        return bytes.into_response();
    };
    let (start, end) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    let (start, end): (usize, usize) = (start.parse().unwrap(), end.parse().unwrap());
    let content_range = format!("bytes {start}-{end}/{total}");
    let headers = [
        (header::CONTENT_RANGE, content_range),
        (header::ETAG, "\"v1\"".to_owned()),
    ];
    (StatusCode::PARTIAL_CONTENT, headers, bytes.slice(start..=end)).into_response()
}

async fn manifest(State(server): State<Arc<Server>>, body: Bytes) -> &'static str {
    server.accept(&body);
    "{}"
}

/// What the vehicle's listener serves, out of `server`.
pub(crate) fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/director/manifest", put(manifest))
        .route("/{*path}", get(file))
        .with_state(server)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a real connection is watched by a real clock"
)]
#[tokio::test]
async fn a_whole_cycle_over_http() {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.release("a.img", &firmware(1), 1).await;
    fleet.assign(GATEWAY, "a.img").await;
    let server = Arc::new(std::mem::take(&mut fleet.server));
    let router = router(Arc::clone(&server));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });

    let vehicle = fleet.open();
    let fetch = plain_http(&base.parse().unwrap()).unwrap();
    let surroundings = Surroundings {
        fetch: &fetch,
        world: &SystemWorld::new(Instant::now(), Fleet::now),
        observer: &Silent,
        installer: &FileInstaller::new(fleet.layout()),
        policy: Policy::default(),
    };
    assert_eq!(vehicle.cycle(surroundings).await.unwrap(), Outcome::Installed);
    assert_eq!(vehicle.cycle(surroundings).await.unwrap(), Outcome::UpToDate);
    serving.abort();

    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
    assert_eq!(server.reports().len(), 3);
}

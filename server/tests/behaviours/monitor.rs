//! What the metrics say of the Image repository.

use axum::body::Body;
use http::Request;
use jiff::SignedDuration;
use metrics_exporter_prometheus::PrometheusBuilder;
use sealift_server::http::{App, telemetry_router};
use std::sync::Arc;
use tower::ServiceExt;

use crate::kit::{Answer, World, config};

#[tokio::test]
async fn expiry_and_length_of_each_role_are_told() {
    let world = World::new().await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let stage = Arc::clone(&world.parts.stage);
    let limits = config(world.dir.path(), "").limits;
    let app = App::new(stage, world.clock.clock(), limits, Some(handle));
    let router = telemetry_router(app);
    let gauges = async || {
        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let text = Answer::of(response).await.ok().body;
        let text = String::from_utf8(text).unwrap();
        move |metric: &str, role: &str| -> i64 {
            let start = format!("{metric}{{role=\"{role}\"}} ");
            let line = text.lines().find_map(|line| line.strip_prefix(&start));
            line.unwrap_or_else(|| panic!("no {start}\n{text}"))
                .parse()
                .unwrap()
        }
    };
    let first = gauges().await;
    assert_eq!(first("sealift_role_expires_seconds", "timestamp"), 24 * 3600);
    assert_eq!(first("sealift_role_expires_seconds", "snapshot"), 7 * 24 * 3600);
    let length = |name: &str| {
        let path = world.dir.path().join("data/repository/repo").join(name);
        i64::try_from(std::fs::read(path).unwrap().len()).unwrap()
    };
    assert_eq!(first("sealift_role_bytes", "root"), length("1.root.json"));
    assert_eq!(first("sealift_role_bytes", "timestamp"), length("timestamp.json"));

    world.clock.advance(SignedDuration::from_hours(20));
    assert_eq!(
        gauges().await("sealift_role_expires_seconds", "timestamp"),
        4 * 3600
    );
    // What has expired cannot be walked any more; that is when a monitor has to see it.
    world.clock.advance(SignedDuration::from_hours(6));
    assert_eq!(
        gauges().await("sealift_role_expires_seconds", "timestamp"),
        -2 * 3600
    );
    let stage = &world.parts.stage;
    assert!(stage.refresh_due(world.clock.now()).await.unwrap());
    assert_eq!(
        gauges().await("sealift_role_expires_seconds", "timestamp"),
        24 * 3600
    );
}

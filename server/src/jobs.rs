//! What happens without being asked.

use crate::ambient::{Clock, Entropy};
use crate::stage::Stage;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often collected metrics are folded.
const UPKEEP: Duration = Duration::from_secs(5);

/// Refreshes the Image repository's online roles until `stop` turns true: every `interval`, give or take a tenth, so that
/// replicas do not all sign at once.
pub async fn refresh(
    stage: Arc<Stage>,
    clock: Clock,
    entropy: Entropy,
    interval: Duration,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let jitter = u32::from(entropy.bytes::<1>()[0]);
        let pause = interval.mul_f64(0.9) + (interval / 5) * jitter / 255;
        tokio::select! {
            _ = stop.wait_for(|stopped| *stopped) => return,
            () = tokio::time::sleep(pause) => {}
        }
        match stage.refresh_due(clock.now()).await {
            Ok(true) => tracing::info!("refreshed"),
            Ok(false) => tracing::debug!("nothing to refresh"),
            Err(error) => {
                metrics::counter!("sealift_image_refresh_failures_total").increment(1);
                tracing::error!(
                    error = error.chain(),
                    "the Image repository could not be refreshed"
                );
            }
        }
    }
}

/// Folds collected metrics until `stop` turns true.
pub async fn upkeep(metrics: PrometheusHandle, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stop.wait_for(|stopped| *stopped) => return,
            () = tokio::time::sleep(UPKEEP) => metrics.run_upkeep(),
        }
    }
}

//! What a monitor wants to know of the Image repository before vehicles do.

use super::Stage;
use jiff::Timestamp;
use sealift_metadata::document::{Document, Role};

impl Stage {
    /// Sets the gauges of each role: how long its document lasts, and how long it is. A repository that never could be walked
    /// has none.
    pub async fn gauge_roles(&self, now: Timestamp) {
        let Ok(view) = self.image.view(now).await else {
            return;
        };
        gauge(view.root(), now);
        gauge(view.targets(), now);
        gauge(view.snapshot(), now);
        gauge(view.timestamp(), now);
    }
}

fn gauge<R: Role>(document: &Document<R>, now: Timestamp) {
    let left = document.expires().duration_since(now).as_secs();
    metrics::gauge!("sealift_role_expires_seconds", "role" => R::TYPE).set(left as f64);
    metrics::gauge!("sealift_role_bytes", "role" => R::TYPE).set(document.bytes().len() as f64);
}

//! Keeping the Image repository's snapshot and timestamp fresh, where the server holds their keys.

use super::{Stage, StageError};
use jiff::Timestamp;
use sealift_metadata::time::{TimeSource, TrustedTime};
use sealift_repository::{Due, Lifetimes, Publisher, Signers};
use sealift_wire::ProblemKind;

/// A document with less of its life left than this is signed anew.
const DUE_PERCENT: u8 = 50;

impl Stage {
    /// Signs what is due; says whether anything was. Without keys nothing ever is.
    ///
    /// # Errors
    /// [`StageError::Publish`].
    pub async fn refresh_due(&self, now: Timestamp) -> Result<bool, StageError> {
        if self.signing.image().is_none() {
            return Ok(false);
        }
        self.refresh(Due::WhenLeft { percent: DUE_PERCENT }, now).await
    }

    /// Signs snapshot and timestamp now.
    ///
    /// # Errors
    /// [`StageError::Refused`] without keys; [`StageError::Publish`].
    pub async fn refresh_now(&self, now: Timestamp) -> Result<(), StageError> {
        self.refresh(Due::Now, now).await.map(drop)
    }

    async fn refresh(&self, due: Due, now: Timestamp) -> Result<bool, StageError> {
        let Some(keys) = self.signing.image() else {
            let detail = "this server has no repository.snapshot_key and repository.timestamp_key";
            return Err(StageError::refused(ProblemKind::Conflict, detail)
                .advise("refresh where the keys are, with `sealift repo refresh`, or configure both keys"));
        };
        let signers = Signers {
            snapshot: vec![keys.snapshot.clone()],
            timestamp: vec![keys.timestamp.clone()],
            ..Signers::default()
        };
        // One memory for walking and signing: what the walk has seen, the signer never goes below.
        let mut state = self.image.lock().await;
        let store = self.image.store().clone();
        let mut publisher = Publisher::new(store, state.trust.clone(), signers, Lifetimes::default());
        let published = publisher
            .refresh(due, TrustedTime::new(now, TimeSource::SystemClock))
            .await?;
        let trust = publisher.trust().clone();
        if published.changed {
            let version = published.repository.timestamp().version();
            tracing::info!(version, "snapshot and timestamp of the Image repository signed");
            metrics::counter!("sealift_image_refreshes_total").increment(1);
        }
        self.image
            .adopt(&mut state, trust, published.repository, now)
            .await?;
        Ok(published.changed)
    }
}

//! What requests mean. Each file is one operation, from checked input to what the inventory holds afterwards.

mod assign;
mod broker;
mod certificate;
mod decide;
mod director;
mod error;
mod image;
mod manifest;
mod monitor;
mod refresh;
mod register;
mod tokens;
mod view;

pub use broker::{BrokerError, EcuKey, InProcessBroker, KeyBroker};
pub use certificate::PeerCertificate;
pub use decide::{Decision, Withheld};
pub use error::StageError;
pub use image::ImageTrust;
pub use tokens::NewToken;

use crate::ambient::Entropy;
use crate::db::Inventory;
use crate::exit::Failure;
use crate::signing::{DemoKeys, Signing};
use sealift_metadata::Root;
use sealift_repository::Store;
use std::sync::Arc;
use std::time::Duration;

/// The stage: every seam that an operation can reach.
#[derive(Debug)]
pub struct Stage {
    db: Arc<dyn Inventory>,
    store: Store,
    image: Arc<ImageTrust>,
    signing: Signing,
    broker: Arc<dyn KeyBroker>,
    entropy: Entropy,
    settings: Settings,
}

/// What an operator may choose about operations.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long Director metadata live.
    pub metadata_lifetime: Duration,
    /// Base of the URLs that vehicles are told.
    pub public_url: Option<url::Url>,
    /// Whether demonstration keys pass.
    pub demo: DemoKeys,
}

impl Stage {
    /// Puts the parts together.
    pub fn new(
        db: Arc<dyn Inventory>,
        store: Store,
        image: Arc<ImageTrust>,
        signing: Signing,
        broker: Arc<dyn KeyBroker>,
        entropy: Entropy,
        settings: Settings,
    ) -> Self {
        Self {
            db,
            store,
            image,
            signing,
            broker,
            entropy,
            settings,
        }
    }

    /// The object store, for downloads.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Whether store and database answer.
    ///
    /// # Errors
    /// [`StageError`] of whichever does not.
    pub async fn ready(&self) -> Result<(), StageError> {
        self.db.ping().await?;
        let path = sealift_repository::paths::metadata("timestamp.json")?;
        self.store.size(&path).await?;
        Ok(())
    }

    /// Refuses to go on with keys that the Image repository's current root lists for root or targets.
    ///
    /// # Errors
    /// Exit code 78.
    pub fn check_image_root(&self, root: &Root) -> Result<(), Failure> {
        self.signing.check_image_root(root)
    }

    /// The root of version `n` of the Director.
    pub fn director_root(&self, n: u64) -> Option<&[u8]> {
        self.signing.roots().version(n)
    }
}

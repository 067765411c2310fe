//! Opening everything in order, and refusing to start where that is right.

use crate::ambient::{Clock, Entropy};
use crate::config::Config;
use crate::db::SqliteInventory;
use crate::exit::{Code, Failure};
use crate::objects;
use crate::signing::{DemoKeys, ImageRoot, Signing};
use crate::stage::{ImageTrust, InProcessBroker, Settings, Stage};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use sealift_repository::Store;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long a request waits for room at a key-encryption key that is held elsewhere. Hundreds are done meanwhile by a token that
/// takes 20 ms for each.
const KEK_PATIENCE: Duration = Duration::from_secs(10);

/// What is open while the server runs.
#[derive(Debug)]
pub struct Parts {
    /// Every operation.
    pub stage: Arc<Stage>,
    /// The inventory, to be closed at the end.
    pub db: SqliteInventory,
}

impl Parts {
    /// Opens keys, store and inventory, and walks the Image repository once.
    ///
    /// # Errors
    /// [`Failure`] with the exit code.
    pub async fn open(config: &Config, clock: &Clock, entropy: &Entropy) -> Result<Self, Failure> {
        let image_root = ImageRoot::load(config)?;
        let signing = Signing::load(config, &image_root)?;
        let store = objects::open(&config.repository.url).await?;
        Self::assemble(config, image_root, signing, store, clock, entropy).await
    }

    /// The same over a store that is open already.
    ///
    /// # Errors
    /// [`Failure`] with the exit code.
    pub async fn assemble(
        config: &Config,
        image_root: ImageRoot,
        mut signing: Signing,
        store: Store,
        clock: &Clock,
        entropy: &Entropy,
    ) -> Result<Self, Failure> {
        let db = database(config).await?;
        // By repository id: what was verified of one repository says nothing about another.
        let dir = config.data_dir.join("trust/image").join(image_root.id.as_str());
        let image = ImageTrust::open(store.clone(), image_root.id.clone(), image_root.bytes, dir).map_err(
            |error| {
                Failure::new(
                    Code::Io,
                    format!("cannot read the trust store under {}", config.data_dir.display()),
                )
                .because(error)
            },
        )?;
        let image = Arc::new(image);
        let broker = InProcessBroker::new(
            store.clone(),
            image_root.id,
            signing.take_keks(),
            entropy.clone(),
            KEK_PATIENCE,
        );
        let settings = Settings {
            metadata_lifetime: config.director.metadata_lifetime,
            public_url: config.public_url.clone(),
            demo: if config.demo {
                DemoKeys::Accepted
            } else {
                DemoKeys::Refused
            },
        };
        let stage = Stage::new(
            Arc::new(db.clone()),
            store,
            Arc::clone(&image),
            signing,
            Arc::new(broker),
            entropy.clone(),
            settings,
        );
        if config.demo {
            tracing::warn!("demo = true: public demonstration keys are accepted, which protect nothing");
        }
        // What has expired is mended first, where the keys are here; a repository that does not verify is reported and
        // served as it is, since vehicles judge for themselves.
        let now = clock.now();
        if let Err(error) = stage.refresh_due(now).await {
            tracing::error!(
                error = error.chain(),
                "the Image repository could not be refreshed"
            );
        }
        match image.view(now).await {
            Ok(view) => stage.check_image_root(view.root().role())?,
            Err(error) => tracing::error!(error = error.chain(), "the Image repository cannot be walked"),
        }
        Ok(Self {
            stage: Arc::new(stage),
            db,
        })
    }
}

/// The inventory, made if missing, readable by its owner alone.
pub(super) async fn database(config: &Config) -> Result<SqliteInventory, Failure> {
    private_dir(&config.data_dir)?;
    SqliteInventory::open(&config.database_url)
        .await
        .map_err(|error| {
            Failure::new(
                Code::Unavailable,
                format!("database.url: {} cannot be opened", config.database_url),
            )
            .because(error)
        })
}

fn private_dir(dir: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt;
    if dir.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| {
            Failure::new(Code::Io, format!("data_dir: cannot make {}", dir.display())).because(error)
        })
}

/// Starts collecting metrics, once in a process: they are the process's, whichever server is asked for them.
pub(super) fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let start = || {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::debug!("metrics are collected by somebody else");
        }
        handle
    };
    HANDLE.get_or_init(start).clone()
}

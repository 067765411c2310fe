//! The Image repository as this server believes it: its own full walk, remembered outside the store.

use super::StageError;
use jiff::{SignedDuration, Timestamp};
use sealift_metadata::time::{TimeSource, TrustedTime};
use sealift_metadata::trust::{Limits, Resolver, TrustStore, TrustedRepository};
use sealift_metadata::uptane::VerifiedTarget;
use sealift_metadata::{HardwareId, RepositoryId, TargetPath};
use sealift_repository::{Store, WalkError, find, walk};
use sealift_wire::ProblemKind;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Mutex;

/// How old a view may be that a decision rests on.
const VIEW_AGE: SignedDuration = SignedDuration::from_secs(10);
/// Largest remembered document, in bytes.
const MAX_REMEMBERED_BYTES: u64 = 8 * 1024 * 1024;
const FILES: [&str; 4] = ["root.json", "timestamp.json", "snapshot.json", "targets.json"];

/// The pinned root, what was verified since, and where that is remembered.
#[derive(Debug)]
pub struct ImageTrust {
    store: Store,
    id: RepositoryId,
    dir: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) trust: TrustStore,
    /// The last good walk, and what was read of delegated roles since.
    view: Option<Resolver>,
    looked_at: Option<Timestamp>,
}

impl ImageTrust {
    /// Starts from what `dir` remembers, or from the pinned root.
    ///
    /// # Errors
    /// The file that cannot be read.
    pub fn open(store: Store, id: RepositoryId, pinned: Vec<u8>, dir: PathBuf) -> std::io::Result<Self> {
        let [root, timestamp, snapshot, targets] = FILES.map(|name| remembered(&dir.join(name)));
        let trust = TrustStore {
            root: root?.unwrap_or(pinned),
            timestamp: timestamp?,
            snapshot: snapshot?,
            targets: targets?,
        };
        let state = State {
            trust,
            view: None,
            looked_at: None,
        };
        Ok(Self {
            store,
            id,
            dir,
            state: Mutex::new(state),
        })
    }

    /// The repository's id.
    pub fn id(&self) -> &RepositoryId {
        &self.id
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// Walks the repository now.
    ///
    /// # Errors
    /// [`StageError::Walk`].
    pub async fn walk(&self, now: Timestamp) -> Result<Arc<TrustedRepository>, StageError> {
        let mut state = self.state.lock().await;
        self.walk_into(&mut state, now).await
    }

    /// A view that is at most a few seconds old, or the last good one if the repository cannot be walked just now.
    ///
    /// # Errors
    /// [`StageError::Walk`] if there never was a good one.
    pub async fn view(&self, now: Timestamp) -> Result<Arc<TrustedRepository>, StageError> {
        let mut state = self.state.lock().await;
        let view = self.current(&mut state, now).await?;
        Ok(Arc::clone(view.repository()))
    }

    /// Looks for a target that is to be installed on all of this hardware, as vehicles do, in such a view.
    ///
    /// # Errors
    /// As [`view`](Self::view); [`StageError::Target`] if this target cannot be trusted, which says nothing about others.
    pub async fn target(
        &self,
        path: &TargetPath,
        hardware: &BTreeSet<HardwareId>,
        now: Timestamp,
    ) -> Result<Option<VerifiedTarget>, StageError> {
        let mut state = self.state.lock().await;
        let view = self.current(&mut state, now).await?;
        match find(&self.store, view, path, hardware).await {
            Ok(None) => Ok(None),
            Ok(Some(found)) => Ok(Some(VerifiedTarget::of(found)?)),
            Err(WalkError::Trust(error)) => Err(error.into()),
            Err(error) => Err(error.into()),
        }
    }

    async fn current<'a>(
        &self,
        state: &'a mut State,
        now: Timestamp,
    ) -> Result<&'a mut Resolver, StageError> {
        let failed = if state.is_recent(now) {
            None
        } else {
            self.walk_into(state, now).await.err()
        };
        match (&mut state.view, failed) {
            (Some(view), None) => Ok(view),
            (Some(view), Some(error)) => {
                tracing::warn!(
                    error = error.chain(),
                    "the Image repository cannot be walked; the last good view holds"
                );
                metrics::counter!("sealift_image_walk_failures_total").increment(1);
                state.looked_at = Some(now);
                Ok(view)
            }
            (None, failed) => Err(failed.unwrap_or_else(|| {
                StageError::refused(ProblemKind::Internal, "there is no view of the images")
            })),
        }
    }

    async fn walk_into(
        &self,
        state: &mut State,
        now: Timestamp,
    ) -> Result<Arc<TrustedRepository>, StageError> {
        let time = TrustedTime::new(now, TimeSource::SystemClock);
        let walked = walk(&self.store, &state.trust, time, Limits::IMAGE).await?;
        self.adopt(state, walked.trust, walked.repository, now).await
    }

    /// Remembers what was verified, on disk first.
    pub(super) async fn adopt(
        &self,
        state: &mut State,
        trust: TrustStore,
        repository: TrustedRepository,
        now: Timestamp,
    ) -> Result<Arc<TrustedRepository>, StageError> {
        if trust != state.trust || state.view.is_none() {
            let (dir, copy) = (self.dir.clone(), trust.clone());
            tokio::task::spawn_blocking(move || remember(&dir, &copy))
                .await
                .map_err(|error| StageError::TrustStore(std::io::Error::other(error)))?
                .map_err(StageError::TrustStore)?;
        }
        let repository = Arc::new(repository);
        let time = TrustedTime::new(now, TimeSource::SystemClock);
        state.trust = trust;
        state.view = Some(Resolver::new(Arc::clone(&repository), Limits::IMAGE, time));
        state.looked_at = Some(now);
        Ok(repository)
    }

    pub(super) async fn lock(&self) -> tokio::sync::MutexGuard<'_, State> {
        self.state.lock().await
    }
}

impl State {
    fn is_recent(&self, now: Timestamp) -> bool {
        self.view.is_some()
            && self.looked_at.is_some_and(|looked_at| {
                let age = now.duration_since(looked_at);
                !age.is_negative() && age < VIEW_AGE
            })
    }
}

fn remembered(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    use std::io::Read;
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_REMEMBERED_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Root first: what the others were verified with is never older than they are.
fn remember(dir: &Path, trust: &TrustStore) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    let documents = [
        Some(&trust.root),
        trust.timestamp.as_ref(),
        trust.snapshot.as_ref(),
        trust.targets.as_ref(),
    ];
    for (name, bytes) in FILES.into_iter().zip(documents) {
        let path = dir.join(name);
        match bytes {
            None => match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            },
            Some(bytes) => {
                let fresh = dir.join(format!("{name}.new"));
                let mut file = std::fs::File::create(&fresh)?;
                file.write_all(bytes)?;
                file.sync_all()?;
                std::fs::rename(&fresh, &path)?;
            }
        }
    }
    std::fs::File::open(dir)?.sync_all()
}

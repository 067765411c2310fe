//! A new root: the one file that clients find by counting, so it comes last and has to be right.

use sealift_metadata::document::Document;
use sealift_metadata::root::{RoleName, Root};
use sealift_metadata::time::TrustedTime;

use super::{MAX_ATTEMPTS, PublishError, Published, Publisher};
use crate::paths;
use crate::store::Written;
use crate::walk::{Overlay, Walk, WalkError, walk_as_author, walk_over};

impl Publisher {
    /// Publishes root N+1.
    ///
    /// What is current has to verify under both roots, because clients take the new root first and the rest after. Where it
    /// does not, Snapshot, Timestamp and, if they have to be, Targets are first signed again with everything in
    /// [`super::Signers`], which must therefore hold the old and the new keys; then the root is stored, create-if-absent.
    ///
    /// `with` holds at most one document: Targets that people signed with old and new keys, where those keys are not at hand
    /// here. They go by the rules of [`Publisher::publish_signed`] and become current before the root does.
    ///
    /// # Errors
    /// [`PublishError::NotNextRoot`], [`PublishError::RootTaken`], [`PublishError::Unacceptable`] when clients would refuse
    /// the root or anything under it; else as [`Publisher::publish`] and [`Publisher::publish_signed`].
    pub async fn publish_root(
        &mut self,
        root: &[u8],
        with: &[Vec<u8>],
        now: TrustedTime,
    ) -> Result<Published, PublishError> {
        let draft = match with {
            [] => None,
            [draft] => Some(draft.as_slice()),
            _ => return Err(PublishError::NotOneDraft { found: with.len() }),
        };
        let base = self.current(now).await?;
        let expected = base.repository.root().version().saturating_add(1);
        let next = match Document::<Root>::parse(root) {
            Ok(document) => document,
            Err(source) => {
                return Err(PublishError::NotNextRoot {
                    expected,
                    source: Some(source),
                });
            }
        };
        let version = next.version();
        if version < expected {
            return self.root_is_there(base, version, root).await;
        }
        if version > expected {
            return Err(PublishError::NotNextRoot {
                expected,
                source: None,
            });
        }
        let name = format!("{version}.root.json");
        let overlay = Overlay::from([(name.clone(), root.to_vec())]);
        // The root itself has to be good before anything is signed for its sake.
        let accepted = match self.walk_with(&overlay, &base, now).await {
            Ok(_) => true,
            Err(WalkError::Trust(e)) if e.document() != name && e.document() != "root.json" => false,
            Err(e) => return Err(PublishError::Unacceptable(e)),
        };
        let unpublished = draft.is_some_and(|draft| draft != base.repository.targets().bytes());
        if !accepted || unpublished {
            self.sign_again(&next, &overlay, draft, now).await?;
        }
        let base = self.current(now).await?;
        let walked = self
            .walk_with(&overlay, &base, now)
            .await
            .map_err(PublishError::Unacceptable)?;
        match self
            .store
            .create_exact(&paths::metadata(&name)?, root.to_vec())
            .await?
        {
            Written::Theirs => Err(PublishError::RootTaken { version }),
            Written::Ours(_) => {
                self.trust = walked.trust;
                Ok(Published {
                    repository: walked.repository,
                    changed: true,
                    overtaken: 0,
                })
            }
        }
    }

    async fn walk_with(&self, overlay: &Overlay, base: &Walk, now: TrustedTime) -> Result<Walk, WalkError> {
        walk_over(&self.store, overlay, &base.trust, now, self.limits).await
    }

    /// A root that is published already: no error if it is this one.
    async fn root_is_there(&self, base: Walk, version: u64, root: &[u8]) -> Result<Published, PublishError> {
        let path = paths::metadata(&format!("{version}.root.json"))?;
        match self.store.read(&path, self.limits.root).await? {
            Some(stored) if stored.bytes == root => Ok(self.unchanged(base, 0)),
            _ => Err(PublishError::RootTaken { version }),
        }
    }

    /// Signs Snapshot and Timestamp once more, with every key at hand, over Targets that are good under the current root and
    /// under `next`: those given, else the current ones, else the current ones signed again.
    async fn sign_again(
        &mut self,
        next: &Document<Root>,
        overlay: &Overlay,
        draft: Option<&[u8]>,
        now: TrustedTime,
    ) -> Result<(), PublishError> {
        let next_keys = next.role().keys(RoleName::Targets);
        for overtaken in 0..MAX_ATTEMPTS {
            let base = self.current(now).await?;
            let held = self.trust.clone();
            let current = base.repository.targets();
            let unpublished = draft.filter(|draft| *draft != current.bytes());
            let stays = current.check(next_keys).is_ok() && !now.is_past(current.expires());
            let mut set = match unpublished {
                Some(draft) => self.sign_over_draft(&base, draft, &[next_keys], now).await?,
                None if stays => self.sign_snapshot(&base.repository, current, now).await?,
                None => {
                    let targets = current.role().targets().clone();
                    self.sign_targets(&base, &targets, now).await?
                }
            };
            set.files.extend(overlay.clone());
            let committed = self.commit(base, set, now, overtaken).await?;
            // The next root is not published yet, so it is not to be remembered as if it were.
            self.trust = held;
            if committed.is_some() {
                return Ok(());
            }
        }
        Err(PublishError::Contended {
            attempts: MAX_ATTEMPTS,
        })
    }

    /// Moves a file out of the way that stands where the next root belongs but is none: clients stop at it.
    ///
    /// It is kept in `private/staging/quarantine`. Does nothing when the next root is absent or good.
    ///
    /// # Errors
    /// [`PublishError::Store`].
    pub async fn quarantine_bad_root(&mut self, now: TrustedTime) -> Result<Option<String>, PublishError> {
        let walked = walk_as_author(&self.store, &Overlay::default(), &self.trust, now, self.limits).await;
        let Err(WalkError::Trust(error)) = walked else {
            return Ok(None);
        };
        let name = error.document().to_owned();
        if !name.ends_with(".root.json") {
            return Ok(None);
        }
        let path = paths::metadata(&name)?;
        let Some(bad) = self.store.read(&path, self.limits.root).await? else {
            return Ok(None);
        };
        let sha256 = <sha2::Sha256 as sha2::Digest>::digest(&bad.bytes).into();
        self.store
            .create_exact(&paths::quarantine(&name, &sha256)?, bad.bytes.clone())
            .await?;
        // Looked at again right before: someone else may have put the right one there in the meantime.
        if self
            .store
            .read(&path, self.limits.root)
            .await?
            .is_some_and(|now| now.bytes == bad.bytes)
        {
            self.store.delete(&path).await?;
        }
        Ok(Some(name))
    }
}

//! Documents that people signed. They are committed byte for byte, because nobody here could sign them again.

use sealift_metadata::authoring::complete;
use sealift_metadata::document::{Document, Role};
use sealift_metadata::root::RoleName;
use sealift_metadata::targets::Targets;
use sealift_metadata::threshold::RoleKeys;
use sealift_metadata::time::TrustedTime;

use super::commit::{SignedSet, file_name};
use super::{MAX_ATTEMPTS, PublishError, Published, Publisher, TargetMap};
use crate::paths;
use crate::store::Written;
use crate::walk::{Overlay, Walk};

impl Publisher {
    /// Makes a Targets document current that others have signed, as it is. Needs the keys of Snapshot and Timestamp only.
    ///
    /// It has to be the version after the current one. When another publisher is first with Snapshot or Timestamp, those two
    /// are signed again; when he is first with Targets, the document is stale. A file that an earlier try left behind is
    /// adopted when it holds these very bytes (docs/adr/0015-signed-drafts-are-adopted.md). What is current already is no
    /// error. `documents` holds one document.
    ///
    /// # Errors
    /// [`PublishError::StaleDraft`], [`PublishError::VersionTaken`], [`PublishError::BadDraft`],
    /// [`PublishError::ExpiredDraft`]; else as [`Publisher::publish`].
    pub async fn publish_signed(
        &mut self,
        documents: &[Vec<u8>],
        now: TrustedTime,
    ) -> Result<Published, PublishError> {
        let [draft] = documents else {
            return Err(PublishError::NotOneDraft {
                found: documents.len(),
            });
        };
        for overtaken in 0..MAX_ATTEMPTS {
            let base = self.current(now).await?;
            self.check_root(&base, now)?;
            if base.repository.targets().bytes() == draft.as_slice() {
                return Ok(self.unchanged(base, overtaken));
            }
            let before = base.repository.targets().version();
            let set = self.sign_over_draft(&base, draft, &[], now).await?;
            match self.commit(base, set, now, overtaken).await {
                Ok(None) => {}
                Ok(Some(published)) => return Ok(published),
                Err(taken @ PublishError::VersionTaken { .. }) => {
                    // By one who has finished in the meantime: then the draft is stale, which says more.
                    if self.current(now).await?.repository.targets().version() == before {
                        return Err(taken);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(PublishError::Contended {
            attempts: MAX_ATTEMPTS,
        })
    }

    /// Accepts a signed Targets document, and signs and stores the Snapshot that names it. `also` are key sets beyond those
    /// of the current root under which it has to be good.
    pub(super) async fn sign_over_draft(
        &self,
        base: &Walk,
        draft: &[u8],
        also: &[&RoleKeys],
        now: TrustedTime,
    ) -> Result<SignedSet, PublishError> {
        let current = base.repository.targets();
        let mut keys = vec![base.repository.root().role().keys(RoleName::Targets)];
        keys.extend(also);
        let targets = self.accept(draft, Some(current), &keys, now).await?;
        let mut set = self.sign_snapshot(&base.repository, &targets, now).await?;
        set.given.insert(file_name(&targets), targets.bytes().to_vec());
        Ok(set)
    }

    /// Judges a signed Targets document before anything is written for its sake: enough signatures under every key set, the
    /// version after `before`, not expired, and every object that it newly names in the store.
    pub(super) async fn accept(
        &self,
        draft: &[u8],
        before: Option<&Document<Targets>>,
        keys: &[&RoleKeys],
        now: TrustedTime,
    ) -> Result<Document<Targets>, PublishError> {
        let role = Targets::TYPE;
        let targets = complete::<Targets>(draft, keys).map_err(|source| PublishError::BadDraft {
            role,
            source: Box::new(source),
        })?;
        let (version, expires) = (targets.version(), targets.expires());
        let current = before.map_or(0, Document::version);
        let signed_over = version.saturating_sub(1);
        if signed_over != current {
            return Err(PublishError::StaleDraft { signed_over, current });
        }
        if now.is_past(expires) {
            return Err(PublishError::ExpiredDraft {
                role,
                version,
                expires,
            });
        }
        let nothing = TargetMap::new();
        let listed = before.map_or(&nothing, |before| before.role().targets());
        self.check_objects(listed, targets.role().targets()).await?;
        Ok((*targets).clone())
    }

    /// Stores what people signed, each file where nothing or the very same is.
    pub(super) async fn store_given(&self, given: &Overlay) -> Result<(), PublishError> {
        for (name, bytes) in given {
            let path = paths::metadata(name)?;
            if let Written::Theirs = self.store.create_exact(&path, bytes.clone()).await? {
                return Err(PublishError::VersionTaken { name: name.clone() });
            }
        }
        Ok(())
    }
}

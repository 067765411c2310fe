//! The release that is asked for is listed already: by a pipeline that is run again, or by another that was faster.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sealift_envelope::{Digest, KeyFile, RecipientKey, Stanza};
use sealift_metadata::targets::TargetFile;
use sealift_metadata::uptane::{ImageProfile, Protection};
use sealift_repository::{TargetMap, paths};

use super::super::builders::Image;
use super::super::object::Described;
use super::super::uploads::forget;
use super::attached::Attached;
use super::{Add, Keys};
use crate::failure::{Failure, Fault};
use crate::journal::{Id, Taken};
use crate::store::{self, Connection};
use crate::{World, faults};

/// An entry of Targets with the same path, counter, version, hardware and protection as the release that is asked for.
/// Whether the bytes are the same, only the input tells.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) file: TargetFile,
    /// The digest that the object is named by.
    pub(super) sha256: [u8; 32],
    pub(super) profile: ImageProfile,
}

impl Listed {
    /// Whether it is of an input with this digest.
    pub(super) fn is_of(&self, args: &Add, input: &Digest) -> bool {
        if args.presealed.is_given() {
            return self.file.length == input.length && self.sha256 == input.sha256;
        }
        self.profile.plain.length == input.length && self.profile.plain.sha256 == input.sha256
    }
}

impl Add {
    /// What of an object is the input's own digest: sealing here uses a fresh key every time.
    pub(super) fn input_of<'a>(&self, described: &'a Described) -> &'a Digest {
        match self.presealed.is_given() {
            true => &described.object,
            false => &described.plain,
        }
    }

    /// What is listed, if it may be the release that is asked for.
    pub(super) fn listed(&self, targets: &TargetMap) -> Option<Listed> {
        let file = targets.get(&self.path)?;
        let profile = ImageProfile::parse(file.custom.as_ref()?.get(ImageProfile::FIELD)?).ok()?;
        let hardware: BTreeSet<_> = self.hardware_id.iter().cloned().collect();
        let protection = match self.protection {
            Some(_) => Protection::None,
            None => Protection::SealedV1,
        };
        let same = profile.release_counter == self.release_counter
            && profile.version == self.version
            && profile.hardware_ids == hardware
            && profile.protection == protection;
        same.then_some(Listed {
            file: file.clone(),
            sha256: *file.object_digest().ok()?,
            profile,
        })
    }

    /// Whether what is listed has these companions and can be opened by everyone that the command names; an upload that was begun for it is
    /// forgotten.
    pub(super) async fn settle(
        &self,
        world: &World,
        connection: &Connection,
        listed: &Listed,
        keys: &Keys,
        attached: &Attached,
    ) -> Result<(), Failure> {
        if !attached.are_of(&listed.file) {
            let what = format!(
                "{} is published already with these bytes, but with other companions",
                self.path
            );
            return Err(Failure::new(Fault::Conflict, what).next(
                "give the companions of the first run, or publish it again with --replace and a higher --release-counter",
            ));
        }
        // As on the first run, which may not have asked for a builder.
        attached.suit(Image {
            plain: &listed.profile.plain.sha256,
            object: &listed.sha256,
        })?;
        attached.are_in(connection.store()).await?;
        let object = paths::target(&self.path, &listed.sha256).map_err(faults::store)?;
        let found = connection.store().open(&object).await.map_err(faults::store)?;
        let found = found.filter(|object| object.size() == listed.file.length);
        let Some(found) = found else {
            let what = format!(
                "{} is listed with these bytes, but {object} is missing or cut off",
                self.path
            );
            return Err(Failure::new(Fault::NotFound, what)
                .next("publish it again with --replace and a higher --release-counter"));
        };
        let stanzas = match connection.key_file(&self.path, &listed.sha256).await? {
            Some(bytes) => KeyFile::parse(&bytes)
                .map_err(|error| faults::format("the key file of the published image is refused", error))?
                .stanzas()
                .to_vec(),
            None => Vec::new(),
        };
        if let Some(director) = stranger(&keys.directors, &self.director, &stanzas) {
            let next = "wrap its key for that Director with `sealift kek rotate`";
            return Err(self.not_for(director, next));
        }
        if let (false, Some(signed)) = (keys.recipients.is_empty(), &listed.profile.header) {
            let header = store::header(&found, signed).await?;
            let stanzas = header.as_ref().map_or(&[][..], |header| header.stanzas());
            if let Some(recipient) = stranger(&keys.recipients, &self.recipient, stanzas) {
                let next = "publish it again with --replace and a higher --release-counter";
                return Err(self.not_for(recipient, next));
            }
        }
        self.forget_interrupted(world, connection);
        Ok(())
    }

    fn not_for(&self, key: &Path, next: &str) -> Failure {
        let what = format!(
            "{} is published already with these bytes, but not for {}",
            self.path,
            key.display()
        );
        Failure::new(Fault::Conflict, what).next(next)
    }

    /// A process that died between publishing and forgetting leaves its journal behind.
    fn forget_interrupted(&self, world: &World, connection: &Connection) {
        let journals = self.state.journals().filter(|_| !self.dry_run);
        let Some(journals) = journals else { return };
        let store = connection.store().address();
        let id = Id::new(&store, connection.repository_id().as_str(), self.path.as_str());
        if let Ok(Taken::Found(journal)) = journals.take(&id) {
            forget(world, Some(journal));
        }
    }
}

/// The file of the first key that none of the stanzas is for.
fn stranger<'a>(keys: &[RecipientKey], files: &'a [PathBuf], stanzas: &[Stanza]) -> Option<&'a Path> {
    let missing = keys
        .iter()
        .position(|key| stanzas.iter().all(|stanza| stanza.key_id() != key.key_id()))?;
    files.get(missing).map(PathBuf::as_path)
}

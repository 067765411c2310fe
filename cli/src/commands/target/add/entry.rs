//! A target's entry in Targets: what it says of the object, and whether it may be listed.

use sealift_envelope::{Digest, SegmentAlg};
use sealift_metadata::companions::Companion;
use sealift_metadata::targets::TargetFile;
use sealift_metadata::uptane::{FileDigest, ImageProfile, Protection, SegmentAlgorithm, Segments};
use sealift_repository::{Change, ChangeError, TargetMap};
use serde_json::json;

use super::super::object::Described;
use super::Add;
use super::attached::Attached;
use crate::failure::{Failure, Fault};
use crate::publishing;

impl Add {
    pub(super) fn entry(&self, described: &Described, attached: &Attached) -> Result<TargetFile, Failure> {
        let list = described.segments.digest();
        let alg = match described.segments.alg() {
            SegmentAlg::Blake3 => SegmentAlgorithm::Blake3,
            SegmentAlg::Sha256 => SegmentAlgorithm::Sha256,
            other => {
                let what = format!("segment digests of kind {} cannot be published", other.name());
                return Err(Failure::new(Fault::Other, what));
            }
        };
        let profile = ImageProfile {
            plain: digest(&described.plain),
            header: described.header.as_ref().map(digest),
            segments: Some(Segments {
                alg,
                size: described.segments.size().bytes(),
                length: list.length,
                sha256: list.sha256,
            }),
            protection: if described.header.is_some() {
                Protection::SealedV1
            } else {
                Protection::None
            },
            release_counter: self.release_counter,
            hardware_ids: self.hardware_id.iter().cloned().collect(),
            version: self.version.clone(),
        };
        profile
            .check()
            .map_err(|error| Failure::refused("the image cannot be described").because(error))?;
        let mut custom = json!({ImageProfile::FIELD: profile.to_value()});
        if let Some(list) = attached.to_value() {
            custom[Companion::FIELD] = list;
        }
        Ok(TargetFile {
            length: described.object.length,
            hashes: described.object.sha256.into(),
            custom: Some(custom),
        })
    }

    /// Whether the target may be listed beside what is listed already.
    pub(super) fn admit(&self, targets: &TargetMap) -> Result<(), ChangeError> {
        let (path, counter) = (&self.path, self.release_counter);
        let Some(listed) = targets.get(path) else {
            return Ok(());
        };
        if !self.replace {
            return Err(ChangeError::Refused {
                reason: format!(
                    "target {path} exists already; choose another path, or replace it with --replace"
                ),
            });
        }
        let previous = listed
            .custom
            .as_ref()
            .and_then(|custom| custom.get(ImageProfile::FIELD));
        let previous = previous
            .and_then(|value| ImageProfile::parse(value).ok())
            .map(|profile| profile.release_counter);
        match previous {
            Some(previous) if counter <= previous => Err(ChangeError::Refused {
                reason: format!(
                    "release counter {counter} does not rise above {previous}, which {path} has now"
                ),
            }),
            _ => Ok(()),
        }
    }

    /// Why it may not.
    pub(super) fn refusal(&self, targets: &TargetMap) -> Failure {
        let refused = match self.admit(targets) {
            Err(refused) => refused,
            // Another release than the one asked for is always in the way; the entry was looked at before.
            Ok(()) => ChangeError::Exists {
                path: self.path.clone(),
            },
        };
        publishing::failed(refused.into())
    }
}

/// Puts an entry into Targets, unless it is there, or another publisher's of the same release.
pub(super) struct Listing<'a> {
    pub(super) args: &'a Add,
    pub(super) file: &'a TargetFile,
    pub(super) described: &'a Described,
    pub(super) attached: &'a Attached,
}

impl Change for Listing<'_> {
    fn apply(&self, targets: &mut TargetMap) -> Result<(), ChangeError> {
        // Written before and the store's answer was lost, or another's.
        if let Some(listed) = self.args.listed(targets)
            && listed.is_of(self.args, self.args.input_of(self.described))
            && self.attached.are_of(&listed.file)
        {
            return Ok(());
        }
        self.args.admit(targets)?;
        targets.insert(self.args.path.clone(), self.file.clone());
        Ok(())
    }
}

fn digest(digest: &Digest) -> FileDigest {
    FileDigest {
        length: digest.length,
        sha256: digest.sha256,
    }
}

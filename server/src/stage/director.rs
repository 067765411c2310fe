//! Director metadata of one vehicle: signed when the decision changes or half their life is over, else served again.

use super::{Decision, Stage, StageError};
use crate::db::{DirectorRow, DirectorSet, VehicleRow};
use jiff::{SignedDuration, Timestamp};
use sealift_metadata::authoring::{self, DirectorDraft, counter_version};
use sealift_metadata::uptane::{DirectedEcu, Direction, FileDigest, KeyBoxRef, VerifiedTarget};
use sealift_metadata::{EcuSerial, HardwareId, TargetPath, VehicleId};
use sealift_wire::limits::DIRECTOR_TARGETS_PROFILE_BYTES;
use sealift_wire::{ProblemKind, paths};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Attempts to sign while others change the same vehicle.
const ATTEMPTS: usize = 5;
/// Above this, in bytes, key boxes leave the document; clients read 64 KiB.
const INLINE_BUDGET: usize = 60 * 1024;
/// What a document has besides its targets: envelope, signatures, dates.
const DOCUMENT_OVERHEAD: usize = 2048;

type Boxes = Vec<([u8; 32], Vec<u8>)>;
/// What the Image repository lists of a decision's targets, by path.
type Listed<'a> = BTreeMap<&'a str, VerifiedTarget>;
type Directions<'a> = Vec<(&'a VerifiedTarget, Direction)>;

impl Stage {
    /// A Director file of `vehicle` by name, or nothing if there is none of that name.
    ///
    /// # Errors
    /// [`StageError`].
    pub async fn director_file(
        &self,
        vehicle: &VehicleId,
        name: &str,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, StageError> {
        if name == "timestamp.json" {
            return Ok(Some(self.current_set(vehicle, now).await?.timestamp));
        }
        if let Some(version) = name.strip_suffix(".root.json") {
            let version = version.parse().ok().filter(|_| !version.starts_with(['0', '+']));
            return Ok(version.and_then(|n| self.director_root(n)).map(<[u8]>::to_vec));
        }
        Ok(self.db.director_document(vehicle.as_str(), name).await?)
    }

    /// A key box of `vehicle` that is not inline.
    ///
    /// # Errors
    /// [`StageError`].
    pub async fn key_box(
        &self,
        vehicle: &VehicleId,
        sha256: &[u8; 32],
    ) -> Result<Option<Vec<u8>>, StageError> {
        Ok(self.db.key_box(vehicle.as_str(), sha256).await?)
    }

    /// The current set, signed anew if need be. It is committed before anyone sees a byte of it.
    async fn current_set(&self, id: &VehicleId, now: Timestamp) -> Result<DirectorRow, StageError> {
        // Without images that can be trusted nothing is decided, not even that there is nothing to do.
        self.image.view(now).await?;
        for _ in 0..ATTEMPTS {
            let vehicle = self.db.vehicle(id.as_str()).await?.ok_or_else(|| {
                StageError::refused(ProblemKind::NotFound, format!("there is no vehicle {id}"))
            })?;
            let (decision, listed) = self.decide(&vehicle, now).await?;
            let digest = self.fingerprint(&vehicle, &decision, &listed);
            if let Some(current) = self.db.director(id.as_str()).await?
                && current.decision == digest
                && is_fresh(&current, now)
            {
                return Ok(current);
            }
            let version = self
                .db
                .reserve_version(id.as_str(), counter_version(None, now))
                .await?;
            let set = self
                .sign_set(id, &decision, &listed, version, digest, now)
                .await?;
            if self.db.store_director(id.as_str(), &set).await? {
                for (serial, why) in &decision.withheld {
                    tracing::debug!(vehicle = %id, ecu = serial, why = why.name(), "assignment withheld");
                }
                tracing::info!(vehicle = %id, version, targets = decision.install.len(), "director metadata signed");
                metrics::counter!("sealift_director_sets_signed_total").increment(1);
                return Ok(set.current);
            }
        }
        Err(StageError::Contended)
    }

    /// The decision, and what the Image repository lists of its targets.
    async fn decide<'a>(
        &self,
        vehicle: &'a VehicleRow,
        now: Timestamp,
    ) -> Result<(Decision<'a>, Listed<'a>), StageError> {
        let mut decision = Decision::of(vehicle);
        loop {
            let hardware = decision.hardware();
            let listed = self.look_up(&hardware, now).await?;
            decision.withhold_unlisted(|path| {
                let target = listed.get(path)?;
                Some((*target.sha256(), target.profile().release_counter))
            });
            // For less hardware another role may be the first that may sign, and that is how the vehicle will look.
            if decision.hardware() == hardware {
                return Ok((decision, listed));
            }
        }
    }

    async fn look_up<'a>(
        &self,
        wanted: &BTreeMap<&'a str, BTreeSet<&str>>,
        now: Timestamp,
    ) -> Result<Listed<'a>, StageError> {
        let mut listed = Listed::new();
        for (path, hardware) in wanted {
            let ids: Result<_, _> = hardware.iter().map(|id| HardwareId::new(*id)).collect();
            let (Ok(name), Ok(ids)) = (TargetPath::new(*path), ids) else {
                continue;
            };
            match self.image.target(&name, &ids, now).await {
                Ok(found) => listed.extend(found.map(|target| (*path, target))),
                // The trouble of one target is not that of the others.
                Err(error @ StageError::Target(_)) => {
                    tracing::warn!(
                        target_path = path,
                        error = error.chain(),
                        "a target cannot be handed out"
                    );
                }
                Err(error) => return Err(error),
            }
        }
        Ok(listed)
    }

    async fn sign_set(
        &self,
        id: &VehicleId,
        decision: &Decision<'_>,
        listed: &Listed<'_>,
        version: u64,
        digest: [u8; 32],
        now: Timestamp,
    ) -> Result<DirectorSet, StageError> {
        let lifetime = SignedDuration::try_from(self.settings.metadata_lifetime)
            .unwrap_or(SignedDuration::from_hours(1));
        let expires = Timestamp::from_second((now + lifetime).as_second()).unwrap_or(now);
        let (directions, key_boxes) = self.directions(decision, listed)?;
        let mut draft = DirectorDraft::new(id.clone(), version, expires);
        for (target, direction) in &directions {
            draft.direct(target, direction);
        }
        let correlations: BTreeSet<&str> = decision
            .install
            .values()
            .flatten()
            .map(|(_, assignment)| assignment.correlation_id.as_str())
            .collect();
        if let (Some(only), 1) = (correlations.first(), correlations.len()) {
            draft.set_correlation_id(*only);
        }
        let signed: authoring::DirectorSet = draft.sign(self.signing.root(), self.signing.director()).await?;
        let length = signed.targets.len();
        if u64::try_from(length).unwrap_or(u64::MAX) > DIRECTOR_TARGETS_PROFILE_BYTES {
            tracing::error!(vehicle = %id, bytes = length, "director targets are larger than clients read; assign fewer ECUs at once");
        }
        Ok(DirectorSet {
            current: DirectorRow {
                version,
                decision: digest,
                timestamp: signed.timestamp,
                issued_at: now,
                expires_at: expires,
            },
            documents: vec![
                (format!("{version}.targets.json"), signed.targets),
                (format!("{version}.snapshot.json"), signed.snapshot),
            ],
            key_boxes,
        })
    }

    /// What the document says of each target, with key boxes inline if they fit, else as files of their own.
    fn directions<'a>(
        &self,
        decision: &Decision<'_>,
        listed: &'a Listed<'_>,
    ) -> Result<(Directions<'a>, Boxes), StageError> {
        let inline = self.described(decision, listed, &mut |bytes| KeyBoxRef::Inline(bytes.to_vec()))?;
        if document_bytes(&inline) <= INLINE_BUDGET {
            return Ok((inline, Boxes::new()));
        }
        let mut boxes = Boxes::new();
        let outside = self.described(decision, listed, &mut |bytes| {
            let sha256: [u8; 32] = Sha256::digest(bytes).into();
            boxes.push((sha256, bytes.to_vec()));
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            KeyBoxRef::File {
                path: format!("keyboxes/{}", hex::encode(sha256)),
                digest: FileDigest { length, sha256 },
            }
        })?;
        Ok((outside, boxes))
    }

    fn described<'a>(
        &self,
        decision: &Decision<'_>,
        listed: &'a Listed<'_>,
        place: &mut dyn FnMut(&[u8]) -> KeyBoxRef,
    ) -> Result<Directions<'a>, StageError> {
        let stored = |_| StageError::refused(ProblemKind::Internal, "a stored name is no name");
        let mut all = Vec::new();
        for (path, assigned) in &decision.install {
            // What is not listed was withheld.
            let Some(target) = listed.get(*path) else {
                continue;
            };
            let mut ecus = BTreeMap::new();
            for (ecu, assignment) in assigned {
                let serial = EcuSerial::new(ecu.serial.as_str()).map_err(stored)?;
                let hardware_id = HardwareId::new(ecu.hardware_id.as_str()).map_err(stored)?;
                let key_box = assignment.key_box.as_deref().map(&mut *place);
                ecus.insert(serial, DirectedEcu { hardware_id, key_box });
            }
            let url = self.settings.public_url.as_ref().map(|base| {
                let object = paths::repo_target(&target.path().store_name(target.sha256()));
                format!("{}{object}", base.as_str().trim_end_matches('/'))
            });
            all.push((target, Direction { ecus, url }));
        }
        Ok(all)
    }

    /// Everything that a signed set follows from. While it stays, the set need not be signed again.
    fn fingerprint(&self, vehicle: &VehicleRow, decision: &Decision<'_>, listed: &Listed<'_>) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(bytes);
        };
        part(vehicle.id.as_bytes());
        part(self.signing.roots().newest().bytes());
        part(
            self.settings
                .public_url
                .as_ref()
                .map_or("", url::Url::as_str)
                .as_bytes(),
        );
        for (path, assigned) in &decision.install {
            part(path.as_bytes());
            let custom = listed.get(*path).and_then(|target| target.file().custom.as_ref());
            part(
                custom
                    .map(|custom| custom.to_string())
                    .unwrap_or_default()
                    .as_bytes(),
            );
            for (ecu, assignment) in assigned {
                part(ecu.serial.as_bytes());
                part(ecu.hardware_id.as_bytes());
                part(&assignment.sha256);
                part(assignment.key_box.as_deref().unwrap_or_default());
                part(assignment.correlation_id.as_bytes());
            }
        }
        hash.finalize().into()
    }
}

/// At least half of its life is left.
fn is_fresh(set: &DirectorRow, now: Timestamp) -> bool {
    let life = set.expires_at.as_millisecond() - set.issued_at.as_millisecond();
    let left = set.expires_at.as_millisecond() - now.as_millisecond();
    now >= set.issued_at && left * 2 >= life
}

/// What the Targets document will weigh, closely enough.
fn document_bytes(directions: &Directions<'_>) -> usize {
    let weigh = |(target, direction): &(&VerifiedTarget, Direction)| {
        target.path().as_str().len()
            + target.file().to_value().to_string().len()
            + direction.to_value().to_string().len()
            + 64
    };
    DOCUMENT_OVERHEAD + directions.iter().map(weigh).sum::<usize>()
}

//! The Director's three documents for one vehicle.

use std::collections::BTreeMap;

use jiff::Timestamp as Instant;
use serde_json::{Value, json};

use super::sign::check_length;
use super::{AuthoringError, complete, next_snapshot, next_targets, next_timestamp};
use crate::document::Document;
use crate::fields::wrong;
use crate::ids::{TargetPath, VehicleId};
use crate::root::{RoleName, Root};
use crate::signer::Signer;
use crate::snapshot::Snapshot;
use crate::targets::{TargetFile, Targets};
use crate::timestamp::Timestamp;
use crate::trust::Limits;
use crate::uptane::{self, Direction, ImageProfile, VerifiedTarget};

/// What one vehicle should install. All three documents get one version and one expiry, and name the vehicle.
#[derive(Debug, Clone)]
pub struct DirectorDraft {
    vehicle_id: VehicleId,
    version: u64,
    expires: Instant,
    correlation_id: Option<String>,
    targets: BTreeMap<TargetPath, TargetFile>,
}

/// The holders of the three online keys.
#[derive(Debug, Clone, Copy)]
pub struct DirectorSigners<'a> {
    /// Signs Targets.
    pub targets: &'a dyn Signer,
    /// Signs Snapshot.
    pub snapshot: &'a dyn Signer,
    /// Signs Timestamp.
    pub timestamp: &'a dyn Signer,
}

/// The three documents, as they are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectorSet {
    /// `VERSION.targets.json`.
    pub targets: Vec<u8>,
    /// `VERSION.snapshot.json`.
    pub snapshot: Vec<u8>,
    /// `timestamp.json`.
    pub timestamp: Vec<u8>,
}

impl DirectorDraft {
    /// Nothing to install. `version` must be above that of the last set of this vehicle.
    #[must_use]
    pub const fn new(vehicle_id: VehicleId, version: u64, expires: Instant) -> Self {
        Self {
            vehicle_id,
            version,
            expires,
            correlation_id: None,
            targets: BTreeMap::new(),
        }
    }

    /// Notes the campaign or request that this set belongs to; at most 128 bytes.
    pub fn set_correlation_id(&mut self, id: impl Into<String>) -> &mut Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// Directs a target of the verified Image repository to ECUs, replacing what was said about this target before.
    pub fn direct(&mut self, target: &VerifiedTarget, direction: &Direction) -> &mut Self {
        let custom = json!({
            ImageProfile::FIELD: target.file().custom.as_ref().map(|custom| custom[ImageProfile::FIELD].clone()),
            Direction::FIELD: direction.to_value(),
        });
        let file = TargetFile {
            custom: Some(custom),
            ..target.file().clone()
        };
        self.targets.insert(target.path().clone(), file);
        self
    }

    fn custom(&self) -> Result<Value, AuthoringError> {
        let mut custom = json!({"vehicle_id": self.vehicle_id.as_str()});
        if let Some(id) = &self.correlation_id {
            if id.is_empty() || id.len() > 128 {
                return Err(wrong("signed.custom.correlation_id", "1 to 128 bytes are expected").into());
            }
            custom["correlation_id"] = id.as_str().into();
        }
        Ok(custom)
    }

    /// Signs the three documents, reads them back and verifies them as the vehicle will.
    ///
    /// # Errors
    /// [`AuthoringError`] if a signer fails or is not the root's, or the vehicle would refuse a document;
    /// [`AuthoringError::TooLarge`] means that key boxes should become files.
    pub async fn sign(
        &self,
        root: &Root,
        signers: DirectorSigners<'_>,
    ) -> Result<DirectorSet, AuthoringError> {
        let vehicle = json!({"vehicle_id": self.vehicle_id.as_str()});

        let mut draft = next_targets(None, self.version, self.expires)?;
        draft.set_custom(Some(self.custom()?));
        for (path, file) in &self.targets {
            draft.put(path, file);
        }
        let keys = root.keys(RoleName::Targets);
        let targets = draft.finish()?.sign(keys, &[signers.targets]).await?;
        let document = complete::<Targets>(&targets, &[keys])?;
        check_length::<Targets>(&targets, &Limits::DIRECTOR)?;
        self.check(&document)?;

        let keys = root.keys(RoleName::Snapshot);
        let draft =
            next_snapshot(None, &document, self.version, self.expires)?.with_custom(vehicle.clone())?;
        let snapshot = draft.sign(keys, &[signers.snapshot]).await?;
        let document = complete::<Snapshot>(&snapshot, &[keys])?;

        let keys = root.keys(RoleName::Timestamp);
        let draft = next_timestamp(None, &document, self.version, self.expires)?.with_custom(vehicle)?;
        let timestamp = draft.sign(keys, &[signers.timestamp]).await?;
        complete::<Timestamp>(&timestamp, &[keys])?;
        Ok(DirectorSet {
            targets,
            snapshot,
            timestamp,
        })
    }

    /// The vehicle's own rules, as far as they can be known here: every ECU once, one kind of hardware each.
    fn check(&self, targets: &Document<Targets>) -> Result<(), AuthoringError> {
        let name = "targets.json";
        uptane::check_vehicle(name, targets.signed(), &self.vehicle_id)?;
        let mut ecus = BTreeMap::new();
        for file in targets.role().targets().values() {
            for (serial, ecu) in Direction::of(file)?.ecus {
                ecus.entry(serial).or_insert(ecu.hardware_id);
            }
        }
        uptane::check_director(name, targets.role(), &ecus)?;
        Ok(())
    }
}

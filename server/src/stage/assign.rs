//! Assigning an image to an ECU: everything that could go wrong in the vehicle is looked at here first.

use super::{Decision, EcuKey, Stage, StageError, view};
use crate::db::{AssignmentRow, EcuRow, VehicleRow};
use jiff::Timestamp;
use sealift_envelope::RecipientKey;
use sealift_metadata::uptane::{Protection, VerifiedTarget};
use sealift_metadata::{EcuSerial, HardwareId, TargetPath, VehicleId};
use sealift_wire::{Assignment, ProblemKind, VehicleState};
use std::collections::BTreeSet;

impl Stage {
    /// Assigns `path` to an ECU, with its key box if the image is sealed.
    ///
    /// # Errors
    /// [`StageError::Refused`] by the reasons of `ProblemKind`, [`StageError::Broker`] if the content key cannot be had.
    pub async fn assign(
        &self,
        vehicle_id: &VehicleId,
        serial: &EcuSerial,
        path: &TargetPath,
        now: Timestamp,
    ) -> Result<Assignment, StageError> {
        let vehicle = self.known_vehicle(vehicle_id).await?;
        if vehicle.state == VehicleState::Revoked {
            let detail = format!("vehicle {vehicle_id} is revoked and is given nothing");
            return Err(StageError::refused(ProblemKind::VehicleRevoked, detail));
        }
        let ecu = known_ecu(&vehicle, serial)?;
        let target = self.listed_for(&vehicle, ecu, path, now).await?;
        self.check_fit(ecu, &target)?;
        let key_box = match target.profile().protection {
            Protection::None => None,
            Protection::SealedV1 => {
                let sealing = sealing_key(ecu)?;
                let key = EcuKey {
                    vehicle: vehicle_id.clone(),
                    serial: serial.clone(),
                    sealing,
                };
                Some(self.broker.rewrap(&target, &key).await?.encode())
            }
        };
        let row = AssignmentRow {
            target: path.to_string(),
            length: target.length(),
            sha256: *target.sha256(),
            plain_sha256: target.profile().plain.sha256,
            release_counter: target.profile().release_counter,
            key_box,
            assigned_at: now,
            correlation_id: hex::encode(self.entropy.bytes::<16>()),
            confirmed_at: None,
        };
        self.db.assign(serial.as_str(), &row).await?;
        let detail = format!("{serial}: {path}, correlation id {}", row.correlation_id);
        self.db
            .record_event(vehicle_id.as_str(), now, "assigned", &detail)
            .await?;
        tracing::info!(vehicle = %vehicle_id, ecu = %serial, target_path = %path, correlation_id = row.correlation_id, "assigned");
        Ok(view::assignment(&row))
    }

    /// Takes an assignment away.
    ///
    /// # Errors
    /// [`StageError::Refused`] if there is no such vehicle or ECU. That there was no assignment is no error.
    pub async fn unassign(
        &self,
        id: &VehicleId,
        serial: &EcuSerial,
        now: Timestamp,
    ) -> Result<(), StageError> {
        let vehicle = self.known_vehicle(id).await?;
        known_ecu(&vehicle, serial)?;
        if self.db.unassign(serial.as_str()).await? {
            self.db
                .record_event(id.as_str(), now, "unassigned", serial.as_str())
                .await?;
            tracing::info!(vehicle = %id, ecu = %serial, "unassigned");
        }
        Ok(())
    }

    /// The target as the vehicle will find it: for the hardware of this ECU and of all others that are to install it too.
    async fn listed_for(
        &self,
        vehicle: &VehicleRow,
        ecu: &EcuRow,
        path: &TargetPath,
        now: Timestamp,
    ) -> Result<VerifiedTarget, StageError> {
        let assigned = Decision::of(vehicle).hardware();
        let others = assigned.get(path.as_str()).into_iter().flatten().copied();
        let hardware: BTreeSet<_> = others
            .chain([ecu.hardware_id.as_str()])
            .map(HardwareId::new)
            .collect::<Result<_, _>>()
            .map_err(|_| StageError::refused(ProblemKind::Internal, "a stored name is no name"))?;
        // What was published a moment ago counts.
        self.image.walk(now).await?;
        let found = self.image.target(path, &hardware, now).await?;
        found.ok_or_else(|| {
            let ids: Vec<_> = hardware.iter().map(HardwareId::as_str).collect();
            let detail = format!(
                "the Image repository lists no target {path} for hardware {}",
                ids.join(", ")
            );
            StageError::refused(ProblemKind::TargetUnknown, detail)
                .advise("publish it with `sealift target add`, or look with `sealift target list`")
        })
    }

    /// A vehicle that must exist.
    pub(super) async fn known_vehicle(&self, id: &VehicleId) -> Result<VehicleRow, StageError> {
        let missing = || StageError::refused(ProblemKind::NotFound, format!("there is no vehicle {id}"));
        self.db.vehicle(id.as_str()).await?.ok_or_else(missing)
    }

    fn check_fit(&self, ecu: &EcuRow, target: &VerifiedTarget) -> Result<(), StageError> {
        let profile = target.profile();
        if !profile
            .hardware_ids
            .iter()
            .any(|id| id.as_str() == ecu.hardware_id)
        {
            let fits: Vec<_> = profile.hardware_ids.iter().map(|id| id.as_str()).collect();
            let detail = format!(
                "ECU {} is {}, the image is for {}",
                ecu.serial,
                ecu.hardware_id,
                fits.join(", ")
            );
            return Err(StageError::refused(ProblemKind::HardwareMismatch, detail));
        }
        let installed = ecu.report.as_ref().and_then(|report| report.installed.as_ref());
        if let Some(installed) = installed.filter(|image| image.release_counter > profile.release_counter) {
            let detail = format!(
                "ECU {} has release {} of {}, the target is release {}",
                ecu.serial, installed.release_counter, installed.path, profile.release_counter
            );
            return Err(StageError::refused(ProblemKind::ReleaseOlder, detail)
                .advise("to go back, publish the old image again with a higher --release-counter"));
        }
        if ecu.require_sealed && profile.protection == Protection::None {
            let detail = format!(
                "ECU {} accepts sealed images only, and this one is not",
                ecu.serial
            );
            return Err(StageError::refused(ProblemKind::SealingRequired, detail));
        }
        Ok(())
    }
}

fn known_ecu<'a>(vehicle: &'a VehicleRow, serial: &EcuSerial) -> Result<&'a EcuRow, StageError> {
    vehicle
        .ecus
        .iter()
        .find(|ecu| ecu.serial == serial.as_str())
        .ok_or_else(|| {
            StageError::refused(
                ProblemKind::NotFound,
                format!("vehicle {} has no ECU {serial}", vehicle.id),
            )
        })
}

fn sealing_key(ecu: &EcuRow) -> Result<RecipientKey, StageError> {
    let Some((_, pem)) = &ecu.sealing_key else {
        let detail = format!("ECU {} has no sealing key, and the image is sealed", ecu.serial);
        return Err(StageError::refused(ProblemKind::SealingKeyMissing, detail)
            .advise("register the ECU with a sealing key, or assign an image that is not sealed"));
    };
    RecipientKey::from_pem(pem)
        .map_err(|_| StageError::refused(ProblemKind::Internal, "the registered sealing key cannot be read"))
}

//! Taking a vehicle's manifest in (Uptane 5.3.2.1): identify, verify with registered keys, check completeness, counters
//! and times, record. A manifest that fails one check changes nothing but the record of anomalies.

use super::decide::is_installed;
use super::{Stage, StageError};
use crate::db::{EcuRow, InstalledRow, ManifestRecord, ReportRow, VehicleRow};
use jiff::{SignedDuration, Timestamp};
use sealift_metadata::manifest::{EcuReport, Manifest, VerifiedManifest, parse_manifest};
use sealift_metadata::{EcuSerial, PublicKey, VehicleId};
use sealift_wire::ProblemKind;
use sha2::{Digest, Sha256};

/// How far an ECU's clock may be ahead of ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// Attempts while another manifest of the same vehicle is being recorded.
const ATTEMPTS: usize = 3;
/// Longest reason that is recorded, in characters.
const MAX_REASON: usize = 500;

impl Stage {
    /// Takes in the manifest of the vehicle that the certificate named. The same bytes again are accepted without effect.
    ///
    /// # Errors
    /// [`StageError::Refused`]: `wrong-vehicle`, `manifest-refused`, `manifest-replay`.
    pub async fn take_manifest(
        &self,
        id: &VehicleId,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<(), StageError> {
        let outcome = self.take_checked(id, bytes, now).await;
        if let Err(StageError::Refused { kind, detail, .. }) = &outcome {
            let reason: String = detail.chars().take(MAX_REASON).collect();
            tracing::warn!(vehicle = %id, problem = kind.slug(), reason, "manifest refused");
            self.db
                .record_event(id.as_str(), now, kind.slug(), &reason)
                .await?;
        }
        let result = if outcome.is_ok() { "accepted" } else { "refused" };
        metrics::counter!("sealift_manifests_total", "result" => result).increment(1);
        outcome
    }

    async fn take_checked(&self, id: &VehicleId, bytes: &[u8], now: Timestamp) -> Result<(), StageError> {
        let sha256: [u8; 32] = Sha256::digest(bytes).into();
        for _ in 0..ATTEMPTS {
            let vehicle = self.known_vehicle(id).await?;
            if vehicle.manifest_sha256 == Some(sha256) {
                return Ok(());
            }
            let manifest = parse_manifest(bytes).map_err(|error| refused(chain(&error)))?;
            let verified = verify(id, &vehicle, &manifest)?;
            let record = record(&vehicle, &manifest, &verified, sha256, now)?;
            if self.db.record_manifest(id.as_str(), &record).await? {
                self.tell(id, &record, now).await?;
                return Ok(());
            }
        }
        Err(StageError::Contended)
    }

    /// Logs what a manifest brought.
    async fn tell(&self, id: &VehicleId, record: &ManifestRecord, now: Timestamp) -> Result<(), StageError> {
        for (serial, report) in &record.reports {
            if !report.attacks.is_empty() {
                let codes = report.attacks.join(" ");
                tracing::warn!(vehicle = %id, ecu = serial, attacks = codes, "an ECU reports attacks");
                metrics::counter!("sealift_attacks_reported_total").increment(1);
                self.db
                    .record_event(
                        id.as_str(),
                        now,
                        "attacks-reported",
                        &format!("{serial}: {codes}"),
                    )
                    .await?;
            }
        }
        for (serial, correlation_id) in &record.confirmed {
            tracing::info!(vehicle = %id, ecu = serial, correlation_id, "install confirmed");
            metrics::counter!("sealift_installs_confirmed_total").increment(1);
        }
        tracing::info!(vehicle = %id, reports = record.reports.len(), "manifest accepted");
        Ok(())
    }
}

/// Who sent it, and whether every signature is that of the registered key.
fn verify(id: &VehicleId, vehicle: &VehicleRow, manifest: &Manifest) -> Result<VerifiedManifest, StageError> {
    if manifest.vehicle_id() != id {
        let detail = format!(
            "the certificate is of vehicle {id}, the manifest of {}",
            manifest.vehicle_id()
        );
        return Err(StageError::refused(ProblemKind::WrongVehicle, detail));
    }
    let primary = vehicle
        .ecus
        .iter()
        .find(|ecu| ecu.primary)
        .map_or("", |ecu| ecu.serial.as_str());
    if manifest.primary_ecu_serial().as_str() != primary {
        let named = manifest.primary_ecu_serial();
        return Err(refused(format!(
            "the Primary of this vehicle is {primary}, not {named}"
        )));
    }
    let registered = |serial: &EcuSerial| {
        let ecu = vehicle.ecus.iter().find(|ecu| ecu.serial == serial.as_str())?;
        PublicKey::from_pem(&ecu.signing_key_pem).ok()
    };
    let verified = manifest
        .verify(registered)
        .map_err(|error| refused(chain(&error)))?;
    match vehicle
        .ecus
        .iter()
        .find(|ecu| !verified.reports().contains_key(ecu.serial.as_str()))
    {
        Some(missing) => Err(refused(format!("there is no report of ECU {}", missing.serial))),
        None => Ok(verified),
    }
}

/// What is new in it. Counters and times decide.
fn record(
    vehicle: &VehicleRow,
    manifest: &Manifest,
    verified: &VerifiedManifest,
    sha256: [u8; 32],
    now: Timestamp,
) -> Result<ManifestRecord, StageError> {
    let (mut reports, mut confirmed) = (Vec::new(), Vec::new());
    for ecu in &vehicle.ecus {
        let Some(report) = verified.reports().get(ecu.serial.as_str()) else {
            continue;
        };
        let signed = manifest.payload().ecu_version_reports.get(ecu.serial.as_str());
        let digest: [u8; 32] = Sha256::digest(signed.map(|s| s.to_bytes()).unwrap_or_default()).into();
        if is_stale(ecu, report, &digest)? {
            continue;
        }
        check_time(ecu, report, now)?;
        let row = row(report, digest, now);
        if let (Some(installed), Some(assignment)) = (&row.installed, &ecu.assignment)
            && assignment.confirmed_at.is_none()
            && is_installed(installed.sha256, installed.release_counter, assignment)
        {
            confirmed.push((ecu.serial.clone(), assignment.correlation_id.clone()));
        }
        reports.push((ecu.serial.clone(), row));
    }
    Ok(ManifestRecord {
        sha256,
        received_at: now,
        reports,
        confirmed,
    })
}

/// Whether a report is the one that we have: a Secondary that could not be asked is reported with its last one. The
/// Primary can always be asked, so its counter must rise; and no counter ever falls, or comes twice with other bytes.
fn is_stale(ecu: &EcuRow, report: &EcuReport, digest: &[u8; 32]) -> Result<bool, StageError> {
    let Some(known) = &ecu.report else {
        return Ok(false);
    };
    if report.report_counter > known.counter {
        return Ok(false);
    }
    if !ecu.primary && report.report_counter == known.counter && *digest == known.sha256 {
        return Ok(true);
    }
    let detail = format!(
        "ECU {} reports with counter {}, and {} was used already",
        ecu.serial, report.report_counter, known.counter
    );
    Err(StageError::refused(ProblemKind::ManifestReplay, detail))
}

fn check_time(ecu: &EcuRow, report: &EcuReport, now: Timestamp) -> Result<(), StageError> {
    if report.latest_time > now + SKEW {
        return Err(refused(format!(
            "ECU {} reports the time {}, which is to come",
            ecu.serial, report.latest_time
        )));
    }
    match &ecu.report {
        Some(known) if report.latest_time < known.latest_time => Err(refused(format!(
            "ECU {} reports the time {}, and reported {} before",
            ecu.serial, report.latest_time, known.latest_time
        ))),
        _ => Ok(()),
    }
}

fn row(report: &EcuReport, sha256: [u8; 32], now: Timestamp) -> ReportRow {
    ReportRow {
        counter: report.report_counter,
        sha256,
        latest_time: report.latest_time,
        received_at: now,
        installed: report.installed.as_ref().map(|image| InstalledRow {
            path: image.path.to_string(),
            sha256: image.sha256,
            length: image.length,
            release_counter: image.release_counter,
        }),
        attacks: report.attacks_detected.clone(),
    }
}

fn refused(detail: impl Into<String>) -> StageError {
    StageError::refused(ProblemKind::ManifestRefused, detail)
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        None => error.to_string(),
        Some(cause) => format!("{error}: {}", chain(cause)),
    }
}

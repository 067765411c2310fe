//! The vehicle version manifest.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{EcuReport, MAX_MANIFEST, MAX_REPORTS, ManifestError, SignedReport};
use crate::document::FormatError;
use crate::fields::{Fields, wrong};
use crate::ids::{EcuSerial, VehicleId};
use crate::json;
use crate::keys::PublicKey;
use crate::signer::Signer;

/// The payload of a manifest: the signed reports as they came from the ECUs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VehicleManifest {
    /// The vehicle.
    pub vehicle_id: VehicleId,
    /// The ECU that signs the manifest.
    pub primary_ecu_serial: EcuSerial,
    /// A report of every ECU that could be asked, the Primary's own among them.
    pub ecu_version_reports: BTreeMap<EcuSerial, SignedReport>,
}

impl VehicleManifest {
    fn parse(value: &Value) -> Result<Self, FormatError> {
        let fields = Fields::of(value, "manifest.signed")?;
        let entries = fields.object("ecu_version_reports")?;
        if entries.len() > MAX_REPORTS {
            return Err(wrong(
                fields.at("ecu_version_reports"),
                "at most 1024 reports are expected",
            ));
        }
        let mut reports = BTreeMap::new();
        for (serial, value) in entries.iter() {
            let serial = EcuSerial::new(serial.as_str()).map_err(|source| FormatError::Name {
                at: fields.at("ecu_version_reports"),
                source,
            })?;
            reports.insert(serial, SignedReport::parse(value)?);
        }
        Ok(Self {
            vehicle_id: fields.name("vehicle_id")?,
            primary_ecu_serial: fields.name("primary_ecu_serial")?,
            ecu_version_reports: reports,
        })
    }

    fn to_value(&self) -> Value {
        let reports: Map<String, Value> = self
            .ecu_version_reports
            .iter()
            .map(|(serial, report)| (serial.to_string(), report.value().clone()))
            .collect();
        json!({
            "vehicle_id": self.vehicle_id.as_str(),
            "primary_ecu_serial": self.primary_ecu_serial.as_str(),
            "ecu_version_reports": reports,
        })
    }
}

/// A parsed manifest. Nothing in it is verified.
#[derive(Debug, Clone)]
pub struct Manifest {
    payload: VehicleManifest,
    signed: SignedReport,
}

/// A manifest and its reports, all verified with registered keys. Only [`Manifest::verify`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedManifest {
    vehicle_id: VehicleId,
    primary_ecu_serial: EcuSerial,
    reports: BTreeMap<EcuSerial, EcuReport>,
}

/// Reads a manifest of at most 256 KiB.
///
/// # Errors
/// [`ManifestError::Format`] saying what is wrong.
pub fn parse_manifest(bytes: &[u8]) -> Result<Manifest, ManifestError> {
    let value = json::parse_strict_capped(bytes, MAX_MANIFEST).map_err(FormatError::from)?;
    let signed = SignedReport::parse(&value)?;
    Ok(Manifest {
        payload: VehicleManifest::parse(signed.signed())?,
        signed,
    })
}

impl Manifest {
    /// The vehicle that the manifest names. Compare it with the certificate and the path before anything else.
    #[must_use]
    pub const fn vehicle_id(&self) -> &VehicleId {
        &self.payload.vehicle_id
    }

    /// The Primary that the manifest names. Compare it with the inventory.
    #[must_use]
    pub const fn primary_ecu_serial(&self) -> &EcuSerial {
        &self.payload.primary_ecu_serial
    }

    /// The unverified payload.
    #[must_use]
    pub const fn payload(&self) -> &VehicleManifest {
        &self.payload
    }

    /// Verifies the manifest with the Primary's key and every report with the key of its ECU.
    ///
    /// `registered` gives the key that the inventory has for an ECU *of the vehicle that was authenticated*.
    ///
    /// # Errors
    /// [`ManifestError`] on the first thing that is wrong: nothing of the manifest is used then.
    pub fn verify(
        &self,
        registered: impl Fn(&EcuSerial) -> Option<PublicKey>,
    ) -> Result<VerifiedManifest, ManifestError> {
        let key_of =
            |serial: &EcuSerial| registered(serial).ok_or_else(|| ManifestError::UnknownEcu(serial.clone()));
        let primary = &self.payload.primary_ecu_serial;
        self.signed.verify(primary, &key_of(primary)?)?;
        let mut reports = BTreeMap::new();
        for (serial, signed) in &self.payload.ecu_version_reports {
            signed.verify(serial, &key_of(serial)?)?;
            let report = EcuReport::parse(signed.signed())?;
            if report.ecu_serial != *serial {
                return Err(ManifestError::Misfiled {
                    filed: serial.clone(),
                    found: report.ecu_serial,
                });
            }
            if report.vehicle_id != self.payload.vehicle_id {
                return Err(ManifestError::OtherVehicle(serial.clone()));
            }
            reports.insert(serial.clone(), report);
        }
        if !reports.contains_key(primary) {
            return Err(ManifestError::NoPrimaryReport(primary.clone()));
        }
        Ok(VerifiedManifest {
            vehicle_id: self.payload.vehicle_id.clone(),
            primary_ecu_serial: primary.clone(),
            reports,
        })
    }
}

impl VerifiedManifest {
    /// The vehicle.
    #[must_use]
    pub const fn vehicle_id(&self) -> &VehicleId {
        &self.vehicle_id
    }

    /// The Primary.
    #[must_use]
    pub const fn primary_ecu_serial(&self) -> &EcuSerial {
        &self.primary_ecu_serial
    }

    /// The reports by ECU.
    #[must_use]
    pub const fn reports(&self) -> &BTreeMap<EcuSerial, EcuReport> {
        &self.reports
    }

    /// The Primary's own report, whose counter guards the whole manifest against replay.
    #[must_use]
    pub fn primary_report(&self) -> &EcuReport {
        // Verification refuses a manifest without it.
        &self.reports[&self.primary_ecu_serial]
    }
}

/// Signs a manifest with the Primary's key and reads it back before returning its bytes.
///
/// # Errors
/// [`ManifestError`] if the Primary's own report is missing, the manifest would not be read, or the signer fails.
pub async fn sign_manifest(
    manifest: &VehicleManifest,
    signer: &dyn Signer,
) -> Result<Vec<u8>, ManifestError> {
    if !manifest
        .ecu_version_reports
        .contains_key(&manifest.primary_ecu_serial)
    {
        return Err(ManifestError::NoPrimaryReport(
            manifest.primary_ecu_serial.clone(),
        ));
    }
    let bytes = SignedReport::sign(manifest.to_value(), signer).await?.to_bytes();
    if bytes.len() > MAX_MANIFEST {
        return Err(ManifestError::TooLarge);
    }
    parse_manifest(&bytes)?;
    Ok(bytes)
}

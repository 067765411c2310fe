//! The payload of one ECU's report.

use std::collections::BTreeSet;

use jiff::Timestamp as Instant;
use serde_json::{Value, json};

use crate::document::FormatError;
use crate::fields::{Fields, MAX_VERSION, write_instant, wrong};
use crate::ids::{EcuSerial, TargetPath, VehicleId};

/// Most attack codes in one report.
pub const MAX_ATTACKS: usize = 64;

/// The image that an ECU runs. Length and hash are those of the image as installed, never of the sealed bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledImage {
    /// Its target name.
    pub path: TargetPath,
    /// Length of the plaintext, bytes.
    pub length: u64,
    /// SHA-256 of the plaintext.
    pub sha256: [u8; 32],
    /// Its release counter.
    pub release_counter: u64,
}

/// What one ECU reports (Uptane 5.4.2.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcuReport {
    /// The ECU.
    pub ecu_serial: EcuSerial,
    /// The vehicle that it is part of.
    pub vehicle_id: VehicleId,
    /// What it runs, if it knows.
    pub installed: Option<InstalledImage>,
    /// Codes of the attacks seen since the last report ([`Attack::code`](crate::trust::Attack::code)), at most 64.
    pub attacks_detected: Vec<String>,
    /// The latest instant that it could verify, in whole seconds.
    pub latest_time: Instant,
    /// Rises with every report; persisted before signing.
    pub report_counter: u64,
}

impl EcuReport {
    /// Reads the payload.
    ///
    /// # Errors
    /// [`FormatError`] naming the field that is wrong.
    pub fn parse(value: &Value) -> Result<Self, FormatError> {
        let fields = Fields::of(value, "report.signed")?;
        let installed = match fields.required("installed_image")? {
            Value::Null => None,
            value => Some(parse_installed(&Fields::of(
                value,
                fields.at("installed_image"),
            )?)?),
        };
        Ok(Self {
            ecu_serial: fields.name("ecu_serial")?,
            vehicle_id: fields.name("vehicle_id")?,
            installed,
            attacks_detected: parse_attacks(&fields)?,
            latest_time: fields.instant("latest_time")?,
            report_counter: fields.unsigned("report_counter")?,
        })
    }

    /// Writes the payload.
    ///
    /// # Errors
    /// [`FormatError`] if a field is one that [`parse`](Self::parse) would refuse.
    pub fn to_value(&self) -> Result<Value, FormatError> {
        if self.report_counter > MAX_VERSION {
            return Err(wrong(
                "report.signed.report_counter",
                "an integer up to 2^53-1 is expected",
            ));
        }
        let installed = self.installed.as_ref().map(|image| {
            json!({
                "filepath": image.path.as_str(),
                "fileinfo": {"length": image.length, "hashes": {"sha256": hex::encode(image.sha256)}},
                "release_counter": image.release_counter,
            })
        });
        let value = json!({
            "ecu_serial": self.ecu_serial.as_str(),
            "vehicle_id": self.vehicle_id.as_str(),
            "installed_image": installed,
            "attacks_detected": self.attacks_detected,
            "latest_time": write_instant(self.latest_time),
            "report_counter": self.report_counter,
        });
        Self::parse(&value).map(|_| value)
    }
}

fn parse_installed(fields: &Fields<'_>) -> Result<InstalledImage, FormatError> {
    let info = fields.object("fileinfo")?;
    Ok(InstalledImage {
        path: fields.name("filepath")?,
        length: info.unsigned("length")?,
        sha256: info.object("hashes")?.digest("sha256")?,
        release_counter: fields.unsigned("release_counter")?,
    })
}

fn parse_attacks(fields: &Fields<'_>) -> Result<Vec<String>, FormatError> {
    let name = "attacks_detected";
    let is_code = |text: &str| {
        (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let mut seen = BTreeSet::new();
    fields
        .array(name, MAX_ATTACKS)?
        .iter()
        .map(|item| match item.as_str() {
            Some(code) if is_code(code) && seen.insert(code) => Ok(code.to_owned()),
            _ => Err(wrong(
                fields.at(name),
                "codes of 1 to 64 characters of a-z 0-9 _, each once, are expected",
            )),
        })
        .collect()
}

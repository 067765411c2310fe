//! Ids and paths from the command line.

use sealift_metadata::ids::{EcuSerial, HardwareId, VehicleId};
use sealift_metadata::targets::TargetPath;

use crate::failure::Failure;

fn id_rule(kind: &str, text: &str) -> Failure {
    Failure::usage(format!("{text:?} is no {kind}: 1 to 64 of A-Z a-z 0-9 . _ -"))
}

/// A vehicle id.
pub(crate) fn vehicle_id(text: &str) -> Result<VehicleId, Failure> {
    VehicleId::new(text).map_err(|_| id_rule("vehicle id", text))
}

/// An ECU serial.
pub(crate) fn ecu_serial(text: &str) -> Result<EcuSerial, Failure> {
    EcuSerial::new(text).map_err(|_| id_rule("ECU serial", text))
}

/// A hardware id.
pub(crate) fn hardware_id(text: &str) -> Result<HardwareId, Failure> {
    HardwareId::new(text).map_err(|_| id_rule("hardware id", text))
}

/// [`vehicle_id`] for clap.
pub(crate) fn parse_vehicle_id(text: &str) -> Result<VehicleId, String> {
    vehicle_id(text).map_err(|failure| failure.to_string())
}

/// [`ecu_serial`] for clap.
pub(crate) fn parse_ecu_serial(text: &str) -> Result<EcuSerial, String> {
    ecu_serial(text).map_err(|failure| failure.to_string())
}

/// [`hardware_id`] for clap.
pub(crate) fn parse_hardware_id(text: &str) -> Result<HardwareId, String> {
    hardware_id(text).map_err(|failure| failure.to_string())
}

/// A target path, for clap.
pub(crate) fn parse_target_path(text: &str) -> Result<TargetPath, String> {
    TargetPath::new(text).map_err(|error| error.to_string())
}

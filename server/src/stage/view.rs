//! From what the inventory holds to what the wire says.

use crate::db::{AssignmentRow, EcuRow, InstalledRow, SummaryRow, VehicleRow};
use sealift_wire::{Assignment, Ecu, Installed, Vehicle, VehicleSummary};

pub(super) fn vehicle(row: VehicleRow) -> Vehicle {
    Vehicle {
        id: row.id,
        state: row.state,
        certificate_key_id: row.certificate_key_id,
        ecus: row.ecus.into_iter().map(ecu).collect(),
        last_seen_at: row.last_seen_at,
    }
}

pub(super) fn summary(row: SummaryRow) -> VehicleSummary {
    VehicleSummary {
        id: row.id,
        state: row.state,
        ecus: row.ecus,
        pending: row.pending,
        last_seen_at: row.last_seen_at,
    }
}

pub(super) fn assignment(row: &AssignmentRow) -> Assignment {
    Assignment {
        target: row.target.clone(),
        assigned_at: row.assigned_at,
        correlation_id: row.correlation_id.clone(),
        confirmed_at: row.confirmed_at,
    }
}

fn ecu(row: EcuRow) -> Ecu {
    let (installed, last_report_at, attacks) = match row.report {
        None => (None, None, Vec::new()),
        Some(report) => (
            report.installed.map(installed),
            Some(report.received_at),
            report.attacks,
        ),
    };
    Ecu {
        serial: row.serial,
        hardware_id: row.hardware_id,
        primary: row.primary,
        signing_key_id: row.signing_key_id,
        sealing_key_id: row.sealing_key.map(|(id, _)| id),
        require_sealed: row.require_sealed,
        assignment: row.assignment.as_ref().map(assignment),
        installed,
        last_report_at,
        attacks,
    }
}

fn installed(row: InstalledRow) -> Installed {
    Installed {
        path: row.path,
        sha256: hex::encode(row.sha256),
        length: row.length,
        release_counter: row.release_counter,
    }
}

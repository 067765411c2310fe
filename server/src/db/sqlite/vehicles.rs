//! Vehicles, ECUs, assignments.

use super::{SqliteInventory, digest, failed, instant, number, state, unsigned};
use crate::db::{
    AssignmentRow, DbError, EcuRow, InstalledRow, NewVehicle, ReportRow, SummaryRow, VehicleRow,
    VehicleStatus,
};
use jiff::Timestamp;
use sealift_wire::VehicleState;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

const ECUS: &str = "SELECT e.serial, e.hardware_id, e.is_primary, e.signing_key_id, e.signing_key_pem,
        e.sealing_key_id, e.sealing_key_pem, e.require_sealed,
        a.target, a.length, a.sha256 AS object_sha256, a.plain_sha256, a.release_counter, a.key_box, a.assigned_at,
        a.correlation_id, a.confirmed_at,
        r.counter, r.sha256 AS report_sha256, r.latest_time, r.received_at, r.installed_path, r.installed_sha256,
        r.installed_length, r.installed_release_counter, r.attacks
    FROM ecus e LEFT JOIN assignments a ON a.serial = e.serial LEFT JOIN reports r ON r.serial = e.serial
    WHERE e.vehicle_id = ? ORDER BY e.serial";

impl SqliteInventory {
    pub(super) async fn register_vehicle(&self, vehicle: &NewVehicle, now: Timestamp) -> Result<(), DbError> {
        const DURING: &str = "registering a vehicle";
        let mut tx = self.write(DURING).await?;
        // Asked first, so that a vehicle registered twice is told so, and not which of its keys is taken.
        let known = sqlx::query("SELECT 1 FROM vehicles WHERE id = ?").bind(&vehicle.id);
        if known
            .fetch_optional(&mut *tx)
            .await
            .map_err(failed(DURING))?
            .is_some()
        {
            return Err(DbError::Exists("the vehicle id"));
        }
        sqlx::query(
            "INSERT INTO vehicles (id, state, certificate_key_id, registered_at) VALUES (?, 'active', ?, ?)",
        )
        .bind(&vehicle.id)
        .bind(&vehicle.certificate_key_id)
        .bind(now.as_millisecond())
        .execute(&mut *tx)
        .await
        .map_err(taken)?;
        for ecu in &vehicle.ecus {
            sqlx::query(
                "INSERT INTO ecus (serial, vehicle_id, hardware_id, is_primary, signing_key_id, signing_key_pem,
                    sealing_key_id, sealing_key_pem, require_sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(&ecu.serial)
            .bind(&vehicle.id)
            .bind(&ecu.hardware_id)
            .bind(i64::from(ecu.primary))
            .bind(&ecu.signing_key_id)
            .bind(&ecu.signing_key_pem)
            .bind(ecu.sealing_key.as_ref().map(|(id, _)| id))
            .bind(ecu.sealing_key.as_ref().map(|(_, pem)| pem))
            .bind(i64::from(ecu.require_sealed))
            .execute(&mut *tx)
            .await
            .map_err(taken)?;
        }
        tx.commit().await.map_err(failed(DURING))
    }

    pub(super) async fn read_vehicle(&self, id: &str) -> Result<Option<VehicleRow>, DbError> {
        const DURING: &str = "reading a vehicle";
        let mut tx = self.pool.begin().await.map_err(failed(DURING))?;
        let Some(row) = sqlx::query("SELECT * FROM vehicles WHERE id = ?")
            .bind(id)
            .fetch_optional(&mut *tx)
            .await
            .map_err(failed(DURING))?
        else {
            return Ok(None);
        };
        let ecus = sqlx::query(ECUS)
            .bind(id)
            .fetch_all(&mut *tx)
            .await
            .map_err(failed(DURING))?;
        let ecus = ecus.iter().map(ecu).collect::<Result<_, _>>()?;
        let state_text: String = row.try_get("state").map_err(failed(DURING))?;
        let last_seen: Option<i64> = row.try_get("last_seen_at").map_err(failed(DURING))?;
        let manifest: Option<Vec<u8>> = row.try_get("manifest_sha256").map_err(failed(DURING))?;
        Ok(Some(VehicleRow {
            id: row.try_get("id").map_err(failed(DURING))?,
            state: state(&state_text),
            certificate_key_id: row.try_get("certificate_key_id").map_err(failed(DURING))?,
            last_seen_at: last_seen.map(instant).transpose()?,
            manifest_sha256: manifest.map(digest).transpose()?,
            ecus,
        }))
    }

    pub(super) async fn read_status(&self, key_id: &str) -> Result<Option<VehicleStatus>, DbError> {
        let row: Option<(String, String)> =
            sqlx::query_as("SELECT id, state FROM vehicles WHERE certificate_key_id = ?")
                .bind(key_id)
                .fetch_optional(&self.pool)
                .await
                .map_err(failed("looking a certificate up"))?;
        Ok(row.map(|(id, text)| VehicleStatus {
            id,
            state: state(&text),
        }))
    }

    pub(super) async fn list_vehicles(&self, after: &str, limit: u32) -> Result<Vec<SummaryRow>, DbError> {
        let rows: Vec<(String, String, u32, u32, Option<i64>)> = sqlx::query_as(
            "SELECT v.id, v.state,
                (SELECT count(*) FROM ecus e WHERE e.vehicle_id = v.id),
                (SELECT count(*) FROM ecus e JOIN assignments a ON a.serial = e.serial
                    WHERE e.vehicle_id = v.id AND a.confirmed_at IS NULL),
                v.last_seen_at
             FROM vehicles v WHERE v.id > ? ORDER BY v.id LIMIT ?",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("listing vehicles"))?;
        rows.into_iter()
            .map(|(id, text, ecus, pending, seen)| {
                let last_seen_at = seen.map(instant).transpose()?;
                Ok(SummaryRow {
                    id,
                    state: state(&text),
                    ecus,
                    pending,
                    last_seen_at,
                })
            })
            .collect()
    }

    pub(super) async fn write_state(&self, id: &str, state: VehicleState) -> Result<bool, DbError> {
        let text = match state {
            VehicleState::Active => "active",
            VehicleState::Revoked => "revoked",
        };
        let done = sqlx::query("UPDATE vehicles SET state = ? WHERE id = ?")
            .bind(text)
            .bind(id)
            .execute(&self.pool)
            .await
            .map_err(failed("changing a vehicle's state"))?;
        Ok(done.rows_affected() == 1)
    }

    pub(super) async fn write_assignment(&self, serial: &str, row: &AssignmentRow) -> Result<(), DbError> {
        sqlx::query(
            "INSERT OR REPLACE INTO assignments (serial, target, length, sha256, plain_sha256, release_counter,
                key_box, assigned_at, correlation_id, confirmed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(serial)
        .bind(&row.target)
        .bind(number(row.length)?)
        .bind(row.sha256.as_slice())
        .bind(row.plain_sha256.as_slice())
        .bind(number(row.release_counter)?)
        .bind(row.key_box.as_deref())
        .bind(row.assigned_at.as_millisecond())
        .bind(&row.correlation_id)
        .bind(row.confirmed_at.map(Timestamp::as_millisecond))
        .execute(&self.pool)
        .await
        .map_err(failed("assigning"))?;
        Ok(())
    }

    pub(super) async fn delete_assignment(&self, serial: &str) -> Result<bool, DbError> {
        let done = sqlx::query("DELETE FROM assignments WHERE serial = ?")
            .bind(serial)
            .execute(&self.pool)
            .await
            .map_err(failed("taking an assignment away"))?;
        Ok(done.rows_affected() == 1)
    }
}

fn ecu(row: &SqliteRow) -> Result<EcuRow, DbError> {
    const DURING: &str = "reading an ECU";
    let sealing_id: Option<String> = row.try_get("sealing_key_id").map_err(failed(DURING))?;
    let sealing_pem: Option<String> = row.try_get("sealing_key_pem").map_err(failed(DURING))?;
    let target: Option<String> = row.try_get("target").map_err(failed(DURING))?;
    let counter: Option<i64> = row.try_get("counter").map_err(failed(DURING))?;
    Ok(EcuRow {
        serial: row.try_get("serial").map_err(failed(DURING))?,
        hardware_id: row.try_get("hardware_id").map_err(failed(DURING))?,
        primary: row.try_get::<i64, _>("is_primary").map_err(failed(DURING))? == 1,
        signing_key_id: row.try_get("signing_key_id").map_err(failed(DURING))?,
        signing_key_pem: row.try_get("signing_key_pem").map_err(failed(DURING))?,
        sealing_key: sealing_id.zip(sealing_pem),
        require_sealed: row.try_get::<i64, _>("require_sealed").map_err(failed(DURING))? == 1,
        assignment: target.map(|target| assignment(row, target)).transpose()?,
        report: counter.map(|counter| report(row, counter)).transpose()?,
    })
}

fn assignment(row: &SqliteRow, target: String) -> Result<AssignmentRow, DbError> {
    const DURING: &str = "reading an assignment";
    let confirmed: Option<i64> = row.try_get("confirmed_at").map_err(failed(DURING))?;
    Ok(AssignmentRow {
        target,
        length: unsigned(row.try_get("length").map_err(failed(DURING))?)?,
        sha256: digest(row.try_get("object_sha256").map_err(failed(DURING))?)?,
        plain_sha256: digest(row.try_get("plain_sha256").map_err(failed(DURING))?)?,
        release_counter: unsigned(row.try_get("release_counter").map_err(failed(DURING))?)?,
        key_box: row.try_get("key_box").map_err(failed(DURING))?,
        assigned_at: instant(row.try_get("assigned_at").map_err(failed(DURING))?)?,
        correlation_id: row.try_get("correlation_id").map_err(failed(DURING))?,
        confirmed_at: confirmed.map(instant).transpose()?,
    })
}

fn report(row: &SqliteRow, counter: i64) -> Result<ReportRow, DbError> {
    const DURING: &str = "reading a report";
    let path: Option<String> = row.try_get("installed_path").map_err(failed(DURING))?;
    let installed = match path {
        None => None,
        Some(path) => Some(InstalledRow {
            path,
            sha256: digest(row.try_get("installed_sha256").map_err(failed(DURING))?)?,
            length: unsigned(row.try_get("installed_length").map_err(failed(DURING))?)?,
            release_counter: unsigned(row.try_get("installed_release_counter").map_err(failed(DURING))?)?,
        }),
    };
    let attacks: String = row.try_get("attacks").map_err(failed(DURING))?;
    Ok(ReportRow {
        counter: unsigned(counter)?,
        sha256: digest(row.try_get("report_sha256").map_err(failed(DURING))?)?,
        latest_time: instant(row.try_get("latest_time").map_err(failed(DURING))?)?,
        received_at: instant(row.try_get("received_at").map_err(failed(DURING))?)?,
        installed,
        attacks: serde_json::from_str(&attacks).map_err(failed(DURING))?,
    })
}

/// Tells a taken name from a failing database, and which name.
fn taken(error: sqlx::Error) -> DbError {
    let Some(database) = error.as_database_error().filter(|e| e.is_unique_violation()) else {
        return failed("registering a vehicle")(error);
    };
    let message = database.message();
    DbError::Exists(if message.contains("certificate_key_id") {
        "the certificate's key"
    } else if message.contains("ecus.serial") {
        "an ECU serial"
    } else if message.contains("signing_key_id") {
        "an ECU's signing key"
    } else {
        "a second Primary"
    })
}

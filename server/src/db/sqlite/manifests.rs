//! Accepted reports and the record of decisions and anomalies.

use super::{SqliteInventory, failed, instant, number};
use crate::db::{DbError, EventRow, ManifestRecord, ReportRow};
use jiff::Timestamp;
use sqlx::{Sqlite, Transaction};

/// Events kept for each vehicle, the newest: one that misbehaves cannot fill the disk.
const KEPT_EVENTS: i64 = 1000;

impl SqliteInventory {
    pub(super) async fn write_manifest(
        &self,
        vehicle: &str,
        manifest: &ManifestRecord,
    ) -> Result<bool, DbError> {
        const DURING: &str = "recording a manifest";
        let mut tx = self.write(DURING).await?;
        for (serial, report) in &manifest.reports {
            if !write_report(&mut tx, vehicle, serial, report).await? {
                return Ok(false);
            }
        }
        for (serial, correlation_id) in &manifest.confirmed {
            sqlx::query(
                "UPDATE assignments SET confirmed_at = ?
                 WHERE serial = ? AND correlation_id = ? AND confirmed_at IS NULL",
            )
            .bind(manifest.received_at.as_millisecond())
            .bind(serial)
            .bind(correlation_id)
            .execute(&mut *tx)
            .await
            .map_err(failed(DURING))?;
        }
        sqlx::query("UPDATE vehicles SET last_seen_at = ?, manifest_sha256 = ? WHERE id = ?")
            .bind(manifest.received_at.as_millisecond())
            .bind(manifest.sha256.as_slice())
            .bind(vehicle)
            .execute(&mut *tx)
            .await
            .map_err(failed(DURING))?;
        tx.commit().await.map_err(failed(DURING))?;
        Ok(true)
    }

    pub(super) async fn write_event(
        &self,
        vehicle: &str,
        at: Timestamp,
        kind: &str,
        detail: &str,
    ) -> Result<(), DbError> {
        const DURING: &str = "recording an event";
        let mut tx = self.write(DURING).await?;
        sqlx::query("INSERT INTO events (at, vehicle_id, kind, detail) VALUES (?, ?, ?, ?)")
            .bind(at.as_millisecond())
            .bind(vehicle)
            .bind(kind)
            .bind(detail)
            .execute(&mut *tx)
            .await
            .map_err(failed(DURING))?;
        sqlx::query(
            "DELETE FROM events WHERE vehicle_id = ?1 AND id <= (SELECT id FROM events
                WHERE vehicle_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        )
        .bind(vehicle)
        .bind(KEPT_EVENTS)
        .execute(&mut *tx)
        .await
        .map_err(failed(DURING))?;
        tx.commit().await.map_err(failed(DURING))
    }

    pub(super) async fn list_events(&self, vehicle: &str, limit: u32) -> Result<Vec<EventRow>, DbError> {
        let rows: Vec<(i64, String, String)> = sqlx::query_as(
            "SELECT at, kind, detail FROM events WHERE vehicle_id = ? ORDER BY id DESC LIMIT ?",
        )
        .bind(vehicle)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("listing events"))?;
        rows.into_iter()
            .map(|(at, kind, detail)| {
                Ok(EventRow {
                    at: instant(at)?,
                    kind,
                    detail,
                })
            })
            .collect()
    }
}

/// Replaces a report by one with a higher counter; false if the stored counter is not lower.
async fn write_report(
    tx: &mut Transaction<'static, Sqlite>,
    vehicle: &str,
    serial: &str,
    report: &ReportRow,
) -> Result<bool, DbError> {
    const DURING: &str = "recording a report";
    let installed = report.installed.as_ref();
    let attacks = serde_json::to_string(&report.attacks).map_err(failed(DURING))?;
    let done = sqlx::query(
        "INSERT INTO reports (serial, counter, sha256, latest_time, received_at, installed_path, installed_sha256,
            installed_length, installed_release_counter, attacks)
         SELECT serial, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 FROM ecus WHERE serial = ?1 AND vehicle_id = ?2
         ON CONFLICT (serial) DO UPDATE SET counter = excluded.counter, sha256 = excluded.sha256,
            latest_time = excluded.latest_time, received_at = excluded.received_at,
            installed_path = excluded.installed_path, installed_sha256 = excluded.installed_sha256,
            installed_length = excluded.installed_length,
            installed_release_counter = excluded.installed_release_counter, attacks = excluded.attacks
         WHERE excluded.counter > reports.counter",
    )
    .bind(serial)
    .bind(vehicle)
    .bind(number(report.counter)?)
    .bind(report.sha256.as_slice())
    .bind(report.latest_time.as_millisecond())
    .bind(report.received_at.as_millisecond())
    .bind(installed.map(|image| image.path.as_str()))
    .bind(installed.map(|image| image.sha256.as_slice()))
    .bind(installed.map(|image| number(image.length)).transpose()?)
    .bind(installed.map(|image| number(image.release_counter)).transpose()?)
    .bind(attacks)
    .execute(&mut **tx)
    .await
    .map_err(failed(DURING))?;
    Ok(done.rows_affected() == 1)
}

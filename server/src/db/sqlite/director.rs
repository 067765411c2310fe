//! Signed sets of each vehicle.

use super::{SqliteInventory, digest, failed, instant, number, unsigned};
use crate::db::{DbError, DirectorRow, DirectorSet};

/// Sets whose documents are kept, the current one included.
const KEPT_SETS: i64 = 4;

type Columns = (i64, Vec<u8>, Vec<u8>, i64, i64);

impl SqliteInventory {
    pub(super) async fn read_director(&self, vehicle: &str) -> Result<Option<DirectorRow>, DbError> {
        let row: Option<Columns> = sqlx::query_as(
            "SELECT version, decision, timestamp, issued_at, expires_at FROM director_sets WHERE vehicle_id = ?",
        )
        .bind(vehicle)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed("reading a signed set"))?;
        row.map(|(version, decision, timestamp, issued_at, expires_at)| {
            Ok(DirectorRow {
                version: unsigned(version)?,
                decision: digest(decision)?,
                timestamp,
                issued_at: instant(issued_at)?,
                expires_at: instant(expires_at)?,
            })
        })
        .transpose()
    }

    pub(super) async fn next_version(&self, vehicle: &str, floor: u64) -> Result<u64, DbError> {
        let (version,): (i64,) = sqlx::query_as(
            "INSERT INTO director_versions (vehicle_id, version) VALUES (?, ?)
             ON CONFLICT (vehicle_id) DO UPDATE SET version = max(version + 1, excluded.version)
             RETURNING version",
        )
        .bind(vehicle)
        .bind(number(floor.max(1))?)
        .fetch_one(&self.pool)
        .await
        .map_err(failed("reserving a version"))?;
        unsigned(version)
    }

    pub(super) async fn write_director(&self, vehicle: &str, set: &DirectorSet) -> Result<bool, DbError> {
        const DURING: &str = "storing a signed set";
        let version = number(set.current.version)?;
        let mut tx = self.write(DURING).await?;
        let (reserved,): (i64,) =
            sqlx::query_as("SELECT version FROM director_versions WHERE vehicle_id = ?")
                .bind(vehicle)
                .fetch_one(&mut *tx)
                .await
                .map_err(failed(DURING))?;
        if reserved != version {
            return Ok(false);
        }
        sqlx::query(
            "INSERT OR REPLACE INTO director_sets (vehicle_id, version, decision, timestamp, issued_at, expires_at)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(vehicle)
        .bind(version)
        .bind(set.current.decision.as_slice())
        .bind(&set.current.timestamp)
        .bind(set.current.issued_at.as_millisecond())
        .bind(set.current.expires_at.as_millisecond())
        .execute(&mut *tx)
        .await
        .map_err(failed(DURING))?;
        for (name, bytes) in &set.documents {
            sqlx::query(
                "INSERT INTO director_documents (vehicle_id, name, version, bytes) VALUES (?, ?, ?, ?)",
            )
            .bind(vehicle)
            .bind(name)
            .bind(version)
            .bind(bytes)
            .execute(&mut *tx)
            .await
            .map_err(failed(DURING))?;
        }
        for (sha256, bytes) in &set.key_boxes {
            sqlx::query("INSERT OR IGNORE INTO key_boxes (vehicle_id, sha256, bytes) VALUES (?, ?, ?)")
                .bind(vehicle)
                .bind(sha256.as_slice())
                .bind(bytes)
                .execute(&mut *tx)
                .await
                .map_err(failed(DURING))?;
        }
        sqlx::query(
            "DELETE FROM director_documents WHERE vehicle_id = ?1 AND version NOT IN
                (SELECT DISTINCT version FROM director_documents WHERE vehicle_id = ?1
                 ORDER BY version DESC LIMIT ?2)",
        )
        .bind(vehicle)
        .bind(KEPT_SETS)
        .execute(&mut *tx)
        .await
        .map_err(failed(DURING))?;
        tx.commit().await.map_err(failed(DURING))?;
        Ok(true)
    }

    pub(super) async fn read_document(&self, vehicle: &str, name: &str) -> Result<Option<Vec<u8>>, DbError> {
        let row: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT bytes FROM director_documents WHERE vehicle_id = ? AND name = ?")
                .bind(vehicle)
                .bind(name)
                .fetch_optional(&self.pool)
                .await
                .map_err(failed("reading a signed document"))?;
        Ok(row.map(|(bytes,)| bytes))
    }

    pub(super) async fn read_key_box(
        &self,
        vehicle: &str,
        sha256: &[u8; 32],
    ) -> Result<Option<Vec<u8>>, DbError> {
        let row: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT bytes FROM key_boxes WHERE vehicle_id = ? AND sha256 = ?")
                .bind(vehicle)
                .bind(sha256.as_slice())
                .fetch_optional(&self.pool)
                .await
                .map_err(failed("reading a key box"))?;
        Ok(row.map(|(bytes,)| bytes))
    }
}

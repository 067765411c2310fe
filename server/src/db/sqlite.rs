//! The inventory in SQLite.

mod director;
mod manifests;
mod tokens;
mod vehicles;

use super::{
    AssignmentRow, DbError, DirectorRow, DirectorSet, EventRow, Inventory, ManifestRecord, NewVehicle,
    SummaryRow, TokenRow, VehicleRow, VehicleStatus,
};
use async_trait::async_trait;
use jiff::Timestamp;
use sealift_wire::VehicleState;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, SqlSafeStr, Sqlite, Transaction};
use std::borrow::Cow;
use std::str::FromStr;
use std::time::Duration;

/// The inventory in one SQLite file, journal ahead of it, every commit synced.
#[derive(Debug, Clone)]
pub struct SqliteInventory {
    pool: SqlitePool,
}

impl SqliteInventory {
    /// Opens `url` (`sqlite://PATH`, `sqlite::memory:`), makes it if missing, and brings its schema up to date.
    ///
    /// # Errors
    /// [`DbError::Failed`] if it cannot be opened, or if a later version of the server has changed its schema.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        let memory = url.contains(":memory:");
        let options = SqliteConnectOptions::from_str(url)
            .map_err(failed("reading the database URL"))?
            .create_if_missing(true)
            .foreign_keys(true)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        if !memory {
            // The mode is a property of the file. It is set by one connection before there are others: SQLite does not wait
            // for a lock in the middle of that change.
            let first = options.clone().journal_mode(SqliteJournalMode::Wal);
            let connection = first.connect().await.map_err(failed("opening the database"))?;
            connection.close().await.map_err(failed("opening the database"))?;
        }
        let pool = SqlitePoolOptions::new()
            // Every connection to `:memory:` is a database of its own, so there must be one, for good.
            .max_connections(if memory { 1 } else { 8 })
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await
            .map_err(failed("opening the database"))?;
        Migrator::with_migrations(migrations())
            .run(&pool)
            .await
            .map_err(failed("bringing the schema up to date"))?;
        Ok(Self { pool })
    }

    /// Closes every connection; open transactions finish first.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A transaction that holds the write lock from its first moment.
    async fn write(&self, during: &'static str) -> Result<Transaction<'static, Sqlite>, DbError> {
        self.pool
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(failed(during))
    }
}

/// Every schema change there was, in order; none is ever edited.
fn migrations() -> Vec<Migration> {
    let migration = |version, name, sql: &'static str| {
        Migration::new(
            version,
            Cow::Borrowed(name),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    };
    vec![migration(
        1,
        "inventory",
        include_str!("migrations/0001_inventory.sql"),
    )]
}

fn failed<E: std::error::Error + Send + Sync + 'static>(during: &'static str) -> impl FnOnce(E) -> DbError {
    move |source| DbError::Failed {
        during,
        source: Box::new(source),
    }
}

/// A number for a column; the metadata rules keep all of ours under 2^53.
fn number(value: u64) -> Result<i64, DbError> {
    i64::try_from(value).map_err(failed("storing a number above 2^63"))
}

/// A number from a column.
fn unsigned(value: i64) -> Result<u64, DbError> {
    u64::try_from(value).map_err(failed("reading a negative number"))
}

fn instant(milliseconds: i64) -> Result<Timestamp, DbError> {
    Timestamp::from_millisecond(milliseconds).map_err(failed("reading a time"))
}

fn digest(bytes: Vec<u8>) -> Result<[u8; 32], DbError> {
    bytes.as_slice().try_into().map_err(failed("reading a digest"))
}

fn state(text: &str) -> VehicleState {
    if text == "active" {
        VehicleState::Active
    } else {
        VehicleState::Revoked
    }
}

#[async_trait]
impl Inventory for SqliteInventory {
    async fn ping(&self) -> Result<(), DbError> {
        sqlx::query("SELECT 1")
            .execute(&self.pool)
            .await
            .map_err(failed("ping"))?;
        Ok(())
    }

    async fn register(&self, vehicle: &NewVehicle, now: Timestamp) -> Result<(), DbError> {
        self.register_vehicle(vehicle, now).await
    }

    async fn vehicle(&self, id: &str) -> Result<Option<VehicleRow>, DbError> {
        self.read_vehicle(id).await
    }

    async fn vehicle_by_certificate(&self, key_id: &str) -> Result<Option<VehicleStatus>, DbError> {
        self.read_status(key_id).await
    }

    async fn vehicles(&self, after: &str, limit: u32) -> Result<Vec<SummaryRow>, DbError> {
        self.list_vehicles(after, limit).await
    }

    async fn set_state(&self, id: &str, state: VehicleState) -> Result<bool, DbError> {
        self.write_state(id, state).await
    }

    async fn assign(&self, serial: &str, assignment: &AssignmentRow) -> Result<(), DbError> {
        self.write_assignment(serial, assignment).await
    }

    async fn unassign(&self, serial: &str) -> Result<bool, DbError> {
        self.delete_assignment(serial).await
    }

    async fn director(&self, vehicle: &str) -> Result<Option<DirectorRow>, DbError> {
        self.read_director(vehicle).await
    }

    async fn reserve_version(&self, vehicle: &str, floor: u64) -> Result<u64, DbError> {
        self.next_version(vehicle, floor).await
    }

    async fn store_director(&self, vehicle: &str, set: &DirectorSet) -> Result<bool, DbError> {
        self.write_director(vehicle, set).await
    }

    async fn director_document(&self, vehicle: &str, name: &str) -> Result<Option<Vec<u8>>, DbError> {
        self.read_document(vehicle, name).await
    }

    async fn key_box(&self, vehicle: &str, sha256: &[u8; 32]) -> Result<Option<Vec<u8>>, DbError> {
        self.read_key_box(vehicle, sha256).await
    }

    async fn record_manifest(&self, vehicle: &str, manifest: &ManifestRecord) -> Result<bool, DbError> {
        self.write_manifest(vehicle, manifest).await
    }

    async fn record_event(
        &self,
        vehicle: &str,
        at: Timestamp,
        kind: &str,
        detail: &str,
    ) -> Result<(), DbError> {
        self.write_event(vehicle, at, kind, detail).await
    }

    async fn events(&self, vehicle: &str, limit: u32) -> Result<Vec<EventRow>, DbError> {
        self.list_events(vehicle, limit).await
    }

    async fn insert_token(&self, token: &TokenRow) -> Result<(), DbError> {
        self.write_token(token).await
    }

    async fn token(&self, id: &str) -> Result<Option<TokenRow>, DbError> {
        self.read_token(id).await
    }

    async fn tokens(&self) -> Result<Vec<TokenRow>, DbError> {
        self.list_tokens().await
    }

    async fn revoke_token(&self, id: &str, now: Timestamp) -> Result<bool, DbError> {
        self.end_token(id, now).await
    }
}

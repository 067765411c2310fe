//! Operator tokens.

use super::{SqliteInventory, digest, failed, instant};
use crate::db::{DbError, TokenRow};
use jiff::Timestamp;

type Columns = (String, String, Vec<u8>, String, i64, i64, Option<i64>);

impl SqliteInventory {
    pub(super) async fn write_token(&self, token: &TokenRow) -> Result<(), DbError> {
        sqlx::query(
            "INSERT INTO tokens (id, name, hash, scopes, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(&token.id)
        .bind(&token.name)
        .bind(token.hash.as_slice())
        .bind(token.scopes.join(" "))
        .bind(token.created_at.as_millisecond())
        .bind(token.expires_at.as_millisecond())
        .execute(&self.pool)
        .await
        .map_err(failed("storing a token"))?;
        Ok(())
    }

    pub(super) async fn read_token(&self, id: &str) -> Result<Option<TokenRow>, DbError> {
        let row: Option<Columns> = sqlx::query_as(
            "SELECT id, name, hash, scopes, created_at, expires_at, revoked_at FROM tokens WHERE id = ?",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed("reading a token"))?;
        row.map(token).transpose()
    }

    pub(super) async fn list_tokens(&self) -> Result<Vec<TokenRow>, DbError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT id, name, hash, scopes, created_at, expires_at, revoked_at FROM tokens
             ORDER BY created_at, id",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(failed("listing tokens"))?;
        rows.into_iter().map(token).collect()
    }

    pub(super) async fn end_token(&self, id: &str, now: Timestamp) -> Result<bool, DbError> {
        let done = sqlx::query("UPDATE tokens SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?")
            .bind(now.as_millisecond())
            .bind(id)
            .execute(&self.pool)
            .await
            .map_err(failed("revoking a token"))?;
        Ok(done.rows_affected() == 1)
    }
}

fn token(columns: Columns) -> Result<TokenRow, DbError> {
    let (id, name, hash, scopes, created_at, expires_at, revoked_at) = columns;
    Ok(TokenRow {
        id,
        name,
        hash: digest(hash)?,
        scopes: scopes.split_whitespace().map(str::to_owned).collect(),
        created_at: instant(created_at)?,
        expires_at: instant(expires_at)?,
        revoked_at: revoked_at.map(instant).transpose()?,
    })
}

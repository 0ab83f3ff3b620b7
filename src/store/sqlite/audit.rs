//! The audit trail in SQLite.

use super::{
    SqliteStore, StoreError,
    rows::{number, signed},
    unavailable,
};
use crate::{
    clock::UnixTime,
    store::{AuditLine, AuditStore, random_key},
};
use async_trait::async_trait;
use sqlx::Row;

#[async_trait]
impl AuditStore for SqliteStore {
    async fn pseudonym_key(&self) -> Result<[u8; 32], StoreError> {
        let insertion = sqlx::query("INSERT INTO audit_key (one, key) VALUES (1, ?) ON CONFLICT DO NOTHING");
        self.change(insertion.bind(&random_key()?[..])).await?;
        let row = sqlx::query("SELECT key FROM audit_key").fetch_one(self.reader()).await;
        let row = row.map_err(unavailable)?;
        let key: &[u8] = row.try_get("key").map_err(unavailable)?;
        key.try_into().map_err(StoreError::corrupt("key of pseudonyms"))
    }

    async fn append(&self, lines: &[AuditLine]) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        for line in lines {
            let insertion = sqlx::query("INSERT INTO audit (at, line) VALUES (?, ?)");
            let insertion = insertion.bind(signed(line.at.0)).bind(&line.text);
            insertion.execute(&mut *transaction).await.map_err(unavailable)?;
        }
        transaction.commit().await.map_err(unavailable)
    }

    async fn read(&self, after: u64, limit: u32) -> Result<Vec<(u64, AuditLine)>, StoreError> {
        let query = "SELECT position, at, line FROM audit WHERE position > ? ORDER BY position LIMIT ?";
        let rows = sqlx::query(query).bind(signed(after)).bind(limit).fetch_all(self.reader()).await;
        let line = |row: &_| {
            let text = Row::try_get(row, "line").map_err(unavailable)?;
            Ok((number(row, "position")?, AuditLine { at: UnixTime(number(row, "at")?), text }))
        };
        rows.map_err(unavailable)?.iter().map(line).collect()
    }

    async fn remove(&self, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let removal = "DELETE FROM audit WHERE position IN (
                           SELECT position FROM audit WHERE at < ? ORDER BY at LIMIT ?)";
        let query = sqlx::query(removal).bind(signed(before.0)).bind(limit);
        Ok(self.change(query).await?.rows_affected())
    }
}

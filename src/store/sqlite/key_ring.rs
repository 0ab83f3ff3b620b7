//! The key ring in SQLite.

use super::{SqliteStore, unavailable};
use crate::store::{KeptRing, KeyRingStore, StoreError};
use async_trait::async_trait;
use sqlx::Row;

#[async_trait]
impl KeyRingStore for SqliteStore {
    async fn load(&self) -> Result<Option<KeptRing>, StoreError> {
        let query = sqlx::query("SELECT version, sealed FROM key_ring");
        let Some(row) = query.fetch_optional(self.reader()).await.map_err(unavailable)? else {
            return Ok(None);
        };
        let version = row.try_get::<i64, _>("version").map_err(unavailable)?.unsigned_abs();
        let bytes = row.try_get::<Vec<u8>, _>("sealed").map_err(unavailable)?.into();
        Ok(Some(KeptRing { version, bytes }))
    }

    async fn replace(&self, seen: Option<u64>, bytes: &[u8]) -> Result<bool, StoreError> {
        let new = KeptRing::of(bytes.to_vec().into());
        let version = i64::try_from(new.version).unwrap_or(i64::MAX);
        let query = match seen {
            None => sqlx::query(
                "INSERT INTO key_ring (one, version, sealed) VALUES (1, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(version)
            .bind(bytes),
            Some(seen) => sqlx::query("UPDATE key_ring SET version = ?, sealed = ? WHERE version = ?")
                .bind(version)
                .bind(bytes)
                .bind(i64::try_from(seen).unwrap_or(i64::MAX)),
        };
        self.touched(query).await
    }
}

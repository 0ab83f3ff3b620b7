//! The key ring in PostgreSQL.

use super::{PostgresStore, rows, unavailable};
use crate::store::{KeptRing, KeyRingStore, StoreError};
use async_trait::async_trait;
use sqlx::Row;

#[async_trait]
impl KeyRingStore for PostgresStore {
    async fn load(&self) -> Result<Option<KeptRing>, StoreError> {
        let query = || sqlx::query("SELECT version, sealed FROM key_ring");
        let Some(row) = self.within(|lease| lease.optional(query())).await? else { return Ok(None) };
        let bytes = row.try_get::<Vec<u8>, _>("sealed").map_err(unavailable)?.into();
        Ok(Some(KeptRing { version: rows::number(&row, "version")?, bytes }))
    }

    async fn replace(&self, seen: Option<u64>, bytes: &[u8]) -> Result<bool, StoreError> {
        let query = || match seen {
            None => sqlx::query(
                "INSERT INTO key_ring (one, version, sealed) VALUES (1, 1, $1) ON CONFLICT DO NOTHING",
            )
            .bind(bytes),
            Some(version) => {
                sqlx::query("UPDATE key_ring SET version = version + 1, sealed = $1 WHERE version = $2")
                    .bind(bytes)
                    .bind(rows::signed(version))
            }
        };
        Ok(self.within(|lease| lease.change(query())).await? > 0)
    }
}

//! The key ring in PostgreSQL.

use super::{PostgresStore, rows, unavailable};
use crate::store::{KeptRing, KeyRingStore, StoreError};
use async_trait::async_trait;
use sqlx::Row;

#[async_trait]
impl KeyRingStore for PostgresStore {
    async fn load(&self) -> Result<Option<KeptRing>, StoreError> {
        let query = || sqlx::query("SELECT version, sealed FROM key_ring");
        let Some(row) = self.read_only(|lease| lease.optional(query())).await? else { return Ok(None) };
        let bytes = row.try_get::<Vec<u8>, _>("sealed").map_err(unavailable)?.into();
        Ok(Some(KeptRing { version: rows::number(&row, "version")?, bytes }))
    }

    async fn replace(&self, seen: Option<u64>, bytes: &[u8]) -> Result<bool, StoreError> {
        let new = KeptRing::of(bytes.to_vec().into());
        let version = rows::signed(new.version);
        let query = || match seen {
            None => sqlx::query(
                "INSERT INTO key_ring (one, version, sealed) VALUES (1, $1, $2) ON CONFLICT DO NOTHING",
            )
            .bind(version)
            .bind(bytes),
            Some(seen) => sqlx::query("UPDATE key_ring SET version = $1, sealed = $2 WHERE version = $3")
                .bind(version)
                .bind(bytes)
                .bind(rows::signed(seen)),
        };
        Ok(self.within(|lease| lease.change(query())).await? > 0)
    }
}

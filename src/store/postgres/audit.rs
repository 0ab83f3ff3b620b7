//! The audit trail in PostgreSQL.

use super::{
    PostgresStore, StoreError,
    rows::{number, signed},
    unavailable,
};
use crate::{
    clock::UnixTime,
    store::{AuditLine, AuditStore, random_key},
};
use async_trait::async_trait;
use sqlx::{Executor, Row, postgres::PgRow};

#[async_trait]
impl AuditStore for PostgresStore {
    async fn pseudonym_key(&self) -> Result<[u8; 32], StoreError> {
        let key = random_key()?;
        let insertion = || {
            sqlx::query("INSERT INTO audit_key (one, key) VALUES (1, $1) ON CONFLICT DO NOTHING")
                .bind(&key[..])
        };
        self.within(|lease| lease.change(insertion())).await?;
        let row = self.read_only(|lease| lease.one(sqlx::query("SELECT key FROM audit_key"))).await?;
        let key: &[u8] = row.try_get("key").map_err(unavailable)?;
        key.try_into().map_err(StoreError::corrupt("key of pseudonyms"))
    }

    async fn append(&self, lines: &[AuditLine]) -> Result<(), StoreError> {
        let (times, texts): (Vec<_>, Vec<_>) =
            lines.iter().map(|line| (signed(line.at.0), &*line.text)).unzip();
        let (times, texts) = (&times, &texts);
        self.within(|mut lease| async move {
            lease.begin().await?;
            // One writer at a time, so that no line appears before one that has been read already.
            lease.execute("LOCK TABLE audit IN SHARE ROW EXCLUSIVE MODE").await.map_err(unavailable)?;
            let insertion = sqlx::query(
                "INSERT INTO audit (at, line)
                 SELECT at, line FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS new (at, line, number)
                 ORDER BY number",
            );
            insertion.bind(times).bind(texts).execute(&mut *lease).await.map_err(unavailable)?;
            lease.commit().await
        })
        .await
    }

    async fn read(&self, after: u64, limit: u32) -> Result<Vec<(u64, AuditLine)>, StoreError> {
        let query = || {
            sqlx::query("SELECT position, at, line FROM audit WHERE position > $1 ORDER BY position LIMIT $2")
                .bind(signed(after))
                .bind(i64::from(limit))
        };
        let line = |row: &PgRow| {
            let text = row.try_get("line").map_err(unavailable)?;
            Ok((number(row, "position")?, AuditLine { at: UnixTime(number(row, "at")?), text }))
        };
        self.read_only(|lease| lease.all(query())).await?.iter().map(line).collect()
    }

    async fn remove(&self, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let removal = || {
            sqlx::query(
                "DELETE FROM audit WHERE position = ANY (ARRAY(
                     SELECT position FROM audit WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))",
            )
            .bind(signed(before.0))
            .bind(i64::from(limit))
        };
        self.within(|lease| lease.change(removal())).await
    }
}

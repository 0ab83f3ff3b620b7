//! Attempts in PostgreSQL.
//!
//! Their commits are not waited for until they are on disk (`synchronous_commit`): a crash may
//! forget those of the last second, and meanwhile everybody's logins need not queue for the disk.

use super::{
    PostgresStore, StoreError,
    lease::Lease,
    rows::{number, signed},
    unavailable,
};
use crate::{
    allowance::{Attempts, ms},
    clock::UnixTime,
    store::{Attempt, AttemptKey, AttemptStore, Count},
};
use async_trait::async_trait;
use sqlx::{Executor, Row, postgres::PgRow};
use std::collections::HashMap;

#[async_trait]
impl AttemptStore for PostgresStore {
    async fn attempt(&self, counts: &[Count], now: UnixTime) -> Result<Attempt, StoreError> {
        let keys = &keys(counts);
        // Whoever has to wait locks nothing.
        let seen = || {
            sqlx::query("SELECT key, forgotten_at, next_at FROM login_attempts WHERE key = ANY ($1)")
                .bind(keys)
        };
        let seen = self.within(|lease| lease.all(seen())).await?;
        if let Err(refused) = Attempt::at(&of_each(&seen, counts)?, counts, now) {
            return Ok(refused);
        }
        self.within(|lease| async move {
            let mut lease = begun(lease).await?;
            // Makes those that are missing, and locks all, by their keys.
            let locking = sqlx::query(
                "INSERT INTO login_attempts (key, forgotten_at, next_at)
                 SELECT key, 0, 0 FROM unnest($1::bytea[]) AS key ORDER BY key
                 ON CONFLICT (key) DO UPDATE SET next_at = login_attempts.next_at
                 RETURNING key, forgotten_at, next_at",
            );
            let found = locking.bind(keys).fetch_all(&mut *lease).await.map_err(unavailable)?;
            match Attempt::at(&of_each(&found, counts)?, counts, now) {
                Err(refused) => {
                    lease.execute("ROLLBACK").await.map_err(unavailable)?;
                    lease.done();
                    Ok(refused)
                }
                Ok(more) => {
                    let more = counts.iter().map(|count| count.key).zip(more).collect::<Vec<_>>();
                    replace(lease, &more).await?;
                    Ok(Attempt::Counted)
                }
            }
        })
        .await
    }

    async fn take_back(&self, counts: &[Count], now: UnixTime) -> Result<(), StoreError> {
        let keys = &keys(counts);
        self.within(|lease| async move {
            let mut lease = begun(lease).await?;
            let locking = sqlx::query(
                "SELECT key, forgotten_at, next_at FROM login_attempts WHERE key = ANY ($1) ORDER BY key FOR UPDATE",
            );
            let found = locking.bind(keys).fetch_all(&mut *lease).await.map_err(unavailable)?;
            let found = by_key(&found)?;
            let less = counts.iter().filter_map(|count| {
                Some((count.key, found.get(&count.key)?.without_one(&count.allowance, now)))
            });
            replace(lease, &less.collect::<Vec<_>>()).await
        })
        .await
    }

    async fn forget(&self, key: &AttemptKey) -> Result<bool, StoreError> {
        let removal = || sqlx::query("DELETE FROM login_attempts WHERE key = $1").bind(key);
        self.touches(removal).await
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        // What somebody else is changing just now is not over.
        let removal = || {
            sqlx::query(
                "DELETE FROM login_attempts WHERE key = ANY (ARRAY(
                     SELECT key FROM login_attempts WHERE forgotten_at <= $1 AND next_at <= $1
                     LIMIT $2 FOR UPDATE SKIP LOCKED))",
            )
            .bind(signed(ms(now)))
            .bind(i64::from(limit))
        };
        self.within(|lease| lease.change(removal())).await
    }
}

async fn begun(mut lease: Lease) -> Result<Lease, StoreError> {
    lease.begin().await?;
    lease.execute("SET LOCAL synchronous_commit TO off").await.map_err(unavailable)?;
    Ok(lease)
}

/// Puts these in their places, which are locked, and commits.
async fn replace(mut lease: Lease, attempts: &[(AttemptKey, Attempts)]) -> Result<(), StoreError> {
    let (keys, (forgotten, next)): (Vec<_>, (Vec<_>, Vec<_>)) = attempts
        .iter()
        .map(|(key, attempts)| (key.to_vec(), (signed(attempts.forgotten_at), signed(attempts.next_at))))
        .unzip();
    let replacement = sqlx::query(
        "UPDATE login_attempts SET forgotten_at = new.forgotten_at, next_at = new.next_at
         FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) AS new (key, forgotten_at, next_at)
         WHERE login_attempts.key = new.key",
    );
    let replacement = replacement.bind(keys).bind(forgotten).bind(next);
    replacement.execute(&mut *lease).await.map_err(unavailable)?;
    lease.commit().await
}

fn keys(counts: &[Count]) -> Vec<Vec<u8>> {
    counts.iter().map(|count| count.key.to_vec()).collect()
}

fn of_each(rows: &[PgRow], counts: &[Count]) -> Result<Vec<Attempts>, StoreError> {
    let found = by_key(rows)?;
    Ok(counts.iter().map(|count| found.get(&count.key).copied().unwrap_or_default()).collect())
}

fn by_key(rows: &[PgRow]) -> Result<HashMap<AttemptKey, Attempts>, StoreError> {
    let entry = |row: &PgRow| {
        let key: &[u8] = row.try_get("key").map_err(unavailable)?;
        let key = key.try_into().map_err(StoreError::corrupt("key of attempts"))?;
        let (forgotten_at, next_at) = (number(row, "forgotten_at")?, number(row, "next_at")?);
        Ok((key, Attempts { forgotten_at, next_at }))
    };
    rows.iter().map(entry).collect()
}

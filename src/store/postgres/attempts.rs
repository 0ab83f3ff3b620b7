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
    allowance::Attempts,
    store::{Attempt, AttemptKey, AttemptStore, Count},
};
use async_trait::async_trait;
use sqlx::{Executor, Row, postgres::PgRow};
use std::collections::HashMap;

/// Removes what is over at `$1`, or by the server's clock; up to `$2`. What somebody else is changing just
/// now is not over.
const PURGE: &str = "DELETE FROM login_attempts WHERE key = ANY (ARRAY(
                         SELECT key FROM login_attempts, (
                             SELECT coalesce($1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now
                         ) AS clock
                         WHERE forgotten_at <= now AND next_at <= now
                         LIMIT $2 FOR UPDATE OF login_attempts SKIP LOCKED))";

/// What is remembered of the keys `$1`.
const SEEN: &str = "SELECT key, forgotten_at, next_at,
                        (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
                    FROM login_attempts WHERE key = ANY ($1)";

/// Makes those of the keys `$1` that are missing, and locks all, in the order of the keys. Each row tells the
/// time at which it was locked.
const LOCKED: &str = "INSERT INTO login_attempts (key, forgotten_at, next_at)
                      SELECT key, 0, 0 FROM unnest($1::bytea[]) AS key ORDER BY key
                      ON CONFLICT (key) DO UPDATE SET next_at = login_attempts.next_at
                      RETURNING key, forgotten_at, next_at,
                          (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now";

/// Locks those of the keys `$1` that there are, in the order of the keys. Each row tells the time after it
/// was locked.
const LOCKED_IF_THERE: &str = "WITH locked AS MATERIALIZED (
                                   SELECT key, forgotten_at, next_at FROM login_attempts
                                   WHERE key = ANY ($1) ORDER BY key FOR UPDATE)
                               SELECT *, (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
                               FROM locked";

/// What is remembered of some keys, and the time when the last of them was read or locked.
struct Remembered {
    attempts: HashMap<AttemptKey, Attempts>,
    now: u64,
}

#[async_trait]
impl AttemptStore for PostgresStore {
    async fn attempt(&self, counts: &[Count]) -> Result<Attempt, StoreError> {
        let keys = &keys(counts);
        // An attempt that has to wait locks nothing.
        let seen = self.read_only(|lease| lease.all(sqlx::query(SEEN).bind(keys))).await?;
        let seen = self.remembered(&seen)?;
        if let Err(refused) = Attempt::at(&seen.of_each(counts), counts, seen.now) {
            return Ok(refused);
        }
        self.within(|lease| async move {
            let mut lease = begun(lease).await?;
            let found = self.locked(&mut lease, LOCKED, keys).await?;
            match Attempt::at(&found.of_each(counts), counts, found.now) {
                Err(refused) => {
                    lease.execute("ROLLBACK").await.map_err(unavailable)?;
                    lease.done();
                    Ok(refused)
                }
                Ok(more) => {
                    replace(&mut lease, counts.iter().map(|count| count.key).zip(more)).await?;
                    lease.commit().await?;
                    Ok(Attempt::Counted)
                }
            }
        })
        .await
    }

    async fn fail(&self, counts: &[Count]) -> Result<(), StoreError> {
        let keys = &keys(counts);
        self.within(|lease| async move {
            let mut lease = begun(lease).await?;
            let found = self.locked(&mut lease, LOCKED, keys).await?;
            let each = counts.iter().zip(found.of_each(counts));
            let more = each.map(|(Count { key, allowance }, at)| (*key, at.with_one(allowance, found.now)));
            replace(&mut lease, more).await?;
            lease.commit().await
        })
        .await
    }

    async fn take_back(&self, counts: &[Count], own: Option<&AttemptKey>) -> Result<(), StoreError> {
        let mut keys = keys(counts);
        keys.extend(own.map(|own| own.to_vec()));
        let keys = &keys;
        self.within(|lease| async move {
            let mut lease = begun(lease).await?;
            let found = self.locked(&mut lease, LOCKED_IF_THERE, keys).await?;
            // One that has come since is not seen here, so it is not locked and stays.
            let failed = own.and_then(|own| Some((own, *found.attempts.get(own)?)));
            let own = failed.map(|(_, failed)| failed).unwrap_or_default();
            let less = Attempt::taken_back(&found.of_each(counts), own, counts, found.now);
            replace(&mut lease, counts.iter().map(|count| count.key).zip(less)).await?;
            if let Some((own, _)) = failed {
                let removal = sqlx::query("DELETE FROM login_attempts WHERE key = $1").bind(own);
                removal.execute(&mut *lease).await.map_err(unavailable)?;
            }
            lease.commit().await
        })
        .await
    }

    async fn forget(&self, key: &AttemptKey) -> Result<bool, StoreError> {
        let removal = || sqlx::query("DELETE FROM login_attempts WHERE key = $1").bind(key);
        self.touches(removal).await
    }

    async fn purge(&self, limit: u32) -> Result<u64, StoreError> {
        let removal = || sqlx::query(PURGE).bind(self.given_time()).bind(i64::from(limit));
        self.within(|lease| lease.change(removal())).await
    }
}

impl PostgresStore {
    /// The time in milliseconds, unless it is the server's.
    fn given_time(&self) -> Option<i64> {
        self.clock.as_ref().map(|clock| signed(clock.now_ms()))
    }

    async fn locked(
        &self,
        lease: &mut Lease,
        query: &'static str,
        keys: &[Vec<u8>],
    ) -> Result<Remembered, StoreError> {
        let rows = sqlx::query(query).bind(keys).fetch_all(&mut **lease).await.map_err(unavailable)?;
        self.remembered(&rows)
    }

    fn remembered(&self, rows: &[PgRow]) -> Result<Remembered, StoreError> {
        let mut remembered = Remembered { attempts: HashMap::new(), now: 0 };
        for row in rows {
            let key: &[u8] = row.try_get("key").map_err(unavailable)?;
            let key = key.try_into().map_err(StoreError::corrupt("key of attempts"))?;
            let (forgotten_at, next_at) = (number(row, "forgotten_at")?, number(row, "next_at")?);
            remembered.attempts.insert(key, Attempts { forgotten_at, next_at });
            remembered.now = remembered.now.max(number(row, "now")?);
        }
        if let Some(clock) = &self.clock {
            remembered.now = clock.now_ms();
        }
        Ok(remembered)
    }
}

impl Remembered {
    fn of_each(&self, counts: &[Count]) -> Vec<Attempts> {
        counts.iter().map(|count| self.attempts.get(&count.key).copied().unwrap_or_default()).collect()
    }
}

async fn begun(mut lease: Lease) -> Result<Lease, StoreError> {
    lease.begin().await?;
    lease.execute("SET LOCAL synchronous_commit TO off").await.map_err(unavailable)?;
    Ok(lease)
}

/// Puts these in their places, which are locked.
async fn replace(
    lease: &mut Lease,
    attempts: impl Iterator<Item = (AttemptKey, Attempts)>,
) -> Result<(), StoreError> {
    let (keys, (forgotten, next)): (Vec<_>, (Vec<_>, Vec<_>)) = attempts
        .map(|(key, attempts)| (key.to_vec(), (signed(attempts.forgotten_at), signed(attempts.next_at))))
        .unzip();
    let replacement = sqlx::query(
        "UPDATE login_attempts SET forgotten_at = new.forgotten_at, next_at = new.next_at
         FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) AS new (key, forgotten_at, next_at)
         WHERE login_attempts.key = new.key",
    );
    let replacement = replacement.bind(keys).bind(forgotten).bind(next);
    replacement.execute(&mut **lease).await.map_err(unavailable)?;
    Ok(())
}

fn keys(counts: &[Count]) -> Vec<Vec<u8>> {
    counts.iter().map(|count| count.key.to_vec()).collect()
}

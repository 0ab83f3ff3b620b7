//! Removing ended sessions and old revocations, page by page and by index.
//!
//! `due_at` says when a purge looks at a session next. It is never after the session's end, and a refresh
//! does not change it, so that a refresh touches no index. A purge that finds a session in use moves it on to
//! its present end: once in its idle time, however often it is refreshed.

use super::{SqliteStore, StoreError, rows::signed, unavailable};
use crate::clock::UnixTime;

/// How many sessions are looked at in one transaction, so that nobody waits long for the file.
const PAGE: u32 = 500;

impl SqliteStore {
    pub(super) async fn purged(
        &self,
        now: UnixTime,
        before: UnixTime,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let mut left = limit;
        while left > 0 {
            let (seen, removed) = self.purge_due(now, left).await?;
            left -= removed;
            if seen < PAGE {
                break;
            }
        }
        while left > 0 {
            let page = left.min(PAGE);
            let removal = "DELETE FROM sessions WHERE number IN (
                     SELECT number FROM sessions WHERE revoked_at < ? ORDER BY revoked_at LIMIT ?)";
            let mut transaction = self.write().await?;
            let query = sqlx::query(removal).bind(signed(before.0)).bind(page);
            let removed = query.execute(&mut *transaction).await.map_err(unavailable)?.rows_affected() as u32;
            transaction.commit().await.map_err(unavailable)?;
            left -= removed;
            if removed < page {
                break;
            }
        }
        Ok(u64::from(limit - left))
    }

    /// Removes up to `limit` of a page that have ended and moves on those in use; returns how many sessions
    /// it saw, and how many it removed.
    async fn purge_due(&self, now: UnixTime, limit: u32) -> Result<(u32, u32), StoreError> {
        let mut transaction = self.write().await?;
        let due = "SELECT number, ?1 >= expires_at OR ?1 >= last_used_at + idle AS has_ended
             FROM sessions WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2";
        let due: Vec<(i64, bool)> = sqlx::query_as(due)
            .bind(signed(now.0))
            .bind(PAGE)
            .fetch_all(&mut *transaction)
            .await
            .map_err(unavailable)?;
        let mut removed = 0;
        for (number, has_ended) in &due {
            let statement = if *has_ended {
                if removed == limit {
                    continue;
                }
                removed += 1;
                "DELETE FROM sessions WHERE number = ?"
            } else {
                "UPDATE sessions SET due_at = min(expires_at, last_used_at + idle) WHERE number = ?"
            };
            let query = sqlx::query(statement).bind(number);
            query.execute(&mut *transaction).await.map_err(unavailable)?;
        }
        transaction.commit().await.map_err(unavailable)?;
        Ok((due.len() as u32, removed))
    }

    pub(super) async fn trimmed(&self, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let removal = "DELETE FROM revocations WHERE position IN (
                 SELECT position FROM revocations
                 WHERE at < ?1 AND position < (SELECT max(position) FROM revocations)
                 ORDER BY at LIMIT ?2)";
        let mut transaction = self.write().await?;
        let query = sqlx::query(removal).bind(signed(before.0)).bind(limit);
        let removed = query.execute(&mut *transaction).await.map_err(unavailable)?.rows_affected();
        transaction.commit().await.map_err(unavailable)?;
        Ok(removed)
    }
}

//! Removing ended sessions and old revocations, page by page and by index.
//!
//! `due_at` says when a purge looks at a session next. It is never after the session's end, and a refresh
//! does not change it, so that a refresh touches no index. A purge that finds a session in use moves it on to
//! its present end: once in its idle time, however often it is refreshed.

use super::{PostgresStore, StoreError, rows::signed, unavailable};
use crate::clock::UnixTime;

/// How many sessions are looked at in one transaction.
const PAGE: u32 = 500;

/// The sessions to look at. A session that another transaction holds is left for the next purge.
pub(super) const DUE: &str =
    "SELECT id, last_used_at + least(idle, expires_at - last_used_at) <= $1 AS has_ended
     FROM sessions WHERE due_at <= $1 ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED";

const REVOKED: &str = "DELETE FROM sessions WHERE id = ANY (ARRAY(
         SELECT id FROM sessions WHERE revoked_at < $1 ORDER BY revoked_at LIMIT $2 FOR UPDATE SKIP LOCKED))";

const TRIM: &str = "DELETE FROM revocations WHERE position = ANY (ARRAY(
         SELECT position FROM revocations
         WHERE at < $1 AND position < (SELECT max(position) FROM revocations)
         ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))";

impl PostgresStore {
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
            let query = || sqlx::query(REVOKED).bind(signed(before.0)).bind(i64::from(page));
            let removed = self.within(|lease| lease.change(query())).await? as u32;
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
        self.within(|mut lease| async move {
            lease.begin().await?;
            let due = sqlx::query_as::<_, (Vec<u8>, bool)>(DUE).bind(signed(now.0)).bind(i64::from(PAGE));
            let due = due.fetch_all(&mut *lease).await.map_err(unavailable)?;
            let seen = due.len() as u32;
            let (ended, used): (Vec<_>, Vec<_>) = due.into_iter().partition(|(_, has_ended)| *has_ended);
            let ids =
                |all: Vec<(Vec<u8>, bool)>, limit| all.into_iter().take(limit).map(|(id, _)| id).collect();
            let (ended, used): (Vec<_>, Vec<_>) = (ids(ended, limit as usize), ids(used, usize::MAX));
            if !ended.is_empty() {
                let removal = sqlx::query("DELETE FROM sessions WHERE id = ANY ($1)").bind(&ended);
                removal.execute(&mut *lease).await.map_err(unavailable)?;
            }
            if !used.is_empty() {
                let moving =
                    "UPDATE sessions SET due_at = last_used_at + least(idle, expires_at - last_used_at)
                              WHERE id = ANY ($1)";
                sqlx::query(moving).bind(&used).execute(&mut *lease).await.map_err(unavailable)?;
            }
            lease.commit().await?;
            Ok((seen, ended.len() as u32))
        })
        .await
    }

    pub(super) async fn trimmed(&self, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let query = || sqlx::query(TRIM).bind(signed(before.0)).bind(i64::from(limit));
        self.within(|lease| lease.change(query())).await
    }
}

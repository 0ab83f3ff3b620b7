//! Attempts in SQLite.

use super::{
    SqliteStore, StoreError,
    rows::{number, signed},
    unavailable,
};
use crate::{
    allowance::Attempts,
    store::{Attempt, AttemptKey, AttemptStore, Count},
};
use async_trait::async_trait;
use sqlx::{SqliteConnection, SqliteExecutor};

#[async_trait]
impl AttemptStore for SqliteStore {
    async fn attempt(&self, counts: &[Count]) -> Result<Attempt, StoreError> {
        // An attempt that has to wait keeps nobody from writing.
        let mut seen = vec![];
        for count in counts {
            seen.push(found(self.reader(), &count.key).await?.unwrap_or_default());
        }
        if let Err(refused) = Attempt::at(&seen, counts, self.clock.now_ms()) {
            return Ok(refused);
        }
        let mut transaction = self.write().await?;
        // Only now is it this one's turn.
        let now = self.clock.now_ms();
        let mut kept = vec![];
        for count in counts {
            kept.push(found(&mut *transaction, &count.key).await?.unwrap_or_default());
        }
        match Attempt::at(&kept, counts, now) {
            Err(refused) => {
                transaction.rollback().await.map_err(unavailable)?;
                Ok(refused)
            }
            Ok(more) => {
                for (count, attempts) in counts.iter().zip(more) {
                    put(&mut transaction, &count.key, attempts).await?;
                }
                transaction.commit().await.map_err(unavailable)?;
                Ok(Attempt::Counted)
            }
        }
    }

    async fn fail(&self, counts: &[Count]) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        let now = self.clock.now_ms();
        for Count { key, allowance } in counts {
            let attempts = found(&mut *transaction, key).await?.unwrap_or_default();
            put(&mut transaction, key, attempts.with_one(allowance, now)).await?;
        }
        transaction.commit().await.map_err(unavailable)
    }

    async fn take_back(&self, counts: &[Count], own: Option<&AttemptKey>) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        let now = self.clock.now_ms();
        let mut failed = Attempts::default();
        if let Some(own) = own {
            failed = found(&mut *transaction, own).await?.unwrap_or_default();
            let removal = sqlx::query("DELETE FROM login_attempts WHERE key = ?").bind(&own[..]);
            removal.execute(&mut *transaction).await.map_err(unavailable)?;
        }
        let (mut kept, mut there) = (vec![], vec![]);
        for count in counts {
            let attempts = found(&mut *transaction, &count.key).await?;
            kept.push(attempts.unwrap_or_default());
            there.push(attempts.is_some());
        }
        let less = Attempt::taken_back(&kept, failed, counts, now);
        for ((count, attempts), is_there) in counts.iter().zip(less).zip(there) {
            if is_there {
                put(&mut transaction, &count.key, attempts).await?;
            }
        }
        transaction.commit().await.map_err(unavailable)
    }

    async fn forget(&self, key: &AttemptKey) -> Result<bool, StoreError> {
        self.touched(sqlx::query("DELETE FROM login_attempts WHERE key = ?").bind(&key[..])).await
    }

    async fn purge(&self, limit: u32) -> Result<u64, StoreError> {
        let removal = "DELETE FROM login_attempts WHERE key IN (
                           SELECT key FROM login_attempts WHERE forgotten_at <= ?1 AND next_at <= ?1 LIMIT ?2)";
        let query = sqlx::query(removal).bind(signed(self.clock.now_ms())).bind(limit);
        Ok(self.change(query).await?.rows_affected())
    }
}

async fn found(database: impl SqliteExecutor<'_>, key: &AttemptKey) -> Result<Option<Attempts>, StoreError> {
    let query = sqlx::query("SELECT forgotten_at, next_at FROM login_attempts WHERE key = ?").bind(&key[..]);
    let Some(row) = query.fetch_optional(database).await.map_err(unavailable)? else { return Ok(None) };
    let time = |column| number(&row, column);
    Ok(Some(Attempts { forgotten_at: time("forgotten_at")?, next_at: time("next_at")? }))
}

async fn put(
    connection: &mut SqliteConnection,
    key: &AttemptKey,
    attempts: Attempts,
) -> Result<(), StoreError> {
    let insertion = "INSERT INTO login_attempts (key, forgotten_at, next_at) VALUES (?1, ?2, ?3)
                     ON CONFLICT (key) DO UPDATE SET forgotten_at = ?2, next_at = ?3";
    let query = sqlx::query(insertion).bind(&key[..]);
    let query = query.bind(signed(attempts.forgotten_at)).bind(signed(attempts.next_at));
    query.execute(connection).await.map_err(unavailable)?;
    Ok(())
}

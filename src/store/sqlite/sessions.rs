//! Sessions and the revocation list in SQLite.
//!
//! Whatever decides and writes does so in a transaction that takes the write lock first, so
//! that nothing can change between the two, in whatever process.

use super::{
    SqliteStore, StoreError,
    rows::{number, revocation, session, signed, user_id},
    unavailable,
};
use crate::{
    client::ClientId,
    clock::UnixTime,
    session::SessionId,
    store::{
        Advance, Creation, RevocationFeed, RevocationList, Session, SessionStore, TOKENS_BY_THEMSELVES,
        Transport,
    },
    token::TokenId,
    user::UserId,
};
use async_trait::async_trait;
use sqlx::SqliteConnection;
use std::{ops::Range, time::Duration};

#[async_trait]
impl SessionStore for SqliteStore {
    async fn revision(&self, user: UserId) -> Result<u64, StoreError> {
        let mut connection = self.reader.acquire().await.map_err(unavailable)?;
        revision(&mut connection, user).await
    }

    async fn create(&self, session: &Session, revision: u64, cap: u32) -> Result<Creation, StoreError> {
        let mut transaction = self.write().await?;
        if self::revision(&mut transaction, session.user).await? != revision {
            return Ok(Creation::Overtaken);
        }
        insert(&mut transaction, session).await?;
        let excess: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT id FROM sessions
             WHERE user_id = ?1 AND revoked_at IS NULL AND ?2 < expires_at AND ?2 < last_used_at + idle AND id <> ?3
               AND epoch >= (SELECT live_since FROM memory)
             ORDER BY last_used_at DESC, created_at DESC LIMIT -1 OFFSET ?4",
        )
        .bind(user_id(&session.user))
        .bind(signed(session.created_at.0))
        .bind(&session.id.as_bytes()[..])
        .bind(i64::from(cap.max(1)) - 1)
        .fetch_all(&mut *transaction)
        .await
        .map_err(unavailable)?;
        for id in excess {
            revoke(&mut transaction, &id, session.created_at).await?;
        }
        transaction.commit().await.map_err(unavailable)?;
        Ok(Creation::Created)
    }

    async fn find(&self, id: SessionId, now: UnixTime) -> Result<Option<(Session, u64)>, StoreError> {
        let row = sqlx::query(
            "SELECT session_records.*, max(coalesce(revision, 0), epoch) AS revision
             FROM memory, session_records LEFT JOIN revisions USING (user_id)
             WHERE id = ?1 AND revoked_at IS NULL AND ?2 < expires_at AND ?2 < last_used_at + idle",
        )
        .bind(&id.as_bytes()[..])
        .bind(signed(now.0))
        .fetch_optional(&self.reader)
        .await
        .map_err(unavailable)?;
        row.map(|row| Ok((session(&row)?, number(&row, "revision")?))).transpose()
    }

    async fn advance(
        &self,
        id: SessionId,
        generation: u64,
        now: UnixTime,
        grace: Duration,
    ) -> Result<Advance, StoreError> {
        let mut transaction = self.write().await?;
        let advanced: Option<i64> = sqlx::query_scalar(
            "UPDATE sessions SET generation = generation + 1, last_used_at = ?2
             WHERE id = ?1 AND generation = ?3 AND revoked_at IS NULL
               AND ?2 < expires_at AND ?2 < last_used_at + idle
               AND epoch >= (SELECT live_since FROM memory)
             RETURNING generation",
        )
        .bind(&id.as_bytes()[..])
        .bind(signed(now.0))
        .bind(signed(generation))
        .fetch_optional(&mut *transaction)
        .await
        .map_err(unavailable)?;
        let answer = match advanced {
            Some(generation) => Advance::Advanced(generation.unsigned_abs()),
            None => refuse(&mut transaction, id, generation, now, grace).await?,
        };
        transaction.commit().await.map_err(unavailable)?;
        Ok(answer)
    }

    async fn sessions_of(&self, user: UserId, now: UnixTime) -> Result<Vec<Session>, StoreError> {
        sqlx::query(
            "SELECT * FROM session_records
             WHERE user_id = ?1 AND revoked_at IS NULL AND ?2 < expires_at AND ?2 < last_used_at + idle
             ORDER BY last_used_at DESC, created_at DESC",
        )
        .bind(user_id(&user))
        .bind(signed(now.0))
        .fetch_all(&self.reader)
        .await
        .map_err(unavailable)?
        .iter()
        .map(session)
        .collect()
    }

    async fn count(&self, used: Range<UnixTime>, now: UnixTime) -> Result<u64, StoreError> {
        let found: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM sessions
             WHERE revoked_at IS NULL AND ?1 < expires_at AND ?1 < last_used_at + idle
               AND ?2 <= last_used_at AND last_used_at < ?3
               AND epoch >= coalesce((SELECT live_since FROM memory), 0)",
        )
        .bind(signed(now.0))
        .bind(signed(used.start.0))
        .bind(signed(used.end.0))
        .fetch_one(&self.reader)
        .await
        .map_err(unavailable)?;
        Ok(found.unsigned_abs())
    }

    async fn revoke(&self, id: SessionId, now: UnixTime) -> Result<bool, StoreError> {
        let mut transaction = self.write().await?;
        let revoked = revoke(&mut transaction, id.as_bytes(), now).await?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(revoked)
    }

    async fn revoke_others(&self, user: UserId, keep: SessionId, now: UnixTime) -> Result<u64, StoreError> {
        let mut transaction = self.write().await?;
        let others: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT id FROM sessions WHERE user_id = ? AND id <> ? AND revoked_at IS NULL",
        )
        .bind(user_id(&user))
        .bind(&keep.as_bytes()[..])
        .fetch_all(&mut *transaction)
        .await
        .map_err(unavailable)?;
        for id in &others {
            revoke(&mut transaction, id, now).await?;
        }
        transaction.commit().await.map_err(unavailable)?;
        Ok(others.len() as u64)
    }

    async fn revoke_user(&self, user: UserId, now: UnixTime) -> Result<u64, StoreError> {
        let mut transaction = self.write().await?;
        let query = sqlx::query(
            "UPDATE sessions SET revoked_at = ?, user_agent = NULL, address = NULL, name = NULL
             WHERE user_id = ? AND revoked_at IS NULL",
        );
        let query = query.bind(signed(now.0)).bind(user_id(&user));
        let done = query.execute(&mut *transaction).await.map_err(unavailable)?;
        raise_revision(&mut transaction, user, now).await?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(done.rows_affected())
    }

    async fn revoke_access(&self, user: UserId, now: UnixTime) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        raise_revision(&mut transaction, user, now).await?;
        transaction.commit().await.map_err(unavailable)
    }

    async fn revoke_token(&self, id: TokenId, now: UnixTime) -> Result<(), StoreError> {
        let query = sqlx::query("INSERT INTO revocations (at, token_id) VALUES (?, ?)");
        self.change(query.bind(signed(now.0)).bind(&id.as_bytes()[..])).await.map(drop)
    }

    async fn revoke_token_of(
        &self,
        session: SessionId,
        id: TokenId,
        issued_at: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        let counting =
            "UPDATE sessions SET revoked_tokens = revoked_tokens + 1 WHERE id = ? RETURNING revoked_tokens";
        let counting = sqlx::query_scalar(counting).bind(&session.as_bytes()[..]);
        let count: Option<u32> = counting.fetch_optional(&mut *transaction).await.map_err(unavailable)?;
        let line = if count.is_none_or(|count| count <= TOKENS_BY_THEMSELVES) {
            let line = sqlx::query("INSERT INTO revocations (at, token_id) VALUES (?, ?)");
            line.bind(signed(now.0)).bind(&id.as_bytes()[..])
        } else {
            let line = sqlx::query("INSERT INTO revocations (at, session_id, issued_until) VALUES (?, ?, ?)");
            line.bind(signed(now.0)).bind(&session.as_bytes()[..]).bind(signed(issued_at.0))
        };
        line.execute(&mut *transaction).await.map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }

    async fn revoke_client(&self, id: &ClientId, revision: u64, now: UnixTime) -> Result<(), StoreError> {
        let query = sqlx::query("INSERT INTO revocations (at, client_id, revision) VALUES (?, ?, ?)");
        self.change(query.bind(signed(now.0)).bind(id.as_str()).bind(signed(revision))).await.map(drop)
    }

    async fn revocations(&self, from: u64, limit: u32) -> Result<RevocationList, StoreError> {
        // Of one moment: the epoch and the lines.
        let mut transaction = self.reader.begin().await.map_err(unavailable)?;
        let head = sqlx::query(
            "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS read_at,
                 coalesce((SELECT epoch FROM memory), 0) AS epoch",
        )
        .fetch_one(&mut *transaction)
        .await
        .map_err(unavailable)?;
        let lines = sqlx::query("SELECT * FROM revocations WHERE position >= ? ORDER BY position LIMIT ?")
            .bind(signed(from))
            .bind(limit)
            .fetch_all(&mut *transaction)
            .await
            .map_err(unavailable)?;
        Ok(RevocationList {
            epoch: number(&head, "epoch")?,
            read_at: number(&head, "read_at")?,
            lines: lines.iter().map(revocation).collect::<Result<_, _>>()?,
        })
    }

    async fn begin_epoch(&self, than: u64) -> Result<u64, StoreError> {
        self.next_epoch(than, false).await
    }

    async fn begin_epoch_without_sessions(&self, than: u64) -> Result<u64, StoreError> {
        self.next_epoch(than, true).await
    }

    async fn feed(&self) -> Result<Box<dyn RevocationFeed>, StoreError> {
        Ok(Box::new(Feed))
    }

    async fn purge(&self, now: UnixTime, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.purged(now, before, limit).await
    }

    async fn trim(&self, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.trimmed(before, limit).await
    }
}

/// A file tells nobody that it has changed, so it is looked at four times a second.
struct Feed;

#[async_trait]
impl RevocationFeed for Feed {
    async fn changed(&mut self) -> Result<(), StoreError> {
        tokio::time::sleep(Duration::from_millis(250)).await;
        Ok(())
    }
}

impl SqliteStore {
    async fn next_epoch(&self, than: u64, ends_sessions: bool) -> Result<u64, StoreError> {
        let mut transaction = self.write().await?;
        let epoch: i64 = sqlx::query_scalar(
            "INSERT INTO memory (one, epoch) VALUES (1, max(CAST(unixepoch('subsec') * 1000 AS INTEGER), ?1 + 1))
             ON CONFLICT (one) DO UPDATE SET epoch = iif(epoch > ?1, epoch, excluded.epoch),
                 live_since = iif(epoch <= ?1 AND ?2, excluded.epoch, live_since)
             RETURNING epoch",
        )
        .bind(signed(than))
        .bind(ends_sessions)
        .fetch_one(&mut *transaction)
        .await
        .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(epoch.unsigned_abs())
    }
}

/// What a token is that is not the current one of a live session.
async fn refuse(
    connection: &mut SqliteConnection,
    id: SessionId,
    generation: u64,
    now: UnixTime,
    grace: Duration,
) -> Result<Advance, StoreError> {
    let row = sqlx::query("SELECT * FROM session_records WHERE id = ? AND revoked_at IS NULL")
        .bind(&id.as_bytes()[..])
        .fetch_optional(&mut *connection)
        .await
        .map_err(unavailable)?;
    let Some(session) = row.as_ref().map(session).transpose()? else { return Ok(Advance::Gone) };
    if session.is_expired(now) {
        return Ok(Advance::Gone);
    }
    if session.is_parent_in_grace(generation, now, grace) {
        return Ok(Advance::Repeated(session.generation));
    }
    revoke(connection, id.as_bytes(), now).await?;
    Ok(Advance::Reused)
}

async fn insert(connection: &mut SqliteConnection, session: &Session) -> Result<(), StoreError> {
    let client = text(connection, &session.client_id).await?;
    let scope = text(connection, &session.scope.to_string()).await?;
    let agent = match &session.device.user_agent {
        Some(agent) => Some(text(connection, agent).await?),
        None => None,
    };
    sqlx::query(
        "INSERT INTO sessions (id, user_id, client, scope, transport, created_at, last_used_at,
             expires_at, idle, generation, salt, due_at, user_agent, address, name, epoch)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT epoch FROM memory))",
    )
    .bind(&session.id.as_bytes()[..])
    .bind(user_id(&session.user))
    .bind(client)
    .bind(scope)
    .bind(session.transport == Transport::Body)
    .bind(signed(session.created_at.0))
    .bind(signed(session.last_used_at.0))
    .bind(signed(session.expires_at.0))
    .bind(signed(session.idle.as_secs()))
    .bind(signed(session.generation))
    .bind(&session.salt.as_bytes()[..])
    .bind(signed(session.ends_at().0))
    .bind(agent)
    .bind(session.device.address.map(|address| address.to_string()))
    .bind(session.device.name.as_deref())
    .execute(connection)
    .await
    .map_err(unavailable)?;
    Ok(())
}

/// The number of a text that one more session has.
async fn text(connection: &mut SqliteConnection, text: &str) -> Result<i64, StoreError> {
    sqlx::query_scalar(
        "INSERT INTO texts (text, count) VALUES (?, 1)
         ON CONFLICT (text) DO UPDATE SET count = count + 1 RETURNING number",
    )
    .bind(text)
    .fetch_one(connection)
    .await
    .map_err(unavailable)
}

async fn revoke(connection: &mut SqliteConnection, id: &[u8], now: UnixTime) -> Result<bool, StoreError> {
    let query = sqlx::query(
        "UPDATE sessions SET revoked_at = ?, user_agent = NULL, address = NULL, name = NULL
         WHERE id = ? AND revoked_at IS NULL",
    );
    let done = query.bind(signed(now.0)).bind(id).execute(&mut *connection).await.map_err(unavailable)?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let query = sqlx::query("INSERT INTO revocations (at, session_id) VALUES (?, ?)");
    query.bind(signed(now.0)).bind(id).execute(connection).await.map_err(unavailable)?;
    Ok(true)
}

async fn revision(connection: &mut SqliteConnection, user: UserId) -> Result<u64, StoreError> {
    let found: i64 = sqlx::query_scalar(
        "SELECT max(epoch, coalesce((SELECT revision FROM revisions WHERE user_id = ?), 0)) FROM memory",
    )
    .bind(user_id(&user))
    .fetch_one(connection)
    .await
    .map_err(unavailable)?;
    Ok(found.unsigned_abs())
}

async fn raise_revision(
    connection: &mut SqliteConnection,
    user: UserId,
    now: UnixTime,
) -> Result<(), StoreError> {
    let revision: i64 = sqlx::query_scalar(
        "INSERT INTO revisions (user_id, revision) VALUES (?, (SELECT epoch + 1 FROM memory))
         ON CONFLICT (user_id) DO UPDATE SET revision = max(revision + 1, excluded.revision)
         RETURNING revision",
    )
    .bind(user_id(&user))
    .fetch_one(&mut *connection)
    .await
    .map_err(unavailable)?;
    sqlx::query("INSERT INTO revocations (at, user_id, revision) VALUES (?, ?, ?)")
        .bind(signed(now.0))
        .bind(user.to_string())
        .bind(revision)
        .execute(connection)
        .await
        .map_err(unavailable)?;
    Ok(())
}

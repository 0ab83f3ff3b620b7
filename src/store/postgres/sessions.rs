//! Sessions and the revocation list in PostgreSQL.

use super::{
    PostgresStore, StoreError,
    feed::Feed,
    revoking::{end, list_client, list_token, list_token_of, list_user, lock_user, raise_revision, revoke},
    rows,
    rows::signed,
    unavailable,
};
use crate::{
    client::ClientId,
    clock::UnixTime,
    session::SessionId,
    store::{Advance, Creation, Finding, RevocationFeed, RevocationList, Session, SessionStore, Transport},
    token::TokenId,
    user::UserId,
};
use async_trait::async_trait;
use sqlx::{PgConnection, Row, postgres::PgRow};
use std::{ops::Range, time::Duration};

/// The columns of a session. One by one: a later version may add some while this one is running.
macro_rules! session_columns {
    () => {
        "sessions.id, sessions.user_id, client_id, scope, transport, created_at, last_used_at, expires_at, \
         idle, generation, salt, user_agent, address, name"
    };
}

#[async_trait]
impl SessionStore for PostgresStore {
    async fn revision(&self, user: UserId) -> Result<u64, StoreError> {
        let query = || {
            sqlx::query(
                "SELECT greatest(epoch, (SELECT revision FROM revisions WHERE user_id = $1)) AS revision
                 FROM memory",
            )
            .bind(user.to_string())
        };
        let row = self.read_only(|lease| lease.optional(query())).await?;
        rows::revision(&row.ok_or_else(rows::no_epoch)?)
    }

    async fn create(&self, session: &Session, revision: u64, cap: u32) -> Result<Creation, StoreError> {
        self.within(|mut lease| async move {
            lease.begin().await?;
            if lock_user(&mut lease, session.user).await?.ok_or_else(rows::no_epoch)? != revision {
                lease.commit().await?;
                return Ok(Creation::Overtaken);
            }
            insert(&mut lease, session).await?;
            let excess: Vec<Vec<u8>> = sqlx::query_scalar(
                "SELECT id FROM sessions
                 WHERE user_id = $1 AND revoked_at IS NULL AND $2 < expires_at AND $2 - last_used_at < idle
                   AND id <> $3 AND sessions.epoch >= (SELECT live_since FROM memory)
                 ORDER BY last_used_at DESC, created_at DESC OFFSET $4",
            )
            .bind(session.user.to_string())
            .bind(signed(session.created_at.0))
            .bind(session.id.as_bytes())
            .bind(i64::from(cap.max(1)) - 1)
            .fetch_all(&mut *lease)
            .await
            .map_err(unavailable)?;
            revoke(&mut lease, &excess, session.created_at).await?;
            lease.commit().await?;
            Ok(Creation::Created)
        })
        .await
    }

    async fn find(&self, id: SessionId, now: UnixTime) -> Result<Option<(Session, u64)>, StoreError> {
        let query = || {
            sqlx::query(concat!(
                "SELECT ",
                session_columns!(),
                ", (SELECT greatest(revisions.revision, epoch) FROM memory) AS revision
                 FROM sessions LEFT JOIN revisions USING (user_id)
                 WHERE id = $1 AND revoked_at IS NULL AND $2 < expires_at AND $2 - last_used_at < idle
                   AND sessions.epoch >= (SELECT live_since FROM memory)",
            ))
            .bind(id.as_bytes())
            .bind(signed(now.0))
        };
        let row = self.read_only(|lease| lease.optional(query())).await?;
        row.map(|row| Ok((rows::session(&row)?, rows::revision(&row)?))).transpose()
    }

    async fn advance(
        &self,
        id: SessionId,
        generation: u64,
        now: UnixTime,
        grace: Duration,
    ) -> Result<Advance, StoreError> {
        self.within(|mut lease| async move {
            let advanced: Option<i64> = sqlx::query_scalar(
                "UPDATE sessions SET generation = generation + 1, last_used_at = $2
                 WHERE id = $1 AND generation = $3 AND revoked_at IS NULL
                   AND $2 < expires_at AND $2 - last_used_at < idle
                   AND sessions.epoch >= (SELECT live_since FROM memory)
                 RETURNING generation",
            )
            .bind(id.as_bytes())
            .bind(signed(now.0))
            .bind(signed(generation))
            .fetch_optional(&mut *lease)
            .await
            .map_err(unavailable)?;
            if let Some(generation) = advanced {
                lease.done();
                return Ok(Advance::Advanced(generation.unsigned_abs()));
            }
            // Generations only grow, so what is not the current one now never will be.
            lease.begin().await?;
            let answer = refuse(&mut lease, id, generation, now, grace).await?;
            lease.commit().await?;
            Ok(answer)
        })
        .await
    }

    async fn sessions_of(&self, user: UserId, now: UnixTime) -> Result<Vec<Session>, StoreError> {
        let query = || {
            sqlx::query(concat!(
                "SELECT ",
                session_columns!(),
                " FROM sessions
                 WHERE user_id = $1 AND revoked_at IS NULL AND $2 < expires_at AND $2 - last_used_at < idle
                   AND sessions.epoch >= (SELECT live_since FROM memory)
                 ORDER BY last_used_at DESC, created_at DESC",
            ))
            .bind(user.to_string())
            .bind(signed(now.0))
        };
        self.read_only(|lease| lease.all(query())).await?.iter().map(rows::session).collect()
    }

    async fn count(&self, used: Range<UnixTime>, now: UnixTime) -> Result<u64, StoreError> {
        let query = || {
            sqlx::query(
                "SELECT count(*) AS found FROM sessions
                 WHERE revoked_at IS NULL AND $1 < expires_at AND $1 - last_used_at < idle
                   AND $2 <= last_used_at AND last_used_at < $3
                   AND sessions.epoch >= coalesce((SELECT live_since FROM memory), 0)",
            )
            .bind(signed(now.0))
            .bind(signed(used.start.0))
            .bind(signed(used.end.0))
        };
        rows::number(&self.read_only(|lease| lease.one(query())).await?, "found")
    }

    async fn revoke(&self, id: SessionId, now: UnixTime) -> Result<bool, StoreError> {
        self.within(|mut lease| async move {
            lease.begin().await?;
            let revoked = revoke(&mut lease, &[id.as_bytes().to_vec()], now).await?;
            lease.commit().await?;
            Ok(revoked > 0)
        })
        .await
    }

    async fn revoke_others(&self, user: UserId, keep: SessionId, now: UnixTime) -> Result<u64, StoreError> {
        self.within(|mut lease| async move {
            lease.begin().await?;
            lock_user(&mut lease, user).await?;
            let others: Vec<Vec<u8>> = sqlx::query_scalar(
                "SELECT id FROM sessions WHERE user_id = $1 AND id <> $2 AND revoked_at IS NULL",
            )
            .bind(user.to_string())
            .bind(keep.as_bytes())
            .fetch_all(&mut *lease)
            .await
            .map_err(unavailable)?;
            let revoked = revoke(&mut lease, &others, now).await?;
            lease.commit().await?;
            Ok(revoked)
        })
        .await
    }

    async fn revoke_user(&self, user: UserId, now: UnixTime) -> Result<u64, StoreError> {
        self.within(|mut lease| async move {
            lease.begin().await?;
            let revision = raise_revision(&mut lease, user).await?;
            let live =
                "SELECT id FROM sessions WHERE user_id = $1 AND revoked_at IS NULL ORDER BY id FOR UPDATE";
            let live = sqlx::query_scalar(live).bind(user.to_string());
            let live: Vec<Vec<u8>> = live.fetch_all(&mut *lease).await.map_err(unavailable)?;
            end(&mut lease, &live, now).await?;
            list_user(&mut lease, user, revision, now).await?;
            lease.commit().await?;
            Ok(live.len() as u64)
        })
        .await
    }

    async fn revoke_access(&self, user: UserId, now: UnixTime) -> Result<(), StoreError> {
        self.within(|mut lease| async move {
            lease.begin().await?;
            let revision = raise_revision(&mut lease, user).await?;
            list_user(&mut lease, user, revision, now).await?;
            lease.commit().await
        })
        .await
    }

    async fn revoke_token(&self, id: TokenId, now: UnixTime) -> Result<(), StoreError> {
        self.within(|mut lease| async move {
            lease.begin().await?;
            list_token(&mut lease, id, now).await?;
            lease.commit().await
        })
        .await
    }

    async fn revoke_token_of(
        &self,
        session: SessionId,
        id: TokenId,
        issued_at: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        self.within(|mut lease| async move {
            lease.begin().await?;
            list_token_of(&mut lease, session, id, issued_at, now).await?;
            lease.commit().await
        })
        .await
    }

    async fn revoke_client(&self, id: &ClientId, revision: u64, now: UnixTime) -> Result<(), StoreError> {
        self.within(|mut lease| async move {
            lease.begin().await?;
            list_client(&mut lease, id, revision, now).await?;
            lease.commit().await
        })
        .await
    }

    async fn revocations(&self, from: u64, limit: u32) -> Result<RevocationList, StoreError> {
        // One statement sees one moment: the epoch and the lines.
        let query = || {
            sqlx::query(
                "SELECT head.epoch, head.read_at, line.position, line.at, line.written_at, line.session_id, line.issued_until,
                     line.user_id, line.token_id, line.client_id, line.revision
                 FROM (SELECT coalesce((SELECT epoch FROM memory), 0) AS epoch,
                           (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS read_at) AS head
                 LEFT JOIN (SELECT * FROM revocations WHERE position >= $1 ORDER BY position LIMIT $2) AS line
                     ON true
                 ORDER BY line.position",
            )
            .bind(signed(from))
            .bind(i64::from(limit))
        };
        let found = self.read_only(|lease| lease.all(query())).await?;
        let head = found.first().ok_or_else(|| unavailable(sqlx::Error::RowNotFound))?;
        let is_line = |row: &&_| !matches!(PgRow::try_get(row, "position"), Ok(None::<i64>));
        Ok(RevocationList {
            epoch: rows::number(head, "epoch")?,
            read_at: rows::number(head, "read_at")?,
            lines: found.iter().filter(is_line).map(rows::revocation).collect::<Result<_, _>>()?,
        })
    }

    async fn begin_epoch(&self, than: u64) -> Result<u64, StoreError> {
        self.next_epoch(than, false).await
    }

    async fn begin_epoch_without_sessions(&self, than: u64) -> Result<u64, StoreError> {
        self.next_epoch(than, true).await
    }

    async fn feed(&self) -> Result<Box<dyn RevocationFeed>, StoreError> {
        Ok(Box::new(Feed::open(self).await?))
    }

    async fn purge(&self, now: UnixTime, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.purged(now, before, limit).await
    }

    async fn trim(&self, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.trimmed(before, limit).await
    }

    async fn own_clock(&self) -> Result<Option<u64>, StoreError> {
        self.time().await.map(Some)
    }

    async fn checkup(&self, now: UnixTime, leeway: Duration) -> Result<Vec<Finding>, StoreError> {
        self.findings(now, leeway).await
    }
}

impl PostgresStore {
    async fn next_epoch(&self, than: u64, ends_sessions: bool) -> Result<u64, StoreError> {
        let query = || {
            sqlx::query(
                "INSERT INTO memory (one, epoch)
                 VALUES (1, greatest((extract(epoch FROM clock_timestamp()) * 1000)::bigint, $2))
                 ON CONFLICT (one) DO UPDATE SET
                     epoch = CASE WHEN memory.epoch > $1 THEN memory.epoch ELSE excluded.epoch END,
                     live_since = CASE WHEN memory.epoch <= $1 AND $3 THEN excluded.epoch ELSE memory.live_since END
                 RETURNING epoch",
            )
            .bind(signed(than))
            .bind(signed(than.saturating_add(1)))
            .bind(ends_sessions)
        };
        rows::number(&self.within(|lease| lease.one(query())).await?, "epoch")
    }
}

/// What a token is that is not the current one of a live session.
async fn refuse(
    connection: &mut PgConnection,
    id: SessionId,
    generation: u64,
    now: UnixTime,
    grace: Duration,
) -> Result<Advance, StoreError> {
    let row = sqlx::query(concat!(
        "SELECT ",
        session_columns!(),
        " FROM sessions WHERE id = $1 AND revoked_at IS NULL
             AND sessions.epoch >= (SELECT live_since FROM memory) FOR UPDATE"
    ))
    .bind(id.as_bytes())
    .fetch_optional(&mut *connection)
    .await
    .map_err(unavailable)?;
    let Some(session) = row.as_ref().map(rows::session).transpose()? else { return Ok(Advance::Gone) };
    if session.is_expired(now) {
        return Ok(Advance::Gone);
    }
    if session.is_parent_in_grace(generation, now, grace) {
        return Ok(Advance::Repeated(session.generation));
    }
    revoke(connection, &[id.as_bytes().to_vec()], now).await?;
    Ok(Advance::Reused)
}

async fn insert(connection: &mut PgConnection, session: &Session) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO sessions (id, user_id, client_id, scope, transport, created_at, last_used_at,
             expires_at, idle, generation, salt, user_agent, address, name, due_at, epoch)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, (SELECT epoch FROM memory))",
    )
    .bind(session.id.as_bytes())
    .bind(session.user.to_string())
    .bind(&session.client_id)
    .bind(session.scope.to_string())
    .bind(i16::from(session.transport == Transport::Body))
    .bind(signed(session.created_at.0))
    .bind(signed(session.last_used_at.0))
    .bind(signed(session.expires_at.0))
    .bind(signed(session.idle.as_secs()))
    .bind(signed(session.generation))
    .bind(session.salt.as_bytes())
    .bind(session.device.user_agent.as_deref())
    .bind(session.device.address.map(|address| address.to_string()))
    .bind(session.device.name.as_deref())
    .bind(signed(session.ends_at().0))
    .execute(connection)
    .await
    .map_err(unavailable)?;
    Ok(())
}

//! The steps of revoking, each part of somebody's transaction. They take the locks 1 to 4 that
//! the module above speaks of.

use super::{StoreError, lease::Query, rows, rows::signed, unavailable};
use crate::{
    client::ClientId, clock::UnixTime, session::SessionId, store::TOKENS_BY_THEMSELVES, token::TokenId,
    user::UserId,
};
use sqlx::PgConnection;

/// The number of the advisory lock on the end of the revocation list.
const LIST: i64 = i64::from_be_bytes(*b"csrevoke");

/// Locks the user's row, so that whatever adds sessions or revokes all of a user's does so one
/// after the other; says their revision, if an epoch has begun.
pub(super) async fn lock_user(
    connection: &mut PgConnection,
    user: UserId,
) -> Result<Option<u64>, StoreError> {
    let revision: Option<i64> = sqlx::query_scalar(
        "INSERT INTO revisions (user_id, revision) VALUES ($1, 0)
         ON CONFLICT (user_id) DO UPDATE SET revision = revisions.revision
         RETURNING (SELECT greatest(revisions.revision, epoch) FROM memory)",
    )
    .bind(user.to_string())
    .fetch_one(connection)
    .await
    .map_err(unavailable)?;
    Ok(revision.map(i64::unsigned_abs))
}

/// Raises the user's revision above whatever anybody can have read; it stays locked, and so does
/// the epoch: if one could begin meanwhile, a login that read it might not be overtaken.
pub(super) async fn raise_revision(connection: &mut PgConnection, user: UserId) -> Result<i64, StoreError> {
    let revision = sqlx::query_scalar(
        "INSERT INTO revisions (user_id, revision)
             SELECT $1, epoch + 1 FROM (SELECT epoch FROM memory FOR SHARE) AS present
         ON CONFLICT (user_id) DO UPDATE SET revision = greatest(revisions.revision + 1, excluded.revision)
         RETURNING revision",
    )
    .bind(user.to_string())
    .fetch_optional(connection)
    .await
    .map_err(unavailable)?;
    revision.ok_or_else(rows::no_epoch)
}

/// Revokes those of the sessions that are not revoked yet, and lists them; says how many.
pub(super) async fn revoke(
    connection: &mut PgConnection,
    ids: &[Vec<u8>],
    now: UnixTime,
) -> Result<u64, StoreError> {
    if ids.is_empty() {
        return Ok(0);
    }
    let live = "SELECT id FROM sessions WHERE id = ANY ($1) AND revoked_at IS NULL ORDER BY id FOR UPDATE";
    let live: Vec<Vec<u8>> =
        sqlx::query_scalar(live).bind(ids).fetch_all(&mut *connection).await.map_err(unavailable)?;
    if live.is_empty() {
        return Ok(0);
    }
    end(connection, &live, now).await?;
    lock_list(connection).await?;
    let listing = "INSERT INTO revocations (at, session_id) SELECT $1, unnest($2)";
    let listing = sqlx::query(listing).bind(signed(now.0)).bind(&live);
    listing.execute(&mut *connection).await.map_err(unavailable)?;
    notify(connection).await?;
    Ok(live.len() as u64)
}

/// Marks sessions, all of them locked, as revoked, and forgets their devices.
pub(super) async fn end(
    connection: &mut PgConnection,
    ids: &[Vec<u8>],
    now: UnixTime,
) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE sessions SET revoked_at = $1, user_agent = NULL, address = NULL, name = NULL
         WHERE id = ANY ($2)",
    );
    query.bind(signed(now.0)).bind(ids).execute(connection).await.map_err(unavailable)?;
    Ok(())
}

/// Lists that all of a user's access tokens from before this revision are revoked.
pub(super) async fn list_user(
    connection: &mut PgConnection,
    user: UserId,
    revision: i64,
    now: UnixTime,
) -> Result<(), StoreError> {
    let line = sqlx::query("INSERT INTO revocations (at, user_id, revision) VALUES ($1, $2, $3)");
    list(connection, line.bind(signed(now.0)).bind(user.to_string()).bind(revision)).await
}

/// Lists that one access token is revoked.
pub(super) async fn list_token(
    connection: &mut PgConnection,
    id: TokenId,
    now: UnixTime,
) -> Result<(), StoreError> {
    let line = sqlx::query("INSERT INTO revocations (at, token_id) VALUES ($1, $2)");
    list(connection, line.bind(signed(now.0)).bind(id.as_bytes().to_vec())).await
}

/// Lists that one access token of a session is revoked, or once there are many all that are no younger.
pub(super) async fn list_token_of(
    connection: &mut PgConnection,
    session: SessionId,
    id: TokenId,
    issued_at: UnixTime,
    now: UnixTime,
) -> Result<(), StoreError> {
    let counting =
        "UPDATE sessions SET revoked_tokens = revoked_tokens + 1 WHERE id = $1 RETURNING revoked_tokens";
    let counting = sqlx::query_scalar(counting).bind(session.as_bytes());
    let count: Option<i32> = counting.fetch_optional(&mut *connection).await.map_err(unavailable)?;
    if count.is_none_or(|count| count.unsigned_abs() <= TOKENS_BY_THEMSELVES) {
        return list_token(connection, id, now).await;
    }
    let line = sqlx::query("INSERT INTO revocations (at, session_id, issued_until) VALUES ($1, $2, $3)");
    list(connection, line.bind(signed(now.0)).bind(session.as_bytes()).bind(signed(issued_at.0))).await
}

/// Lists that all access tokens that a client got before this revision are revoked.
pub(super) async fn list_client(
    connection: &mut PgConnection,
    id: &ClientId,
    revision: u64,
    now: UnixTime,
) -> Result<(), StoreError> {
    let line = sqlx::query("INSERT INTO revocations (at, client_id, revision) VALUES ($1, $2, $3)");
    list(connection, line.bind(signed(now.0)).bind(id.as_str()).bind(signed(revision))).await
}

async fn list(connection: &mut PgConnection, line: Query<'_>) -> Result<(), StoreError> {
    lock_list(connection).await?;
    line.execute(&mut *connection).await.map_err(unavailable)?;
    notify(connection).await
}

/// Without it, of two lines the second could be committed first. Whoever reads just then would
/// go on from the second and never see the first.
async fn lock_list(connection: &mut PgConnection) -> Result<(), StoreError> {
    let query = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LIST);
    query.execute(connection).await.map_err(unavailable)?;
    Ok(())
}

/// Tells all feeds, as soon as this is committed.
async fn notify(connection: &mut PgConnection) -> Result<(), StoreError> {
    let query = sqlx::query("SELECT pg_notify($1, '')").bind(super::feed::CHANNEL);
    query.execute(connection).await.map_err(unavailable)?;
    Ok(())
}

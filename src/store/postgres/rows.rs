//! Records from rows, and what PostgreSQL's types cannot say.

use super::{StoreError, unavailable};
use crate::{
    clock::UnixTime,
    password::PasswordHash,
    refresh_token::Salt,
    session::SessionId,
    store::{Device, Revocation, RevokedSubject, Session, Transport, User},
    token::TokenId,
    user::UserId,
};
use sqlx::{Row, postgres::PgRow};
use std::time::Duration;

/// PostgreSQL's integers are signed; a time or a count beyond them is the last one that fits.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn number(row: &PgRow, column: &str) -> Result<u64, StoreError> {
    row.try_get::<i64, _>(column).map(i64::unsigned_abs).map_err(unavailable)
}

/// A number that says something of an epoch; without one there is none.
pub(super) fn revision(row: &PgRow) -> Result<u64, StoreError> {
    let found: Option<i64> = row.try_get("revision").map_err(unavailable)?;
    found.map(i64::unsigned_abs).ok_or_else(no_epoch)
}

pub(super) fn no_epoch() -> StoreError {
    StoreError::Unavailable("no epoch has begun".into())
}

fn bits(row: &PgRow, column: &'static str) -> Result<[u8; 16], StoreError> {
    let bytes: &[u8] = row.try_get(column).map_err(unavailable)?;
    bytes.try_into().map_err(StoreError::corrupt(column))
}

fn user_id(text: &str) -> Result<UserId, StoreError> {
    text.parse().map_err(StoreError::corrupt("user id"))
}

pub(super) fn user(row: &PgRow) -> Result<User, StoreError> {
    let text = |column| row.try_get::<&str, _>(column).map_err(unavailable);
    let id = text("id")?;
    // Whoever has to mend it has to know whose it is.
    let of_user = |what: &str| format!("{what} of user {id}");
    let roles: Vec<String> = row.try_get("roles").map_err(unavailable)?;
    let roles = roles.iter().map(|role| role.parse());
    Ok(User {
        id: user_id(id)?,
        username: text("username")?.parse().map_err(StoreError::corrupt(of_user("name")))?,
        password: PasswordHash::from_stored(text("password_hash")?.to_owned()),
        roles: roles.collect::<Result<_, _>>().map_err(StoreError::corrupt(of_user("role")))?,
        disabled: row.try_get("disabled").map_err(unavailable)?,
        created_at: UnixTime(number(row, "created_at")?),
    })
}

pub(super) fn session(row: &PgRow) -> Result<Session, StoreError> {
    let text = |column| row.try_get::<String, _>(column).map_err(unavailable);
    let optional = |column| row.try_get::<Option<String>, _>(column).map_err(unavailable);
    let body = row.try_get::<i16, _>("transport").map_err(unavailable)? == 1;
    let address = optional("address")?.map(|address| address.parse()).transpose();
    Ok(Session {
        id: SessionId::from_bytes(bits(row, "id")?),
        user: user_id(&text("user_id")?)?,
        client_id: text("client_id")?,
        scope: Session::stored_scope(&text("scope")?)?,
        transport: if body { Transport::Body } else { Transport::Cookie },
        created_at: UnixTime(number(row, "created_at")?),
        last_used_at: UnixTime(number(row, "last_used_at")?),
        expires_at: UnixTime(number(row, "expires_at")?),
        idle: Duration::from_secs(number(row, "idle")?),
        generation: number(row, "generation")?,
        salt: Salt::from_bytes(bits(row, "salt")?),
        device: Device {
            user_agent: optional("user_agent")?,
            address: address.map_err(StoreError::corrupt("address"))?,
            name: optional("name")?,
        },
    })
}

pub(super) fn revocation(row: &PgRow) -> Result<Revocation, StoreError> {
    let text = |column| row.try_get::<Option<&str>, _>(column).map_err(unavailable);
    let is = |column| row.try_get::<Option<&[u8]>, _>(column).map(|bits| bits.is_some()).map_err(unavailable);
    let subject = match (text("user_id")?, text("client_id")?) {
        (Some(user), _) => RevokedSubject::User(user_id(user)?, number(row, "revision")?),
        (None, Some(client)) => {
            let client = client.parse().map_err(StoreError::corrupt("client id"))?;
            RevokedSubject::Client(client, number(row, "revision")?)
        }
        (None, None) if is("token_id")? => RevokedSubject::Token(TokenId::from_bytes(bits(row, "token_id")?)),
        (None, None) => {
            let session = SessionId::from_bytes(bits(row, "session_id")?);
            match row.try_get::<Option<i64>, _>("issued_until").map_err(unavailable)? {
                Some(until) => RevokedSubject::SessionTokens(session, UnixTime(until.unsigned_abs())),
                None => RevokedSubject::Session(session),
            }
        }
    };
    let (position, written_at) = (number(row, "position")?, number(row, "written_at")?);
    Ok(Revocation { position, at: UnixTime(number(row, "at")?), written_at, subject })
}

//! Records of sessions and revocations from rows, and what SQLite's types cannot say.

use super::{StoreError, unavailable};
use crate::{
    clock::UnixTime,
    refresh_token::Salt,
    session::SessionId,
    store::{Device, Revocation, RevokedSubject, Session, Transport},
    token::TokenId,
    user::UserId,
};
use sqlx::{Row, sqlite::SqliteRow};
use std::time::Duration;

/// SQLite's integers are signed; a time or a count beyond them is the last one that fits.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn number(row: &SqliteRow, column: &str) -> Result<u64, StoreError> {
    row.try_get::<i64, _>(column).map(i64::unsigned_abs).map_err(unavailable)
}

/// A user's id as sessions and revisions have it.
pub(super) fn user_id(user: &UserId) -> &[u8] {
    user.as_bytes()
}

fn bits(row: &SqliteRow, column: &'static str) -> Result<[u8; 16], StoreError> {
    let bytes: Vec<u8> = row.try_get(column).map_err(unavailable)?;
    let bytes = bytes.as_slice().try_into();
    bytes.map_err(StoreError::corrupt(column))
}

pub(super) fn session(row: &SqliteRow) -> Result<Session, StoreError> {
    let text = |column| row.try_get::<String, _>(column).map_err(unavailable);
    let optional = |column| row.try_get::<Option<String>, _>(column).map_err(unavailable);
    let body: bool = row.try_get("transport").map_err(unavailable)?;
    let address = optional("address")?.map(|address| address.parse()).transpose();
    Ok(Session {
        id: SessionId::from_bytes(bits(row, "id")?),
        user: UserId::from_bytes(bits(row, "user_id")?),
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

pub(super) fn revocation(row: &SqliteRow) -> Result<Revocation, StoreError> {
    let text = |column| row.try_get::<Option<String>, _>(column).map_err(unavailable);
    let is = |column| row.try_get::<Option<&[u8]>, _>(column).map(|bits| bits.is_some()).map_err(unavailable);
    let subject = match (text("user_id")?, text("client_id")?) {
        (Some(user), _) => {
            let user = user.parse().map_err(StoreError::corrupt("user id"))?;
            RevokedSubject::User(user, number(row, "revision")?)
        }
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

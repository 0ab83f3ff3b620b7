//! The record of a session as one string.
//!
//! What scripts read and write stands first, at fixed places (`HEAD` in `lib.lua`): generation (7
//! bytes), last used (5), expires (5), idle (5), revoked (5, 0 if it is not) and the attempt that advanced
//! it (8). Then the user (16), the salt (16), when it was created (5) and flags (1); then the client, the
//! scope, the address and the device's name, each behind its length (2); last, if there is one, the name of
//! the user agent's text (12). Numbers are big-endian.

use crate::{
    clock::UnixTime,
    refresh_token::Salt,
    session::SessionId,
    store::{Device, Session, StoreError, Transport},
    user::UserId,
};
use aws_lc_rs::digest::{SHA256, digest};
use std::{io, net::IpAddr, time::Duration};

/// What a user agent's text is known by: the beginning of its SHA-256.
pub(super) type Agent = [u8; 12];

/// How much of a record says when it ends and whose it is.
pub(super) const OWNED: usize = 51;

/// The greatest time that fits, in seconds since 1970; what is later ends then.
const LAST: u64 = (1 << 40) - 1;

const IN_BODY: u8 = 1;
const HAS_AGENT: u8 = 2;
const HAS_NAME: u8 = 4;

pub(super) fn agent(text: &str) -> Agent {
    *digest(&SHA256, text.as_bytes()).as_ref().first_chunk().expect("a digest is longer")
}

/// The time as scripts take it.
pub(super) fn seconds(time: UnixTime) -> u64 {
    time.0.min(LAST)
}

pub(super) fn encode(session: &Session) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(160);
    let mut number =
        |number: u64, length: usize| bytes.extend_from_slice(&number.to_be_bytes()[8 - length..]);
    number(session.generation.min((1 << 53) - 1), 7);
    number(seconds(session.last_used_at), 5);
    number(seconds(session.expires_at), 5);
    number(session.idle.as_secs().min(LAST), 5);
    number(0, 5);
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(session.user.as_bytes());
    bytes.extend_from_slice(session.salt.as_bytes());
    bytes.extend_from_slice(&seconds(session.created_at).to_be_bytes()[3..]);
    let Device { user_agent, address, name } = &session.device;
    let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
    let in_body = flag(session.transport == Transport::Body, IN_BODY);
    bytes.push(in_body | flag(user_agent.is_some(), HAS_AGENT) | flag(name.is_some(), HAS_NAME));
    let address = match address {
        Some(IpAddr::V4(address)) => address.octets().to_vec(),
        Some(IpAddr::V6(address)) => address.octets().to_vec(),
        None => vec![],
    };
    let name = name.as_deref().unwrap_or_default();
    for part in
        [session.client_id.as_bytes(), session.scope.to_string().as_bytes(), &address, name.as_bytes()]
    {
        // Nothing that comes here is nearly as long.
        let length = part.len().min(usize::from(u16::MAX));
        bytes.extend_from_slice(&(length as u16).to_be_bytes());
        bytes.extend_from_slice(&part[..length]);
    }
    if let Some(text) = user_agent {
        bytes.extend_from_slice(&agent(text));
    }
    bytes
}

/// When the session of this record ends, and whose it is; `None` if it is no record.
pub(super) fn owned(bytes: &[u8]) -> Option<(UnixTime, UserId)> {
    let mut rest = bytes;
    let _generation = number(&mut rest, 7)?;
    let (used, expires, idle) = (number(&mut rest, 5)?, number(&mut rest, 5)?, number(&mut rest, 5)?);
    take(&mut rest, 13)?;
    Some((UnixTime(expires.min(used + idle)), UserId::from_bytes(take(&mut rest, 16)?.try_into().ok()?)))
}

/// The session of this record and the name of its user agent, unless it is over at `now` or revoked.
pub(super) fn live(
    id: SessionId,
    record: &[u8],
    now: UnixTime,
) -> Result<Option<(Session, Option<Agent>)>, StoreError> {
    if record.is_empty() {
        return Ok(None);
    }
    let (session, agent, is_revoked) = decode(id, record)
        .ok_or_else(|| StoreError::corrupt("session")(io::Error::from(io::ErrorKind::InvalidData)))?;
    Ok((!is_revoked && !session.is_expired(now)).then_some((session, agent)))
}

fn decode(id: SessionId, mut rest: &[u8]) -> Option<(Session, Option<Agent>, bool)> {
    let rest = &mut rest;
    let generation = number(rest, 7)?;
    let [used, expires, idle, revoked] = [(); 4].map(|()| number(rest, 5));
    take(rest, 8)?;
    let user = UserId::from_bytes(take(rest, 16)?.try_into().ok()?);
    let salt = Salt::from_bytes(take(rest, 16)?.try_into().ok()?);
    let created = number(rest, 5)?;
    let flags = number(rest, 1)? as u8;
    let mut part = || {
        let length = number(rest, 2)?;
        take(rest, length as usize)
    };
    let (client, scope, address, name) = (part()?, part()?, part()?, part()?);
    let address = match address.len() {
        0 => None,
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(address).ok()?)),
        _ => Some(IpAddr::from(<[u8; 16]>::try_from(address).ok()?)),
    };
    let name = String::from_utf8(name.to_vec()).ok()?;
    let agent = if flags & HAS_AGENT != 0 { Some(take(rest, 12)?.try_into().ok()?) } else { None };
    let session = Session {
        id,
        user,
        client_id: String::from_utf8(client.to_vec()).ok()?,
        scope: Session::stored_scope(str::from_utf8(scope).ok()?).ok()?,
        transport: if flags & IN_BODY != 0 { Transport::Body } else { Transport::Cookie },
        created_at: UnixTime(created),
        last_used_at: UnixTime(used?),
        expires_at: UnixTime(expires?),
        idle: Duration::from_secs(idle?),
        generation,
        salt,
        device: Device { user_agent: None, address, name: (flags & HAS_NAME != 0).then_some(name) },
    };
    Some((session, agent, revoked? != 0))
}

fn take<'r>(rest: &mut &'r [u8], length: usize) -> Option<&'r [u8]> {
    rest.split_off(..length)
}

fn number(rest: &mut &[u8], length: usize) -> Option<u64> {
    Some(take(rest, length)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

//! The record of a session as one string.
//!
//! What scripts read and write stands first, at fixed places (`HEAD` in `lib.lua`): generation (7
//! bytes), last used (5), expires (5), idle (5), revoked (5, 0 if it is not), the attempt that advanced
//! it (8) and the epoch in which it was created (7, written by the script). Then the user (16), the salt (16), when it was created (5) and flags (1); then the client, the
//! scope, the address, the device's name and, if there is one, the user agent, each behind its length (2).
//! Numbers are big-endian. Of a revoked session nothing is kept that stands behind the user.

use crate::{
    clock::UnixTime,
    refresh_token::Salt,
    session::SessionId,
    store::{Device, Session, StoreError, Transport},
    user::UserId,
};
use std::{io, net::IpAddr, ops::Range, time::Duration};

/// How much of a record says when it ends and whose it is, and is kept of a revoked session.
pub(super) const OWNED: usize = 58;

/// Where a record says when the session was revoked.
const REVOKED: Range<usize> = 22..27;

/// Where it says in which epoch it was created.
const EPOCH: Range<usize> = 35..42;

/// The greatest time that fits, in seconds since 1970; what is later ends then.
const LAST: u64 = (1 << 40) - 1;

const IN_BODY: u8 = 1;
// Bit 2 has another meaning in records of the layout before.
const HAS_NAME: u8 = 4;
const HAS_AGENT: u8 = 8;

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
    bytes.extend_from_slice(&[0; 8 + 7]);
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
    let scope = session.scope.to_string();
    let parts = [session.client_id.as_bytes(), scope.as_bytes(), &address, name.as_bytes()];
    for part in parts.into_iter().chain(user_agent.as_deref().map(str::as_bytes)) {
        // Nothing that comes here is nearly as long.
        let length = part.len().min(usize::from(u16::MAX));
        bytes.extend_from_slice(&(length as u16).to_be_bytes());
        bytes.extend_from_slice(&part[..length]);
    }
    bytes
}

/// When the session of this record ends, and whose it is; `None` if it is no record.
pub(super) fn owned(bytes: &[u8]) -> Option<(UnixTime, UserId)> {
    let mut rest = bytes;
    let _generation = number(&mut rest, 7)?;
    let (used, expires, idle) = (number(&mut rest, 5)?, number(&mut rest, 5)?, number(&mut rest, 5)?);
    take(&mut rest, 20)?;
    Some((UnixTime(expires.min(used + idle)), UserId::from_bytes(take(&mut rest, 16)?.try_into().ok()?)))
}

/// The session of this record, unless it is expired at `now`, revoked, or of an epoch before `since`.
pub(super) fn live(
    id: SessionId,
    record: &[u8],
    since: u64,
    now: UnixTime,
) -> Result<Option<Session>, StoreError> {
    let is_revoked = record.get(REVOKED).is_some_and(|time| time.iter().any(|byte| *byte != 0));
    let is_ended =
        record.get(EPOCH).and_then(|mut epoch| number(&mut epoch, 7)).is_some_and(|epoch| epoch < since);
    if record.is_empty() || is_revoked || is_ended {
        return Ok(None);
    }
    let session = decode(id, record)
        .ok_or_else(|| StoreError::corrupt("session")(io::Error::from(io::ErrorKind::InvalidData)))?;
    Ok((!session.is_expired(now)).then_some(session))
}

fn decode(id: SessionId, mut rest: &[u8]) -> Option<Session> {
    let rest = &mut rest;
    let generation = number(rest, 7)?;
    let [used, expires, idle, _revoked] = [(); 4].map(|()| number(rest, 5));
    take(rest, 8 + 7)?;
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
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let user_agent = if flags & HAS_AGENT != 0 { Some(text(part()?)?) } else { None };
    let name = text(name)?;
    Some(Session {
        id,
        user,
        client_id: text(client)?,
        scope: Session::stored_scope(str::from_utf8(scope).ok()?).ok()?,
        transport: if flags & IN_BODY != 0 { Transport::Body } else { Transport::Cookie },
        created_at: UnixTime(created),
        last_used_at: UnixTime(used?),
        expires_at: UnixTime(expires?),
        idle: Duration::from_secs(idle?),
        generation,
        salt,
        device: Device { user_agent, address, name: (flags & HAS_NAME != 0).then_some(name) },
    })
}

fn take<'r>(rest: &mut &'r [u8], length: usize) -> Option<&'r [u8]> {
    rest.split_off(..length)
}

fn number(rest: &mut &[u8], length: usize) -> Option<u64> {
    Some(take(rest, length)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

//! Sessions as they were kept at first: a hash each, by names, with a sorted set of all by
//! when they end and a set of each user's. They are taken over one by one, by the check of how a store is
//! set up, which comes before all else, and with each purge.

use super::{RedisStore, expiry::slot_of, keys::Keys, record, script, sessions::unreadable};
use crate::{
    clock::UnixTime,
    refresh_token::Salt,
    session::SessionId,
    store::{Device, Session, StoreError, Transport},
};
use std::{collections::HashMap, time::Duration};

const PAGE: usize = 100;

type Record = HashMap<String, Vec<u8>>;

impl RedisStore {
    /// Takes over what is still kept as before. Of two that do so at once, or of one that meets a
    /// server of the version before, neither loses what the other wrote.
    pub(super) async fn take_over(&self) -> Result<(), StoreError> {
        loop {
            let mut command = redis::cmd("ZRANGE");
            command.arg(&self.keys.old_ends).arg(0).arg(PAGE - 1);
            let ids: Vec<String> = self.link.command(&command).await?;
            for id in &ids {
                while !self.convert(id).await? {}
            }
            if ids.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// `false`: it was changed meanwhile.
    async fn convert(&self, id: &str) -> Result<bool, StoreError> {
        let keys = &self.keys;
        let old: Record = self.link.command(redis::cmd("HGETALL").arg(keys.old_session(id))).await?;
        let id: SessionId = id.parse().map_err(StoreError::corrupt("session id"))?;
        let text = |field: &str| old.get(field).map(Vec::as_slice).unwrap_or_default();
        // Its scripts take all that is live; what is over is only removed.
        let session = if old.is_empty() { None } else { Some(session(id, &old)?) };
        let user = session.as_ref().map_or(crate::user::UserId::from_bytes([0; 16]), |session| session.user);
        let mut invocation = script!("convert.lua").prepare_invoke();
        invocation.key(keys.old_session(&id.to_string())).key(keys.old_user(user)).key(&keys.old_ends);
        invocation.key(keys.users(user)).key(&keys.slots);
        let slot = session.as_ref().map_or(0, |session| slot_of(session.ends_at()));
        invocation.key(keys.slot(slot));
        invocation.arg(id.to_string()).arg(text("generation")).arg(text("used")).arg(&Keys::field(user, id));
        match &session {
            Some(session) => {
                invocation.arg(record::encode(session)).arg(slot);
            }
            None => {
                invocation.arg("").arg(slot);
            }
        }
        self.link.script(invocation.key(keys.session(id))).await
    }
}

/// The session of this record.
fn session(id: SessionId, record: &Record) -> Result<Session, StoreError> {
    let text = |field: &str| record.get(field).and_then(|bytes| str::from_utf8(bytes).ok());
    let needed = |field: &'static str| text(field).ok_or_else(|| unreadable(field));
    let number = |field: &'static str| needed(field)?.parse::<u64>().map_err(StoreError::corrupt(field));
    let salt = record.get("salt").and_then(|bytes| bytes.as_slice().try_into().ok());
    Ok(Session {
        id,
        user: needed("user")?.parse().map_err(StoreError::corrupt("user id"))?,
        client_id: needed("client")?.to_owned(),
        scope: Session::stored_scope(needed("scope")?)?,
        transport: if text("transport") == Some("body") { Transport::Body } else { Transport::Cookie },
        created_at: UnixTime(number("created")?),
        last_used_at: UnixTime(number("used")?),
        expires_at: UnixTime(number("expires")?),
        idle: Duration::from_secs(number("idle")?),
        generation: number("generation")?,
        salt: Salt::from_bytes(salt.ok_or_else(|| unreadable("salt"))?),
        device: Device {
            user_agent: text("agent").map(str::to_owned),
            address: text("address").map(str::parse).transpose().map_err(StoreError::corrupt("address"))?,
            name: text("name").map(str::to_owned),
        },
    })
}

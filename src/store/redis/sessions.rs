//! Sessions and the revocation list in Redis.

use super::{RedisStore, script};
use crate::{
    client::ClientId,
    clock::UnixTime,
    refresh_token::Salt,
    session::SessionId,
    store::{
        Advance, Creation, Device, Finding, Revocation, RevocationFeed, RevocationList, RevokedSubject,
        Session, SessionStore, Severity, StoreError, Transport, causes,
    },
    token::TokenId,
    user::UserId,
};
use async_trait::async_trait;
use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    io,
    ops::Range,
    time::Duration,
};

/// How often an operation on all sessions of a user is tried while others add to them.
const TRIES: usize = 8;
/// How many lines of the list are removed at a time.
const TRIMMED: u32 = 500;
/// How many sessions are counted in one step.
const PAGE: usize = 1_000;

type Record = HashMap<String, Vec<u8>>;

#[async_trait]
impl SessionStore for RedisStore {
    async fn revision(&self, user: UserId) -> Result<u64, StoreError> {
        let mut invocation = script!("revision.lua").prepare_invoke();
        self.link.script(invocation.key(&self.keys.epoch).key(self.keys.revision(user))).await
    }

    async fn create(&self, session: &Session, revision: u64, cap: u32) -> Result<Creation, StoreError> {
        let keys = &self.keys;
        for _ in 0..TRIES {
            let others = self.ids_of(session.user).await?;
            let mut invocation = script!("create.lua").prepare_invoke();
            invocation.key(&keys.epoch).key(keys.revision(session.user)).key(keys.user(session.user));
            invocation.key(&keys.ends).key(&keys.revoked).key(&keys.list).key(&keys.position);
            invocation.key(keys.session(session.id));
            invocation.arg(revision).arg(cap.max(1)).arg(session.created_at.0).arg(session.id.to_string());
            invocation.arg(others.len());
            for other in others {
                invocation.key(keys.session(other)).arg(other.to_string());
            }
            for (field, value) in record(session) {
                invocation.arg(field).arg(value);
            }
            let answer: String = self.link.script(&invocation).await?;
            match &*answer {
                "created" => return Ok(Creation::Created),
                "overtaken" => return Ok(Creation::Overtaken),
                _ => {}
            }
        }
        Err(contended())
    }

    /// The session is read before the revision: whatever is revoked in between has either ended
    /// the session, or its revision is the one that is answered.
    async fn find(&self, id: SessionId, now: UnixTime) -> Result<Option<(Session, u64)>, StoreError> {
        let found: Record = self.link.command(redis::cmd("HGETALL").arg(self.keys.session(id))).await?;
        let Some(session) = live(id, &found, now)? else { return Ok(None) };
        let revision = self.revision(session.user).await?;
        Ok(Some((session, revision)))
    }

    async fn advance(
        &self,
        id: SessionId,
        generation: u64,
        now: UnixTime,
        grace: Duration,
    ) -> Result<Advance, StoreError> {
        let keys = &self.keys;
        let mut attempt = [0; 8];
        getrandom::fill(&mut attempt).map_err(|error| StoreError::Unavailable(error.into()))?;
        let mut invocation = script!("advance.lua").prepare_invoke();
        invocation.key(keys.session(id)).key(&keys.ends).key(&keys.revoked).key(&keys.list);
        invocation.key(&keys.position).arg(id.to_string()).arg(generation).arg(now.0).arg(grace.as_secs());
        let (answer, current): (String, u64) = self.link.script(invocation.arg(&attempt)).await?;
        match &*answer {
            "advanced" => Ok(Advance::Advanced(current)),
            "repeated" => Ok(Advance::Repeated(current)),
            "reused" => Ok(Advance::Reused),
            _ => Ok(Advance::Gone),
        }
    }

    async fn sessions_of(&self, user: UserId, now: UnixTime) -> Result<Vec<Session>, StoreError> {
        let mut sessions = vec![];
        for id in self.ids_of(user).await? {
            let found: Record = self.link.command(redis::cmd("HGETALL").arg(self.keys.session(id))).await?;
            sessions.extend(live(id, &found, now)?);
        }
        sessions.sort_by_key(|session| Reverse((session.last_used_at, session.created_at)));
        Ok(sessions)
    }

    /// Page by page through `ends`, and no snapshot. Each page begins at the score at which the
    /// last one ended: a session that is used meanwhile moves on to where this has yet to come,
    /// where pages by rank would have others slip past it. So one is missed only if its last use
    /// goes back in time meanwhile, because the clocks of two servers differ. Sessions that were
    /// counted are remembered, since they may be met again.
    async fn count(&self, used: Range<UnixTime>, now: UnixTime) -> Result<u64, StoreError> {
        let mut counted = HashSet::new();
        let (mut from, mut limit) = (format!("({now}"), PAGE);
        loop {
            let mut command = redis::cmd("ZRANGEBYSCORE");
            command.arg(&self.keys.ends).arg(&from).arg("+inf").arg("WITHSCORES");
            command.arg("LIMIT").arg(0).arg(limit);
            let page: Vec<(String, String)> = self.link.command(&command).await?;
            for part in page.chunks(PAGE) {
                counted.extend(self.counting(part.iter().map(|(id, _)| id), &used, now).await?);
            }
            match page.last() {
                Some((_, last)) if page.len() == limit => {
                    // More of them than that end in one second.
                    limit = if *last == from { limit * 2 } else { PAGE };
                    from.clone_from(last);
                }
                _ => return Ok(counted.len() as u64),
            }
        }
    }

    async fn revoke(&self, id: SessionId, now: UnixTime) -> Result<bool, StoreError> {
        let Some(user) = self.owner(id).await? else { return Ok(false) };
        let keys = &self.keys;
        let mut invocation = script!("revoke.lua").prepare_invoke();
        invocation.key(keys.session(id)).key(keys.user(user)).key(&keys.revoked).key(&keys.list);
        self.link.script(invocation.key(&keys.position).arg(id.to_string()).arg(now.0)).await
    }

    async fn revoke_others(&self, user: UserId, keep: SessionId, now: UnixTime) -> Result<u64, StoreError> {
        self.revoke_all(user, Some(keep), now).await
    }

    async fn revoke_user(&self, user: UserId, now: UnixTime) -> Result<u64, StoreError> {
        self.revoke_all(user, None, now).await
    }

    async fn revoke_access(&self, user: UserId, now: UnixTime) -> Result<(), StoreError> {
        let keys = &self.keys;
        let mut invocation = script!("revoke_access.lua").prepare_invoke();
        invocation.key(&keys.epoch).key(keys.revision(user)).key(&keys.list).key(&keys.position);
        self.link.script(invocation.arg(user.to_string()).arg(now.0)).await
    }

    async fn revoke_token(&self, id: TokenId, now: UnixTime) -> Result<(), StoreError> {
        self.list(format!("token {id}"), now).await
    }

    async fn revoke_client(&self, id: &ClientId, revision: u64, now: UnixTime) -> Result<(), StoreError> {
        self.list(format!("client {id} {revision}"), now).await
    }

    async fn revocations(&self, from: u64, limit: u32) -> Result<RevocationList, StoreError> {
        let mut invocation = script!("revocations.lua").prepare_invoke();
        invocation.key(&self.keys.epoch).key(&self.keys.list).arg(from).arg(limit);
        let (epoch, read_at, lines): (u64, u64, Vec<String>) = self.link.script(&invocation).await?;
        let lines = lines.iter().map(|line| revocation(line).ok_or_else(|| unreadable("revocation")));
        Ok(RevocationList { epoch, read_at, lines: lines.collect::<Result<_, _>>()? })
    }

    async fn begin_epoch(&self, than: u64) -> Result<u64, StoreError> {
        self.link.script(script!("begin_epoch.lua").prepare_invoke().key(&self.keys.epoch).arg(than)).await
    }

    async fn feed(&self) -> Result<Box<dyn RevocationFeed>, StoreError> {
        Ok(Box::new(self.subscribe().await?))
    }

    /// Each removal is one step; between two of them everybody else has their turn.
    async fn purge(&self, now: UnixTime, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let keys = &self.keys;
        let mut due = self.due(&keys.ends, now.0.to_string(), limit).await?;
        due.extend(self.due(&keys.revoked, format!("({}", before.0), limit).await?);
        let mut removed = 0;
        for id in due {
            if removed == u64::from(limit) {
                break;
            }
            let Some(user) = self.owner(id).await? else { continue };
            let mut invocation = script!("remove.lua").prepare_invoke();
            invocation.key(keys.session(id)).key(keys.user(user)).key(&keys.ends).key(&keys.revoked);
            let done: u64 = self.link.script(invocation.arg(id.to_string()).arg(now.0).arg(before.0)).await?;
            removed += done;
        }
        let mut trim = script!("trim.lua").prepare_invoke();
        trim.key(&keys.list).arg(before.0).arg(TRIMMED);
        while self.link.script::<u32>(&trim).await? == TRIMMED {}
        Ok(removed)
    }

    async fn probe(&self) -> Result<(), StoreError> {
        let mut invocation = script!("probe.lua").prepare_invoke();
        self.link.script(invocation.key(&self.keys.probe).key(&self.keys.list)).await
    }

    async fn checkup(&self, now: UnixTime, leeway: Duration) -> Result<Vec<Finding>, StoreError> {
        let mut findings = self.vitals().await?.findings(now, leeway);
        if findings.iter().any(|finding| finding.severity == Severity::Refusal) {
            return Ok(findings);
        }
        // What a server that is set up well may still not let us do; or not now.
        let allowed = match self.probe().await {
            Ok(()) => self.subscribe().await.map(drop),
            refused => refused,
        };
        if let Err(error) = allowed {
            let text = format!("Redis does not do what it is needed for: {}", causes(&error));
            findings.push(if is_permanent(&error) { Finding::refusal(text) } else { Finding::warning(text) });
        }
        Ok(findings)
    }
}

impl RedisStore {
    /// Adds a line to the revocation list.
    async fn list(&self, subject: String, now: UnixTime) -> Result<(), StoreError> {
        let mut invocation = script!("list.lua").prepare_invoke();
        invocation.key(&self.keys.list).key(&self.keys.position).arg(now.0).arg(subject);
        self.link.script::<()>(&invocation).await
    }

    async fn ids_of(&self, user: UserId) -> Result<Vec<SessionId>, StoreError> {
        let ids: Vec<String> = self.link.command(redis::cmd("SMEMBERS").arg(self.keys.user(user))).await?;
        ids.iter().map(|id| id.parse().map_err(StoreError::corrupt("session id"))).collect()
    }

    /// Those of these sessions that are live and were last used then.
    async fn counting(
        &self,
        ids: impl Iterator<Item = &String>,
        used: &Range<UnixTime>,
        now: UnixTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut invocation = script!("count.lua").prepare_invoke();
        invocation.arg(now.0).arg(used.start.0).arg(used.end.0);
        let mut asked = vec![];
        for id in ids {
            let id = id.parse().map_err(StoreError::corrupt("session id"))?;
            invocation.key(self.keys.session(id));
            asked.push(id);
        }
        let counts: Vec<bool> = self.link.script(&invocation).await?;
        Ok(asked.into_iter().zip(counts).filter_map(|(id, counts)| counts.then_some(id)).collect())
    }

    /// Whose a session is; that never changes.
    async fn owner(&self, id: SessionId) -> Result<Option<UserId>, StoreError> {
        let command = redis::cmd("HGET").arg(self.keys.session(id)).arg("user").to_owned();
        let found: Option<String> = self.link.command(&command).await?;
        found.map(|user| user.parse().map_err(StoreError::corrupt("user id"))).transpose()
    }

    /// Ids from a sorted set, up to a score.
    async fn due(&self, key: &str, until: String, limit: u32) -> Result<Vec<SessionId>, StoreError> {
        let command = redis::cmd("ZRANGEBYSCORE").arg(key).arg("-inf").arg(until).to_owned();
        let ids: Vec<String> = self.link.command(command.clone().arg("LIMIT").arg(0).arg(limit)).await?;
        ids.iter().map(|id| id.parse().map_err(StoreError::corrupt("session id"))).collect()
    }

    async fn revoke_all(
        &self,
        user: UserId,
        keep: Option<SessionId>,
        now: UnixTime,
    ) -> Result<u64, StoreError> {
        let keys = &self.keys;
        for _ in 0..TRIES {
            let mut invocation = script!("revoke_all.lua").prepare_invoke();
            invocation.key(&keys.epoch).key(keys.revision(user)).key(keys.user(user)).key(&keys.revoked);
            invocation.key(&keys.list).key(&keys.position).arg(user.to_string()).arg(now.0);
            invocation.arg(keep.map_or(String::new(), |keep| keep.to_string()));
            for id in self.ids_of(user).await? {
                invocation.key(keys.session(id)).arg(id.to_string());
            }
            let revoked: i64 = self.link.script(&invocation).await?;
            if let Ok(revoked) = u64::try_from(revoked) {
                return Ok(revoked);
            }
        }
        Err(contended())
    }
}

/// A session as the fields of its hash; what is not known has none.
fn record(session: &Session) -> Vec<(&'static str, Vec<u8>)> {
    let device = &session.device;
    let mut fields = vec![
        ("user", session.user.to_string().into_bytes()),
        ("client", session.client_id.clone().into_bytes()),
        ("scope", session.scope.to_string().into_bytes()),
        ("transport", if session.transport == Transport::Body { "body" } else { "cookie" }.into()),
        ("created", session.created_at.to_string().into_bytes()),
        ("used", session.last_used_at.to_string().into_bytes()),
        ("expires", session.expires_at.to_string().into_bytes()),
        ("idle", session.idle.as_secs().to_string().into_bytes()),
        ("generation", session.generation.to_string().into_bytes()),
        ("salt", session.salt.as_bytes().to_vec()),
    ];
    fields.extend(device.user_agent.clone().map(|text| ("agent", text.into_bytes())));
    fields.extend(device.address.map(|address| ("address", address.to_string().into_bytes())));
    fields.extend(device.name.clone().map(|text| ("name", text.into_bytes())));
    fields
}

/// The session of this record, unless it is over at `now` or revoked.
fn live(id: SessionId, record: &Record, now: UnixTime) -> Result<Option<Session>, StoreError> {
    if record.is_empty() || record.contains_key("revoked") {
        return Ok(None);
    }
    let text = |field: &str| record.get(field).and_then(|bytes| str::from_utf8(bytes).ok());
    let needed = |field: &'static str| text(field).ok_or_else(|| unreadable(field));
    let number = |field: &'static str| needed(field)?.parse::<u64>().map_err(StoreError::corrupt(field));
    let salt = record.get("salt").and_then(|bytes| bytes.as_slice().try_into().ok());
    let session = Session {
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
    };
    Ok((!session.is_expired(now)).then_some(session))
}

/// A line as `note` in `lib.lua` writes it.
fn revocation(line: &str) -> Option<Revocation> {
    let mut words = line.split(' ');
    let mut number = || words.next()?.parse().ok();
    let (position, at, written_at) = (number()?, UnixTime(number()?), number()?);
    let subject = match (words.next()?, words.next()?, words.next()) {
        ("session", id, None) => RevokedSubject::Session(id.parse().ok()?),
        ("user", id, Some(revision)) => RevokedSubject::User(id.parse().ok()?, revision.parse().ok()?),
        ("token", id, None) => RevokedSubject::Token(id.parse().ok()?),
        ("client", id, Some(revision)) => RevokedSubject::Client(id.parse().ok()?, revision.parse().ok()?),
        _ => return None,
    };
    Some(Revocation { position, at, written_at, subject })
}

/// Whether waiting will not help: what we ask for is not allowed to us.
fn is_permanent(error: &StoreError) -> bool {
    let text = causes(error);
    ["NOPERM", "NoPerm", "The user executing the script can't"].iter().any(|sign| text.contains(sign))
}

fn unreadable(what: &'static str) -> StoreError {
    StoreError::corrupt(what)(io::Error::from(io::ErrorKind::InvalidData))
}

fn contended() -> StoreError {
    StoreError::Unavailable("others kept changing the user's sessions".into())
}

//! Sessions and the revocation list in Redis.

use super::{RedisStore, expiry::slot_of, keys::Keys, record, script};
use crate::{
    client::ClientId,
    clock::UnixTime,
    session::SessionId,
    store::{
        Advance, Creation, Finding, Revocation, RevocationFeed, RevocationList, RevokedSubject, Session,
        SessionStore, Severity, StoreError, TOKENS_BY_THEMSELVES, causes,
    },
    token::TokenId,
    user::UserId,
};
use async_trait::async_trait;
use std::{cmp::Reverse, io, ops::Range, time::Duration};

/// How often an operation on all sessions of a user is tried while others add to them.
const TRIES: usize = 8;
/// How many sessions are read at a time.
const PAGE: usize = 500;
/// How many entries of the list are looked at in one step, since Redis does nothing else meanwhile.
const TRIMMED: u32 = 500;

#[async_trait]
impl SessionStore for RedisStore {
    async fn revision(&self, user: UserId) -> Result<u64, StoreError> {
        let mut invocation = script!("revision.lua").prepare_invoke();
        self.link.script(invocation.key(&self.keys.epoch).key(self.keys.revision(user))).await
    }

    async fn create(&self, session: &Session, revision: u64, cap: u32) -> Result<Creation, StoreError> {
        let keys = &self.keys;
        let slot = slot_of(session.ends_at());
        for _ in 0..TRIES {
            let others = self.ids_of(session.user).await?;
            let mut invocation = script!("create.lua").prepare_invoke();
            invocation.key(&keys.epoch).key(keys.revision(session.user)).key(keys.users(session.user));
            invocation.key(&keys.slots).key(keys.slot(slot)).key(&keys.revoked).key(&keys.list);
            invocation.key(&keys.position).key(keys.session(session.id)).key(&keys.live_since);
            invocation.arg(revision).arg(cap.max(1)).arg(session.created_at.0).arg(session.id.to_string());
            invocation.arg(&Keys::field(session.user, session.id)).arg(record::encode(session)).arg(slot);
            for other in others {
                invocation.key(keys.session(other));
                invocation.arg(other.to_string()).arg(&Keys::field(session.user, other));
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
        let Some(session) = self.live(&[id], now).await?.pop() else { return Ok(None) };
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
        invocation.key(keys.session(id)).key(&keys.revoked).key(&keys.list).key(&keys.position);
        invocation.key(&keys.live_since);
        invocation.arg(id.to_string()).arg(generation).arg(record::seconds(now)).arg(grace.as_secs());
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
        for page in self.ids_of(user).await?.chunks(PAGE) {
            sessions.extend(self.live(page, now).await?);
        }
        sessions.sort_by_key(|session| Reverse((session.last_used_at, session.created_at)));
        Ok(sessions)
    }

    /// Slot by slot, and no snapshot: see `expiry`.
    async fn count(&self, used: Range<UnixTime>, now: UnixTime) -> Result<u64, StoreError> {
        self.counted(&used, now).await
    }

    async fn revoke(&self, id: SessionId, now: UnixTime) -> Result<bool, StoreError> {
        let Some((_, user)) = self.owned(&[id]).await?.pop().flatten() else { return Ok(false) };
        let keys = &self.keys;
        let mut invocation = script!("revoke.lua").prepare_invoke();
        invocation.key(keys.session(id)).key(keys.users(user)).key(&keys.revoked).key(&keys.list);
        invocation.key(&keys.position).arg(id.to_string()).arg(&Keys::field(user, id));
        self.link.script(invocation.arg(record::seconds(now))).await
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

    async fn revoke_token_of(
        &self,
        session: SessionId,
        id: TokenId,
        issued_at: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        let keys = &self.keys;
        let mut invocation = script!("revoke_token_of.lua").prepare_invoke();
        invocation.key(keys.session(session)).key(keys.revoked_tokens(session)).key(&keys.list);
        invocation.key(&keys.position).arg(session.to_string()).arg(id.to_string());
        invocation.arg(issued_at.0).arg(record::seconds(now)).arg(TOKENS_BY_THEMSELVES);
        self.link.script::<()>(&invocation).await
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
        self.next_epoch(than, false).await
    }

    async fn begin_epoch_without_sessions(&self, than: u64) -> Result<u64, StoreError> {
        self.next_epoch(than, true).await
    }

    async fn feed(&self) -> Result<Box<dyn RevocationFeed>, StoreError> {
        Ok(Box::new(self.subscribe().await?))
    }

    async fn purge(&self, now: UnixTime, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.purged(now, before, limit).await
    }

    async fn trim(&self, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let mut invocation = script!("trim.lua").prepare_invoke();
        invocation.key(&self.keys.list).arg(before.0).arg(TRIMMED).arg(limit);
        self.link.script(&invocation).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        // A replica, a full memory and a disk that takes nothing all refuse it.
        self.link.command(redis::cmd("SET").arg(&self.keys.probe).arg("x").arg("EX").arg(60)).await
    }

    async fn own_clock(&self) -> Result<Option<u64>, StoreError> {
        self.time().await.map(Some)
    }

    async fn checkup(&self, now: UnixTime, leeway: Duration) -> Result<Vec<Finding>, StoreError> {
        let mut findings = self.vitals().await?.findings(now, leeway);
        if findings.iter().any(|finding| finding.severity == Severity::Refusal) {
            return Ok(findings);
        }
        findings.extend(self.unencrypted().await);
        // What a server that is set up well may still not let us do; or not now.
        let allowed = async {
            self.take_over().await?;
            self.try_all().await?;
            self.subscribe().await.map(drop)
        };
        let allowed = allowed.await;
        if let Err(error) = allowed {
            let text = format!("Redis does not do what it is needed for: {}", causes(&error));
            findings.push(if is_permanent(&error) { Finding::refusal(text) } else { Finding::warning(text) });
        }
        Ok(findings)
    }
}

impl RedisStore {
    async fn next_epoch(&self, than: u64, ends_sessions: bool) -> Result<u64, StoreError> {
        let mut invocation = script!("begin_epoch.lua").prepare_invoke();
        invocation.key(&self.keys.epoch).key(&self.keys.live_since).arg(than);
        self.link.script(invocation.arg(if ends_sessions { "end" } else { "" })).await
    }

    /// Those of these sessions that are live at `now`, as they all are at one moment.
    async fn live(&self, ids: &[SessionId], now: UnixTime) -> Result<Vec<Session>, StoreError> {
        let mut command = redis::cmd("MGET");
        command.arg(&self.keys.live_since);
        ids.iter().for_each(|id| {
            command.arg(self.keys.session(*id));
        });
        let found: Vec<Vec<u8>> = self.link.command(&command).await?;
        let (since, found) = found.split_first().ok_or_else(|| unreadable("answer"))?;
        let since = str::from_utf8(since).ok().and_then(|since| since.parse().ok()).unwrap_or(0);
        let live =
            ids.iter().zip(found).filter_map(|(id, found)| record::live(*id, found, since, now).transpose());
        live.collect()
    }

    /// Whether all that we need is allowed: scripts, reading, writing, publishing.
    async fn try_all(&self) -> Result<(), StoreError> {
        let mut invocation = script!("probe.lua").prepare_invoke();
        self.link.script(invocation.key(&self.keys.probe).key(&self.keys.list)).await
    }

    /// Adds a line to the revocation list.
    async fn list(&self, subject: String, now: UnixTime) -> Result<(), StoreError> {
        let mut invocation = script!("list.lua").prepare_invoke();
        invocation.key(&self.keys.list).key(&self.keys.position).arg(now.0).arg(subject);
        self.link.script::<()>(&invocation).await
    }

    async fn ids_of(&self, user: UserId) -> Result<Vec<SessionId>, StoreError> {
        let fields: Vec<Vec<u8>> = self.link.command(redis::cmd("HKEYS").arg(self.keys.users(user))).await?;
        let own = fields.iter().filter_map(|field| field.strip_prefix(user.as_bytes()));
        let ids = own.map(|id| <[u8; 16]>::try_from(id).map(SessionId::from_bytes));
        ids.collect::<Result<_, _>>().map_err(StoreError::corrupt("session id"))
    }

    /// When each of these sessions ends, and whose it is, if it is there.
    pub(super) async fn owned(
        &self,
        ids: &[SessionId],
    ) -> Result<Vec<Option<(UnixTime, UserId)>>, StoreError> {
        let mut invocation = script!("owned.lua").prepare_invoke();
        ids.iter().for_each(|id| {
            invocation.key(self.keys.session(*id));
        });
        let found: Vec<Vec<u8>> = self.link.script(invocation.arg(record::OWNED)).await?;
        Ok(found.iter().map(|bytes| record::owned(bytes)).collect())
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
            invocation.key(&keys.epoch).key(keys.revision(user)).key(keys.users(user)).key(&keys.revoked);
            invocation.key(&keys.list).key(&keys.position).arg(user.to_string()).arg(user.as_bytes());
            invocation.arg(record::seconds(now)).arg(keep.map_or(String::new(), |keep| keep.to_string()));
            for id in self.ids_of(user).await? {
                invocation.key(keys.session(id)).arg(id.to_string()).arg(&Keys::field(user, id));
            }
            let revoked: i64 = self.link.script(&invocation).await?;
            if let Ok(revoked) = u64::try_from(revoked) {
                return Ok(revoked);
            }
        }
        Err(contended())
    }
}

/// A line as `note` in `lib.lua` writes it.
fn revocation(line: &str) -> Option<Revocation> {
    let mut words = line.split(' ');
    let mut number = || words.next()?.parse().ok();
    let (position, at, written_at) = (number()?, UnixTime(number()?), number()?);
    let subject = match (words.next()?, words.next()?, words.next()) {
        ("session", id, None) => RevokedSubject::Session(id.parse().ok()?),
        ("session", id, Some(issued_until)) => {
            RevokedSubject::SessionTokens(id.parse().ok()?, UnixTime(issued_until.parse().ok()?))
        }
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

pub(super) fn unreadable(what: &'static str) -> StoreError {
    StoreError::corrupt(what)(io::Error::from(io::ErrorKind::InvalidData))
}

fn contended() -> StoreError {
    StoreError::Unavailable("others kept changing the user's sessions".into())
}

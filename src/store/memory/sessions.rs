//! Sessions and the revocation list in memory, under one lock.

use super::{
    MemoryStore,
    sync::{MutexGuard, PoisonError},
};
use crate::{
    client::ClientId,
    clock::UnixTime,
    session::SessionId,
    store::{
        Advance, Creation, Device, Revocation, RevocationFeed, RevocationList, RevokedSubject, Session,
        SessionStore, StoreError, TOKENS_BY_THEMSELVES,
    },
    token::TokenId,
    user::UserId,
};
use async_trait::async_trait;
use std::{
    collections::HashMap,
    ops::Range,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::watch;

#[derive(Debug, Default)]
pub(super) struct Sessions {
    kept: HashMap<SessionId, Kept>,
    revisions: HashMap<UserId, u64>,
    revocations: Vec<Revocation>,
    position: u64,
    epoch: u64,
    /// Sessions of earlier epochs are over.
    live_since: u64,
}

/// The store's own clock, in milliseconds since 1970; a database would have one too.
fn own_clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[derive(Debug)]
struct Kept {
    session: Session,
    /// In which it was created.
    epoch: u64,
    revoked_at: Option<UnixTime>,
    /// How many of its access tokens were revoked by themselves.
    revoked_tokens: u32,
}

impl Kept {
    fn revoke(&mut self, now: UnixTime) {
        self.revoked_at = Some(now);
        self.session.device = Device::default();
    }
}

impl Kept {
    fn is_live(&self, since: u64, now: UnixTime) -> bool {
        self.revoked_at.is_none() && self.epoch >= since && !self.session.is_expired(now)
    }
}

impl Sessions {
    fn live(&mut self, id: SessionId, now: UnixTime) -> Option<&mut Session> {
        let kept = self.kept.get_mut(&id)?;
        kept.is_live(self.live_since, now).then_some(&mut kept.session)
    }

    fn live_at(&self, now: UnixTime) -> impl Iterator<Item = &Session> {
        let live = move |kept: &&Kept| kept.is_live(self.live_since, now);
        self.kept.values().filter(live).map(|kept| &kept.session)
    }

    fn live_of(&self, user: UserId, now: UnixTime) -> Vec<Session> {
        let mut sessions: Vec<_> =
            self.live_at(now).filter(|session| session.user == user).cloned().collect();
        sessions.sort_by_key(|session| std::cmp::Reverse((session.last_used_at, session.created_at)));
        sessions
    }

    fn note(&mut self, subject: RevokedSubject, at: UnixTime) {
        self.position += 1;
        let position = self.position;
        self.revocations.push(Revocation { position, at, written_at: own_clock(), subject });
    }

    fn revoke(&mut self, id: SessionId, now: UnixTime) -> bool {
        match self.kept.get_mut(&id) {
            Some(kept) if kept.revoked_at.is_none() => kept.revoke(now),
            _ => return false,
        }
        self.note(RevokedSubject::Session(id), now);
        true
    }

    fn raise_revision(&mut self, user: UserId, now: UnixTime) -> Result<(), StoreError> {
        let revision = self.revision(user)? + 1;
        self.revisions.insert(user, revision);
        self.note(RevokedSubject::User(user, revision), now);
        Ok(())
    }

    fn begin_epoch(&mut self, than: u64, ends_sessions: bool) -> u64 {
        if self.epoch == 0 || self.epoch <= than {
            self.epoch = own_clock().max(than.saturating_add(1));
            if ends_sessions {
                self.live_since = self.epoch;
            }
        }
        self.epoch
    }

    fn revision(&self, user: UserId) -> Result<u64, StoreError> {
        match self.epoch {
            0 => Err(StoreError::Forgetful),
            epoch => Ok(self.revisions.get(&user).copied().unwrap_or_default().max(epoch)),
        }
    }
}

impl MemoryStore {
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        // Nothing here panics half-way through a change, so a poisoned state is whole.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something under the lock, and tells of what that revoked.
    fn revoking<T>(&self, change: impl FnOnce(&mut Sessions) -> T) -> T {
        let mut state = self.sessions();
        let before = state.position;
        let result = change(&mut state);
        if state.position > before {
            self.newest.send_replace(state.position);
        }
        result
    }
}

struct Feed(watch::Receiver<u64>);

#[async_trait]
impl RevocationFeed for Feed {
    async fn changed(&mut self) -> Result<(), StoreError> {
        // The sender is gone with the store, and then there is nothing more to hear.
        self.0.changed().await.map_err(|error| StoreError::Unavailable(error.into()))
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn revision(&self, user: UserId) -> Result<u64, StoreError> {
        self.sessions().revision(user)
    }

    async fn create(&self, session: &Session, revision: u64, cap: u32) -> Result<Creation, StoreError> {
        self.revoking(|state| {
            if state.revision(session.user)? != revision {
                return Ok(Creation::Overtaken);
            }
            let others = state.live_of(session.user, session.created_at);
            for old in others.iter().skip(cap.max(1) as usize - 1) {
                state.revoke(old.id, session.created_at);
            }
            let kept =
                Kept { session: session.clone(), epoch: state.epoch, revoked_at: None, revoked_tokens: 0 };
            state.kept.insert(session.id, kept);
            Ok(Creation::Created)
        })
    }

    async fn find(&self, id: SessionId, now: UnixTime) -> Result<Option<(Session, u64)>, StoreError> {
        let mut state = self.sessions();
        let session = state.live(id, now).cloned();
        let Some(session) = session else { return Ok(None) };
        let revision = state.revision(session.user)?;
        Ok(Some((session, revision)))
    }

    async fn advance(
        &self,
        id: SessionId,
        generation: u64,
        now: UnixTime,
        grace: Duration,
    ) -> Result<Advance, StoreError> {
        Ok(self.revoking(|state| {
            let Some(session) = state.live(id, now) else { return Advance::Gone };
            if session.generation == generation {
                session.generation += 1;
                session.last_used_at = now;
                return Advance::Advanced(session.generation);
            }
            if session.is_parent_in_grace(generation, now, grace) {
                return Advance::Repeated(session.generation);
            }
            state.revoke(id, now);
            Advance::Reused
        }))
    }

    async fn sessions_of(&self, user: UserId, now: UnixTime) -> Result<Vec<Session>, StoreError> {
        Ok(self.sessions().live_of(user, now))
    }

    async fn count(&self, used: Range<UnixTime>, now: UnixTime) -> Result<u64, StoreError> {
        let state = self.sessions();
        let live = state.live_at(now);
        Ok(live.filter(|session| used.contains(&session.last_used_at)).count() as u64)
    }

    async fn revoke(&self, id: SessionId, now: UnixTime) -> Result<bool, StoreError> {
        Ok(self.revoking(|state| state.revoke(id, now)))
    }

    async fn revoke_others(&self, user: UserId, keep: SessionId, now: UnixTime) -> Result<u64, StoreError> {
        Ok(self.revoking(|state| {
            let of_user =
                state.kept.values().filter(|kept| kept.session.user == user && kept.session.id != keep);
            let others: Vec<_> = of_user.map(|kept| kept.session.id).collect();
            others.into_iter().map(|id| u64::from(state.revoke(id, now))).sum()
        }))
    }

    async fn revoke_user(&self, user: UserId, now: UnixTime) -> Result<u64, StoreError> {
        self.revoking(|state| {
            let of_user =
                state.kept.values_mut().filter(|kept| kept.session.user == user && kept.revoked_at.is_none());
            let count = of_user.map(|kept| kept.revoke(now)).count() as u64;
            state.raise_revision(user, now)?;
            Ok(count)
        })
    }

    async fn revoke_access(&self, user: UserId, now: UnixTime) -> Result<(), StoreError> {
        self.revoking(|state| state.raise_revision(user, now))
    }

    async fn revoke_token(&self, id: TokenId, now: UnixTime) -> Result<(), StoreError> {
        self.revoking(|state| state.note(RevokedSubject::Token(id), now));
        Ok(())
    }

    async fn revoke_token_of(
        &self,
        session: SessionId,
        id: TokenId,
        issued_at: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        self.revoking(|state| {
            let subject = match state.kept.get_mut(&session) {
                Some(kept) if kept.revoked_tokens >= TOKENS_BY_THEMSELVES => {
                    RevokedSubject::SessionTokens(session, issued_at)
                }
                Some(kept) => {
                    kept.revoked_tokens += 1;
                    RevokedSubject::Token(id)
                }
                None => RevokedSubject::Token(id),
            };
            state.note(subject, now);
        });
        Ok(())
    }

    async fn revoke_client(&self, id: &ClientId, revision: u64, now: UnixTime) -> Result<(), StoreError> {
        self.revoking(|state| state.note(RevokedSubject::Client(id.clone(), revision), now));
        Ok(())
    }

    async fn revocations(&self, from: u64, limit: u32) -> Result<RevocationList, StoreError> {
        let state = self.sessions();
        let lines = state.revocations.iter().filter(|line| line.position >= from);
        let lines = lines.take(limit as usize).cloned().collect();
        Ok(RevocationList { epoch: state.epoch, read_at: own_clock(), lines })
    }

    async fn begin_epoch(&self, than: u64) -> Result<u64, StoreError> {
        Ok(self.sessions().begin_epoch(than, false))
    }

    async fn begin_epoch_without_sessions(&self, than: u64) -> Result<u64, StoreError> {
        Ok(self.sessions().begin_epoch(than, true))
    }

    async fn feed(&self) -> Result<Box<dyn RevocationFeed>, StoreError> {
        Ok(Box::new(Feed(self.newest.subscribe())))
    }

    async fn purge(&self, now: UnixTime, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let mut state = self.sessions();
        let over = |kept: &&Kept| {
            kept.session.is_expired(now) || kept.revoked_at.is_some_and(|revoked_at| revoked_at < before)
        };
        let over: Vec<_> =
            state.kept.values().filter(over).map(|kept| kept.session.id).take(limit as usize).collect();
        over.iter().for_each(|id| drop(state.kept.remove(id)));
        Ok(over.len() as u64)
    }

    async fn trim(&self, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let mut state = self.sessions();
        let (newest, mut removed) = (state.position, 0);
        state.revocations.retain(|line| {
            let goes = removed < limit && line.at < before && line.position != newest;
            removed += u32::from(goes);
            !goes
        });
        Ok(removed.into())
    }
}

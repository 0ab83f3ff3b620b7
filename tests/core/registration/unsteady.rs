//! A store of clients and sessions that takes its time, so that others come in between, and that
//! fails when it is told to.

use async_trait::async_trait;
use countersign::{
    client::ClientId,
    clock::UnixTime,
    session::SessionId,
    store::{
        Advance, AssertionId, Client, ClientStore, Creation, Insertion, RevocationFeed, RevocationList,
        Session, SessionStore, StoreError,
    },
    token::TokenId,
    user::UserId,
};
use std::{
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Insert,
    Replace,
    Delete,
    RevokeClient,
    RevokeUser,
    RevokeAccess,
}

pub struct Unsteady {
    clients: Arc<dyn ClientStore>,
    sessions: Arc<dyn SessionStore>,
    /// Which call fails, after so many that do not.
    fails: Mutex<Option<(Call, usize)>>,
    calls: AtomicU64,
}

impl Unsteady {
    pub fn over<S: ClientStore + SessionStore>(store: Arc<S>) -> Self {
        Self::of(store.clone(), store)
    }

    pub fn of(clients: Arc<dyn ClientStore>, sessions: Arc<dyn SessionStore>) -> Self {
        Self { clients, sessions, fails: Mutex::default(), calls: AtomicU64::default() }
    }

    pub fn fail(&self, call: Call, after: usize) {
        *self.fails.lock().expect("the lock") = Some((call, after));
    }

    pub fn heal(&self) {
        *self.fails.lock().expect("the lock") = None;
    }

    fn take_turn(&self, call: Call) -> Result<(), StoreError> {
        match &mut *self.fails.lock().expect("the lock") {
            Some((failing, 0)) if *failing == call => Err(StoreError::Unavailable("it is gone".into())),
            Some((failing, after)) if *failing == call => {
                *after -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Now this one waits a little longer and now another.
    async fn pause(&self) {
        for _ in 0..self.calls.fetch_add(1, Relaxed) * 7 % 5 {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl ClientStore for Unsteady {
    async fn insert(&self, client: &Client) -> Result<Insertion, StoreError> {
        self.take_turn(Call::Insert)?;
        self.pause().await;
        self.clients.insert(client).await
    }
    async fn by_id(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        let found = self.clients.by_id(id).await;
        self.pause().await;
        found
    }
    async fn list(&self, after: Option<&ClientId>, limit: u32) -> Result<Vec<Client>, StoreError> {
        self.clients.list(after, limit).await
    }
    async fn replace(&self, client: &Client) -> Result<bool, StoreError> {
        self.take_turn(Call::Replace)?;
        self.pause().await;
        self.clients.replace(client).await
    }
    async fn delete(&self, id: &ClientId, revision: u64) -> Result<bool, StoreError> {
        self.take_turn(Call::Delete)?;
        self.pause().await;
        let deleted = self.clients.delete(id, revision).await;
        self.pause().await;
        deleted
    }
    async fn spend(&self, id: &AssertionId, until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        self.clients.spend(id, until, now).await
    }
}

#[async_trait]
impl SessionStore for Unsteady {
    async fn revision(&self, user: UserId) -> Result<u64, StoreError> {
        self.sessions.revision(user).await
    }
    async fn create(&self, session: &Session, revision: u64, cap: u32) -> Result<Creation, StoreError> {
        self.sessions.create(session, revision, cap).await
    }
    async fn find(&self, id: SessionId, now: UnixTime) -> Result<Option<(Session, u64)>, StoreError> {
        self.sessions.find(id, now).await
    }
    async fn advance(
        &self,
        id: SessionId,
        generation: u64,
        now: UnixTime,
        grace: Duration,
    ) -> Result<Advance, StoreError> {
        self.sessions.advance(id, generation, now, grace).await
    }
    async fn sessions_of(&self, user: UserId, now: UnixTime) -> Result<Vec<Session>, StoreError> {
        self.sessions.sessions_of(user, now).await
    }
    async fn count(&self, used: Range<UnixTime>, now: UnixTime) -> Result<u64, StoreError> {
        self.sessions.count(used, now).await
    }
    async fn revoke(&self, id: SessionId, now: UnixTime) -> Result<bool, StoreError> {
        self.sessions.revoke(id, now).await
    }
    async fn revoke_others(&self, user: UserId, keep: SessionId, now: UnixTime) -> Result<u64, StoreError> {
        self.sessions.revoke_others(user, keep, now).await
    }
    async fn revoke_user(&self, user: UserId, now: UnixTime) -> Result<u64, StoreError> {
        self.take_turn(Call::RevokeUser)?;
        self.sessions.revoke_user(user, now).await
    }
    async fn revoke_access(&self, user: UserId, now: UnixTime) -> Result<(), StoreError> {
        self.take_turn(Call::RevokeAccess)?;
        self.sessions.revoke_access(user, now).await
    }
    async fn revoke_token(&self, id: TokenId, now: UnixTime) -> Result<(), StoreError> {
        self.sessions.revoke_token(id, now).await
    }

    async fn revoke_token_of(
        &self,
        session: SessionId,
        id: TokenId,
        issued_at: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        self.sessions.revoke_token_of(session, id, issued_at, now).await
    }
    async fn revoke_client(&self, id: &ClientId, revision: u64, now: UnixTime) -> Result<(), StoreError> {
        self.take_turn(Call::RevokeClient)?;
        self.pause().await;
        let revoked = self.sessions.revoke_client(id, revision, now).await;
        self.pause().await;
        revoked
    }
    async fn revocations(&self, from: u64, limit: u32) -> Result<RevocationList, StoreError> {
        let list = self.sessions.revocations(from, limit).await;
        self.pause().await;
        list
    }
    async fn begin_epoch(&self, than: u64) -> Result<u64, StoreError> {
        self.sessions.begin_epoch(than).await
    }
    async fn begin_epoch_without_sessions(&self, than: u64) -> Result<u64, StoreError> {
        self.sessions.begin_epoch_without_sessions(than).await
    }
    async fn feed(&self) -> Result<Box<dyn RevocationFeed>, StoreError> {
        self.sessions.feed().await
    }
    async fn purge(&self, now: UnixTime, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.sessions.purge(now, before, limit).await
    }

    async fn trim(&self, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.sessions.trim(before, limit).await
    }
}

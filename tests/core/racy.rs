//! Stores that look first and act then, as one would without thinking: the suites must fail them.

mod attempts;
mod clients;

use crate::plain::{Plain, Users};
use async_trait::async_trait;
use countersign::{
    client::ClientId,
    clock::UnixTime,
    session::SessionId,
    store::{
        Advance, Creation, Insertion, KeptRing, KeyRingStore, RevocationFeed, RevocationList, Session,
        SessionStore, Standing, StoreError, User, UserStore, conformance, memory::MemoryStore,
    },
    token::TokenId,
    user::UserId,
};
use std::{ops::Range, sync::Arc, time::Duration};

struct Racy(MemoryStore);

#[async_trait]
impl Users for Racy {
    fn memory(&self) -> &MemoryStore {
        &self.0
    }

    async fn added(&self, user: &User) -> Result<Insertion, StoreError> {
        if self.0.by_username(&user.username).await?.is_some() {
            return Ok(Insertion::NameTaken);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        UserStore::insert(&self.0, user).await.map(|_| Insertion::Inserted)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_looks_first_and_inserts_then_fails_the_suite() {
    let store = Arc::new(Plain(Racy(MemoryStore::new())));
    let suite = tokio::spawn(conformance::users(store.clone(), store));
    let panic = suite.await.expect_err("the suite must fail").into_panic();
    let text = panic.downcast_ref::<String>().expect("a message");
    assert!(text.contains("of 32 insertions of one name exactly one wins"), "{text}");
}

/// Compares with what it has read before it sets.
struct ComparesFirst(MemoryStore);

#[async_trait]
impl Users for ComparesFirst {
    fn memory(&self) -> &MemoryStore {
        &self.0
    }

    async fn stood(&self, id: UserId, standing: &Standing) -> Result<Option<Standing>, StoreError> {
        let Some(user) = UserStore::by_id(&self.0, id).await? else { return Ok(None) };
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.0.set_standing(id, standing).await?;
        Ok(Some(standing.changed_from(&user.roles, user.disabled)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_compares_first_and_sets_a_standing_then_fails_the_suite() {
    let store = Arc::new(Plain(ComparesFirst(MemoryStore::new())));
    let suite = tokio::spawn(conformance::users(store.clone(), store));
    let panic = suite.await.expect_err("the suite must fail").into_panic();
    let text = panic.downcast_ref::<String>().expect("a message");
    assert!(text.contains("of 32 who set one standing exactly one changes it"), "{text}");
}

#[async_trait]
impl SessionStore for Racy {
    async fn revision(&self, user: UserId) -> Result<u64, StoreError> {
        self.0.revision(user).await
    }
    async fn create(&self, session: &Session, revision: u64, cap: u32) -> Result<Creation, StoreError> {
        self.0.create(session, revision, cap).await
    }
    async fn find(&self, id: SessionId, now: UnixTime) -> Result<Option<(Session, u64)>, StoreError> {
        self.0.find(id, now).await
    }
    async fn advance(
        &self,
        id: SessionId,
        generation: u64,
        now: UnixTime,
        grace: Duration,
    ) -> Result<Advance, StoreError> {
        let found = self.0.find(id, now).await?;
        if found.is_none_or(|(session, _)| session.generation != generation) {
            return self.0.advance(id, generation, now, grace).await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.0.advance(id, generation, now, Duration::MAX).await.map(|_| Advance::Advanced(generation + 1))
    }
    async fn sessions_of(&self, user: UserId, now: UnixTime) -> Result<Vec<Session>, StoreError> {
        self.0.sessions_of(user, now).await
    }
    async fn count(&self, used: Range<UnixTime>, now: UnixTime) -> Result<u64, StoreError> {
        self.0.count(used, now).await
    }
    async fn revoke(&self, id: SessionId, now: UnixTime) -> Result<bool, StoreError> {
        self.0.revoke(id, now).await
    }
    async fn revoke_others(&self, user: UserId, keep: SessionId, now: UnixTime) -> Result<u64, StoreError> {
        self.0.revoke_others(user, keep, now).await
    }
    async fn revoke_user(&self, user: UserId, now: UnixTime) -> Result<u64, StoreError> {
        self.0.revoke_user(user, now).await
    }
    async fn revoke_access(&self, user: UserId, now: UnixTime) -> Result<(), StoreError> {
        self.0.revoke_access(user, now).await
    }
    async fn revoke_token(&self, id: TokenId, now: UnixTime) -> Result<(), StoreError> {
        self.0.revoke_token(id, now).await
    }

    async fn revoke_token_of(
        &self,
        session: SessionId,
        id: TokenId,
        issued_at: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        self.0.revoke_token_of(session, id, issued_at, now).await
    }
    async fn revoke_client(&self, id: &ClientId, revision: u64, now: UnixTime) -> Result<(), StoreError> {
        self.0.revoke_client(id, revision, now).await
    }
    async fn revocations(&self, from: u64, limit: u32) -> Result<RevocationList, StoreError> {
        self.0.revocations(from, limit).await
    }
    async fn begin_epoch(&self, than: u64) -> Result<u64, StoreError> {
        self.0.begin_epoch(than).await
    }
    async fn begin_epoch_without_sessions(&self, than: u64) -> Result<u64, StoreError> {
        self.0.begin_epoch_without_sessions(than).await
    }
    async fn feed(&self) -> Result<Box<dyn RevocationFeed>, StoreError> {
        self.0.feed().await
    }
    async fn purge(&self, now: UnixTime, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.0.purge(now, before, limit).await
    }

    async fn trim(&self, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.0.trim(before, limit).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_looks_first_and_advances_then_fails_the_suite() {
    let store = Arc::new(Racy(MemoryStore::new()));
    let suite = tokio::spawn(conformance::sessions(store.clone(), store));
    let panic = suite.await.expect_err("the suite must fail").into_panic();
    let text = panic.downcast_ref::<String>().expect("a message");
    assert!(text.contains("of 200 advances at one time exactly one advances"), "{text}");
}

#[async_trait]
impl KeyRingStore for Racy {
    async fn load(&self) -> Result<Option<KeptRing>, StoreError> {
        self.0.load().await
    }
    async fn replace(&self, seen: Option<u64>, bytes: &[u8]) -> Result<bool, StoreError> {
        let version = |kept: Option<KeptRing>| kept.map(|kept| kept.version);
        if version(self.0.load().await?) != seen {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        let now = version(self.0.load().await?);
        self.0.replace(now, bytes).await.map(|_| true)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_looks_first_and_replaces_then_fails_the_suite() {
    let store = Arc::new(Racy(MemoryStore::new()));
    let suite = tokio::spawn(conformance::key_ring(store.clone(), store));
    let panic = suite.await.expect_err("the suite must fail").into_panic();
    let text = panic.downcast_ref::<String>().expect("a message");
    assert!(text.contains("of 32 replacements of one version exactly one wins"), "{text}");
}

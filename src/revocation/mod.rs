//! Revocation that is instant without a round trip for each request.
//!
//! [`Revocations`] ends sessions in the store and keeps, in this process, a deny list of what
//! was revoked within the life of an access token. It hears of what other processes revoked by
//! following the store's list; what this one revoked is on its deny list before it answers.
//! When the store has lost what it remembered, that is noticed here. What this process knows to have
//! been revoked since is revoked again; if that cannot be all, every session from before ends.
//!
//! A [`Follower`] does without the store: it keeps such a deny list by [`Page`]s that come from
//! elsewhere. `Revocations` is one with a store at hand.

mod deny_list;
mod follow;
mod follower;
mod journal;
mod lag;
mod owed;
mod page;
mod share;

pub use deny_list::DenyList;
pub use follower::Follower;
pub use lag::Lag;
pub use owed::{Owed, Promise};
pub use page::Page;

use crate::{
    client::ClientId,
    clock::{Clock, UnixTime},
    jwt::Claims,
    session::SessionId,
    store::{SessionStore, StoreError},
    token::TokenId,
    user::UserId,
};
use journal::Journal;
use lag::Lags;
use owed::Debts;
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// How long past the life of a token its revocation is remembered, for clocks that differ.
const MARGIN: Duration = Duration::from_secs(60);

/// How long revocations stay in the store: the longest that any process may be set to take a
/// token for. Whoever purges need not be set like whoever issued.
const KEPT_IN_STORE: Duration = Duration::from_secs(
    crate::jwt::MAX_LIFETIME.as_secs() + crate::jwt::MAX_LEEWAY.as_secs() + MARGIN.as_secs(),
);

/// How many sessions or entries are removed at a time, so that nobody waits long for the store.
const BATCH: u32 = 500;

/// Removes batch after batch, until one is not full; returns how many in all.
async fn batches<R>(remove: impl Fn() -> R) -> Result<u64, StoreError>
where
    R: Future<Output = Result<u64, StoreError>>,
{
    let mut all = 0;
    loop {
        let removed = remove().await?;
        all += removed;
        if removed < u64::from(BATCH) {
            return Ok(all);
        }
    }
}

/// Ends sessions and keeps the deny list of this process.
///
/// A change that takes something away, in another store perhaps, revokes before and after it. The
/// second revocation must not get lost when the store fails between the two, so it is
/// [promised](Self::promise) before the change, and [`retry`](Self::retry) goes on with those that
/// failed.
pub struct Revocations {
    store: Arc<dyn SessionStore>,
    clock: Arc<dyn Clock>,
    follower: Follower,
    /// Held by whoever finds that the store has lost something, so that one of them makes it good.
    recovering: Mutex<()>,
    debts: Debts,
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations").field("denied", &self.denied()).finish_non_exhaustive()
    }
}

impl Revocations {
    /// Reads the whole list. `token_life` is the longest that an access token can be good for,
    /// leeway included. From then on [`follow`](Self::follow) has to run.
    pub async fn open(
        store: Arc<dyn SessionStore>,
        clock: Arc<dyn Clock>,
        token_life: Duration,
    ) -> Result<Self, StoreError> {
        let journal = Journal::new(journal::KEPT);
        let follower = Follower::with_journal(clock.clone(), token_life, journal);
        let (recovering, debts) = (Mutex::default(), Debts::default());
        let revocations = Self { store, clock, follower, recovering, debts };
        revocations.catch_up().await?;
        Ok(revocations)
    }

    /// Whether a token with these claims was revoked, as far as this process has heard. No I/O.
    pub fn denies(&self, claims: &Claims) -> bool {
        self.follower.denies(claims)
    }

    /// How many entries the deny list has.
    pub fn denied(&self) -> usize {
        self.follower.denied.len()
    }

    /// Whether the store, which has just said that this session is live and its user at this
    /// revision, remembers everything that this process does. `false`: something was revoked at
    /// that very moment, or the store has forgotten; it has now been told again and can be asked
    /// again.
    pub async fn agree(&self, session: SessionId, user: UserId, revision: u64) -> Result<bool, StoreError> {
        let agree = !self.follower.denied.contradicts(session, user, revision);
        if !agree {
            self.catch_up().await?;
        }
        Ok(agree)
    }

    /// Ends one session. `false`: it was over already.
    pub async fn session(&self, id: SessionId) -> Result<bool, StoreError> {
        let ended = self.store.revoke(id, self.clock.now()).await?;
        self.catch_up().await?;
        Ok(ended)
    }

    /// Ends all sessions of a user but one; says how many.
    pub async fn others(&self, user: UserId, keep: SessionId) -> Result<u64, StoreError> {
        let ended = self.store.revoke_others(user, keep, self.clock.now()).await?;
        self.catch_up().await?;
        Ok(ended)
    }

    /// Ends all sessions of a user; says how many.
    pub async fn user(&self, user: UserId) -> Result<u64, StoreError> {
        let ended = self.store.revoke_user(user, self.clock.now()).await?;
        self.catch_up().await?;
        Ok(ended)
    }

    /// Ends a user's access tokens but not their sessions: the next refresh says what is true now.
    pub async fn access(&self, user: UserId) -> Result<(), StoreError> {
        self.store.revoke_access(user, self.clock.now()).await?;
        self.catch_up().await
    }

    /// Ends one access token of no session.
    pub async fn token(&self, id: TokenId) -> Result<(), StoreError> {
        self.store.revoke_token(id, self.clock.now()).await?;
        self.catch_up().await
    }

    /// Ends one access token of a session, which was issued at `issued_at`. From the eleventh of a session on,
    /// its access tokens that are no younger end with it.
    pub async fn token_of(
        &self,
        session: SessionId,
        id: TokenId,
        issued_at: UnixTime,
    ) -> Result<(), StoreError> {
        self.store.revoke_token_of(session, id, issued_at, self.clock.now()).await?;
        self.catch_up().await
    }

    /// Ends all access tokens that a client got before it had this revision.
    pub async fn client(&self, id: &ClientId, revision: u64) -> Result<(), StoreError> {
        self.store.revoke_client(id, revision, self.clock.now()).await?;
        self.catch_up().await
    }

    /// The least revision of this client whose tokens are taken, and when that was last revoked which
    /// came before; `None` if nothing was within the life of an access token.
    pub async fn last_of(&self, id: &ClientId) -> Result<Option<(u64, UnixTime)>, StoreError> {
        self.catch_up().await?;
        Ok(self.follower.last_of(id))
    }

    /// Which memory of the store is the present one: see [`SessionStore::begin_epoch`].
    pub async fn epoch(&self) -> Result<u64, StoreError> {
        self.catch_up().await?;
        match self.follower.epoch() {
            // It has just been lost once more.
            0 => Err(StoreError::Forgetful),
            epoch => Ok(epoch),
        }
    }

    /// Removes ended sessions and old revocations; returns how many sessions. A failure of one does not
    /// stop the other; it is reported when both have ended.
    pub async fn purge(&self) -> Result<u64, StoreError> {
        let trimmed = self.trim().await;
        let removed = self.purge_sessions().await?;
        trimmed.map(|_| removed)
    }

    /// Removes ended sessions from the store, in small batches; returns how many.
    pub async fn purge_sessions(&self) -> Result<u64, StoreError> {
        let now = self.clock.now();
        batches(|| self.store.purge(now, now.minus(KEPT_IN_STORE), BATCH)).await
    }

    /// Removes from the store's list, in small batches, and from the deny list what no longer matters;
    /// returns how many entries of the store's list.
    pub async fn trim(&self) -> Result<u64, StoreError> {
        let now = self.clock.now();
        self.follower.forget();
        batches(|| self.store.trim(now.minus(KEPT_IN_STORE), BATCH)).await
    }
}

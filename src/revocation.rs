//! Revocation that is instant without a round trip for each request.
//!
//! [`Revocations`] ends sessions in the store and keeps, in this process, a deny list of what
//! was revoked within the life of an access token. It hears of what other processes revoked by
//! reading on in the store's list; what this one revoked is on its deny list before it answers.

use crate::{
    clock::{Clock, UnixTime},
    jwt::Claims,
    session::SessionId,
    store::{Revocation, RevokedSubject, SessionStore, StoreError},
    user::UserId,
};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::sync::Mutex;

/// How long past the life of a token its revocation is remembered, for clocks that differ.
const MARGIN: Duration = Duration::from_secs(60);

/// What access tokens are refused although they have not expired.
///
/// An entry is dropped when the last token that it concerns has expired, and not before.
#[derive(Debug, Default)]
pub struct DenyList(RwLock<Denied>);

#[derive(Debug, Default)]
struct Denied {
    /// By session id: until when to remember.
    sessions: HashMap<String, UnixTime>,
    /// By user id: the first revision that is good, and until when to remember.
    users: HashMap<String, (u64, UnixTime)>,
    /// Tokens from before this are of a store that has forgotten what it revoked.
    epoch: UnixTime,
}

impl DenyList {
    /// Whether a token with these claims was revoked.
    pub fn denies(&self, claims: &Claims) -> bool {
        let denied = self.0.read().unwrap_or_else(PoisonError::into_inner);
        claims.issued_at() < denied.epoch
            || denied.sessions.contains_key(claims.session_id())
            || denied.users.get(claims.subject()).is_some_and(|(revision, _)| claims.revision() < *revision)
    }

    /// Takes a line of the list, to be remembered for `keep` after the revocation.
    pub fn note(&self, line: &Revocation, keep: Duration) {
        let until = line.at.plus(keep);
        let mut denied = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match line.subject {
            RevokedSubject::Session(id) => {
                let remembered = denied.sessions.entry(id.to_string()).or_insert(until);
                *remembered = until.max(*remembered);
            }
            RevokedSubject::User(id, revision) => {
                let (first_good, remembered) =
                    denied.users.entry(id.to_string()).or_insert((revision, until));
                *first_good = revision.max(*first_good);
                *remembered = until.max(*remembered);
            }
        }
    }

    /// Drops what no longer matters at `now`.
    pub fn forget(&self, now: UnixTime) {
        let mut denied = self.0.write().unwrap_or_else(PoisonError::into_inner);
        denied.sessions.retain(|_, until| now < *until);
        denied.users.retain(|_, (_, until)| now < *until);
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        let denied = self.0.read().unwrap_or_else(PoisonError::into_inner);
        denied.sessions.len() + denied.users.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Ends sessions and remembers what was ended.
pub struct Revocations {
    store: Arc<dyn SessionStore>,
    clock: Arc<dyn Clock>,
    denied: DenyList,
    /// The last line of the store's list that was read.
    position: Mutex<u64>,
    keep: Duration,
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations").field("denied", &self.denied.len()).finish_non_exhaustive()
    }
}

impl Revocations {
    /// Reads the whole list. `token_life` is the longest that an access token can be good for,
    /// leeway included.
    pub async fn open(
        store: Arc<dyn SessionStore>,
        clock: Arc<dyn Clock>,
        token_life: Duration,
    ) -> Result<Self, StoreError> {
        let epoch = store.epoch(clock.now()).await?;
        let denied = DenyList(RwLock::new(Denied { epoch, ..Denied::default() }));
        let keep = token_life.saturating_add(MARGIN);
        let revocations = Self { store, clock, denied, position: Mutex::new(0), keep };
        revocations.catch_up().await?;
        Ok(revocations)
    }

    /// Whether a token with these claims was revoked. No I/O.
    pub fn denies(&self, claims: &Claims) -> bool {
        self.denied.denies(claims)
    }

    /// Reads what has been added to the store's list, by whomever.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        let mut position = self.position.lock().await;
        for line in self.store.revocations(*position).await? {
            self.denied.note(&line, self.keep);
            *position = line.position;
        }
        Ok(())
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

    /// Forgets and removes what no longer matters; says how many sessions were removed.
    /// Works in small batches, so that nobody waits long for the store.
    pub async fn purge(&self) -> Result<u64, StoreError> {
        const BATCH: u32 = 200;
        let now = self.clock.now();
        self.denied.forget(now);
        let mut removed = 0;
        loop {
            let batch = self.store.purge(now, now.minus(self.keep), BATCH).await?;
            removed += batch;
            if batch < u64::from(BATCH) {
                return Ok(removed);
            }
        }
    }
}

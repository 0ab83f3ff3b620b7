//! Where things are kept: the traits, their records, and the stores that come with the crate.
//!
//! What a store must do is written on its trait and checked by `conformance` (a feature of
//! that name), which anyone can run on a store of their own.
//! Database drivers are known only here and in the pools of `web`.

mod attempt;
mod audit;
mod checkup;
mod client;
mod clocks;
#[cfg(feature = "conformance")]
pub mod conformance;
mod key_ring;
mod local;
#[cfg(feature = "memory")]
pub mod memory;
mod open;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
mod session;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod user;

pub use attempt::{Attempt, AttemptKey, AttemptStore, Count};
pub(crate) use audit::random_key;
pub use audit::{AuditLine, AuditStore};
pub use checkup::{Finding, Severity};
pub use client::{AssertionId, Authentication, Client, ClientStore, KeptSecret, Lifetimes};
pub use clocks::MAX_DIFFERENCE;
pub use key_ring::{KeptRing, KeyRingStore};
pub use local::LocalAttempts;
pub use open::OpenError;
pub use session::{
    Advance, Creation, Device, Revocation, RevocationFeed, RevocationList, RevokedSubject, Session,
    SessionStore, TOKENS_BY_THEMSELVES, Transport,
};
pub use user::{Insertion, Standing, User, UserStore};

use crate::clock::UnixTime;
use std::{borrow::Cow, error::Error as StdError, sync::Arc, time::Duration};
use thiserror::Error;

/// A store could not do what it was asked. What it did is unknown, so nobody may take it for
/// done, and the caller answers 503.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It could not be reached, was busy for too long, or refused.
    #[error("the store did not answer as it should")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// It has forgotten something that this process remembers. What can be told again has been;
    /// the next call may well succeed.
    #[error("the store has forgotten what was revoked")]
    Forgetful,
    /// This program was built without it.
    #[error("this program was built without the store")]
    NotBuilt,
    /// It holds something that it should never have been given.
    #[error("the store holds a {what} that cannot be read")]
    Corrupt {
        /// What value it is, such as `role of user …`.
        what: Cow<'static, str>,
        /// What is wrong with it.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl StoreError {
    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
    pub(crate) fn corrupt<E: StdError + Send + Sync + 'static>(
        what: impl Into<Cow<'static, str>>,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Corrupt { what: what.into(), source: source.into() }
    }
}

/// An error with all its causes, for whoever runs the program; a cause that says nothing new is
/// left out, and so are the lines behind the first.
pub fn causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        let more = more.lines().next().unwrap_or_default();
        if !text.contains(more) {
            text.push_str(": ");
            text.push_str(more);
        }
        cause = error.source();
    }
    text
}

/// The connections that a store keeps, at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// What they are called: `sqlite` (which only read), `sqlite_writer`, `postgres`.
    pub store: &'static str,
    /// How many there are that nobody uses.
    pub idle: u32,
    /// How many are in use.
    pub in_use: u32,
    /// How many there may be.
    pub max: u32,
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
impl Connections {
    fn of<D: sqlx::Database>(store: &'static str, pool: &sqlx::Pool<D>) -> Self {
        let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
        let max = pool.options().get_max_connections();
        Self { store, idle, in_use: pool.size().saturating_sub(idle), max }
    }
}

/// Where users, sessions, clients, keys, attempts and the audit trail live; often the same place.
#[derive(Clone)]
pub struct Stores {
    /// The users.
    pub users: Arc<dyn UserStore>,
    /// Their sessions, and what was revoked.
    pub sessions: Arc<dyn SessionStore>,
    /// The clients. Without it there is only the built-in one.
    pub clients: Option<Arc<dyn ClientStore>>,
    /// The keys, if they can be kept with the users (`KEYS__STORE=database`).
    pub keys: Option<Arc<dyn KeyRingStore>>,
    /// The attempts to log in. Without it each process counts those that it sees, in its memory
    /// ([`LocalAttempts`]).
    pub attempts: Option<Arc<dyn AttemptStore>>,
    /// The audit trail. Without it there is only what is in the log.
    pub audit: Option<Arc<dyn AuditStore>>,
}

impl Stores {
    /// Users and sessions in one store that keeps nothing else.
    pub fn of(store: Arc<impl UserStore + SessionStore>) -> Self {
        Self { users: store.clone(), sessions: store, clients: None, keys: None, attempts: None, audit: None }
    }

    /// All in one store.
    pub fn all_in(
        store: Arc<impl UserStore + SessionStore + ClientStore + KeyRingStore + AttemptStore + AuditStore>,
    ) -> Self {
        Self {
            clients: Some(store.clone()),
            keys: Some(store.clone()),
            attempts: Some(store.clone()),
            audit: Some(store.clone()),
            ..Self::of(store)
        }
    }

    /// With what many servers share in Redis: sessions and attempts.
    #[cfg(feature = "redis")]
    pub(crate) fn with_redis(self, store: redis::RedisStore) -> Self {
        let store = Arc::new(store);
        Self { sessions: store.clone(), attempts: Some(store), ..self }
    }

    /// The connections that they keep.
    pub fn connections(&self) -> Vec<Connections> {
        let mut all = self.users.connections();
        if !self.are_one() {
            all.extend(self.sessions.connections());
        }
        all
    }

    /// Whether users and sessions are in one store.
    fn are_one(&self) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.users), Arc::as_ptr(&self.sessions))
    }

    /// What there is to say about how they are set up; `leeway` is how far clocks may be apart.
    pub async fn checkup(&self, now: UnixTime, leeway: Duration) -> Result<Vec<Finding>, StoreError> {
        let mut findings = self.users.checkup(now, leeway).await?;
        // One store for both would say everything twice.
        if !self.are_one() {
            findings.extend(self.sessions.checkup(now, leeway).await?);
        }
        Ok(findings)
    }
}

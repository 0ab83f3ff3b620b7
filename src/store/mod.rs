//! Where things are kept: the traits, their records, and the stores that come with the crate.
//!
//! What a store must do is written on its trait and checked by `conformance` (a feature of
//! that name), which anyone can run on a store of their own.
//! Database drivers are known only here and in the pools of `web`.

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod memory;
mod session;
pub mod sqlite;
mod user;

pub use session::{
    Advance, Creation, Device, Revocation, RevocationFeed, RevocationList, RevokedSubject, Session,
    SessionStore, Transport,
};
pub use user::{Insertion, User, UserStore};

use crate::config::Database;
use std::{error::Error as StdError, sync::Arc, time::Duration};
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
    /// It holds something that it should never have been given.
    #[error("the store holds a {what} that cannot be read")]
    Corrupt {
        /// The kind of value, such as `role`.
        what: &'static str,
        /// What is wrong with it.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl StoreError {
    pub(crate) fn corrupt<E: StdError + Send + Sync + 'static>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Corrupt { what, source: source.into() }
    }
}

/// Where users and where sessions live; often the same place.
#[derive(Clone)]
pub struct Stores {
    /// The users.
    pub users: Arc<dyn UserStore>,
    /// Their sessions, and what was revoked.
    pub sessions: Arc<dyn SessionStore>,
}

impl Stores {
    /// Both in one store.
    pub fn of(store: Arc<impl UserStore + SessionStore>) -> Self {
        Self { users: store.clone(), sessions: store }
    }

    /// Opens the stores that the settings name, for programs without Rocket's pools.
    pub async fn open(database: &Database) -> Result<Self, StoreError> {
        Ok(match database {
            Database::Memory => Self::of(Arc::new(memory::MemoryStore::new())),
            Database::Sqlite(path) => {
                Self::of(Arc::new(sqlite::SqliteStore::open(path, 1, Duration::from_secs(5)).await?))
            }
        })
    }
}

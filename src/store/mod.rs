//! Where things are kept: the traits, their records, and the stores that come with the crate.
//!
//! What a store must do is written on its trait and checked by `conformance` (a feature of
//! that name), which anyone can run on a store of their own.
//! Database drivers are known only here and in the pools of `web`.

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod memory;
pub mod sqlite;
mod user;

pub use user::{Insertion, User, UserStore};

use crate::config::Database;
use std::{error::Error as StdError, sync::Arc};
use thiserror::Error;

/// A store could not do what it was asked. What it did is unknown, so nobody may take it for
/// done, and the caller answers 503.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It could not be reached, was busy for too long, or refused.
    #[error("the store did not answer as it should")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
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

/// Opens the store of users that the settings name, for programs without Rocket's pools.
pub async fn open(database: &Database) -> Result<Arc<dyn UserStore>, StoreError> {
    Ok(match database {
        Database::Memory => Arc::new(memory::MemoryStore::new()),
        Database::Sqlite(path) => {
            Arc::new(sqlite::SqliteStore::open(path, 1, std::time::Duration::from_secs(5)).await?)
        }
    })
}

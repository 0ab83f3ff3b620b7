//! A PostgreSQL database, for what many machines serve together.
//!
//! Every operation answers within the store's deadline (see `lease`). What decides and writes
//! is one statement, or a transaction that first locks what it decides on. Locks are always
//! taken in this order, so transactions may wait for each other but never in a circle:
//!
//! 1. the row of `memory`, shared, by whatever raises a revision: no epoch begins meanwhile;
//! 2. the user's row in `revisions`, by whatever adds sessions or revokes all of a user's;
//! 3. sessions, by id where there are several;
//! 4. the revocation list, until the commit, so that its lines come to be seen in the order of
//!    their positions.
//!
//! Clients and spent assertions need no place in it: nobody who holds a lock on one waits for
//! another. Nor do attempts, which are locked by their keys and with nothing else.
//!
//! An operation that may have to wait for a lock holds its connection meanwhile. However many of them wait, a
//! quarter of the connections is left to operations that only read, which wait for no lock.
//!
//! Connections keep settings, prepared statements and a `LISTEN`, so a pooler in between has to
//! give each of them one of the server's own (PgBouncer's `session` mode).

mod attempts;
mod audit;
mod clients;
mod feed;
mod key_ring;
mod lease;
mod open;
mod purging;
mod revoking;
mod rows;
mod sessions;
mod users;
mod vitals;

pub use lease::Silence;
pub use open::OpenError;
pub use vitals::Vitals;

use super::StoreError;
use crate::clock::Clock;
use sqlx::PgPool;
use std::{fmt, sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::timeout};

/// Keeps everything in one database. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct PostgresStore {
    pool: PgPool,
    /// As many permits as operations that may wait for a lock may hold a connection.
    locking: Arc<Semaphore>,
    deadline: Duration,
    /// What attempts are counted by instead of the server's clock.
    clock: Option<Arc<dyn Clock>>,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pool, deadline, .. } = self;
        let mut shown = f.debug_struct("PostgresStore");
        shown.field("connections", &pool.size()).field("deadline", deadline).finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Opens the database that the URL names, which has to be there, and brings its tables up to
    /// date; for that it may take ten seconds. Any number of processes may do so at once. From
    /// then on, up to `connections` (at least 1) are kept, and one more for each feed; every
    /// operation answers within `deadline`. A quarter of the connections, of more than one, is for operations
    /// that only read.
    ///
    /// To share a database with other tables, give these a schema of their own:
    /// `postgres://…/app?options=-c%20search_path%3Dcountersign`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with an [`OpenError`] in it.
    pub async fn open(url: &str, connections: u32, deadline: Duration) -> Result<Self, StoreError> {
        let pool = open::pool(url, connections, deadline).await;
        let pool = pool.map_err(|error| StoreError::Unavailable(error.into()))?;
        let locking = (connections - connections.div_ceil(4)).max(1);
        Ok(Self { pool, locking: Arc::new(Semaphore::new(locking as usize)), deadline, clock: None })
    }

    /// The same database, with attempts counted by this clock instead of the server's, for tests.
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// The connections, for whoever needs one for themselves.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Waits for what is under way and closes the connections.
    pub async fn close(&self) {
        // A server that no longer answers is not waited for: dropping a connection closes it too.
        let _ = timeout(self.deadline, self.pool.close()).await;
    }
}

fn unavailable(error: sqlx::Error) -> StoreError {
    StoreError::Unavailable(error.into())
}

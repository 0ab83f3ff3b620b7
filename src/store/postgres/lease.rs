//! Whole operations within a deadline, each on a connection that is trusted only if it ends well.

use super::{PostgresStore, StoreError, unavailable};
use sqlx::{
    Executor, PgConnection, Postgres,
    error::DatabaseError,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
};
use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};
use thiserror::Error;
use tokio::time::timeout;

/// How often something is tried in all that the server has rolled back for others' sake.
const ATTEMPTS: u32 = 3;

pub(super) type Query<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

/// The server has not answered in time. What it did, or will yet do, is unknown.
#[derive(Debug, Error)]
#[error("no answer within {} ms", .0.as_millis())]
pub struct Silence(pub Duration);

impl From<Silence> for StoreError {
    fn from(silence: Silence) -> Self {
        Self::Unavailable(silence.into())
    }
}

impl PostgresStore {
    /// Runs a whole operation within the deadline, one that writes or locks. It is tried again only if the
    /// server says that it has rolled it back; whatever else goes wrong leaves the outcome unknown.
    pub(super) async fn within<T, W>(&self, work: impl Fn(Lease) -> W) -> Result<T, StoreError>
    where
        W: Future<Output = Result<T, StoreError>>,
    {
        let locking = async {
            // It is never closed.
            let _permit = self.locking.acquire().await;
            self.attempts(work).await
        };
        timeout(self.deadline, locking).await.unwrap_or_else(|_| Err(Silence(self.deadline).into()))
    }

    /// The same for an operation that only reads. It has connections that no other operation takes.
    pub(super) async fn read_only<T, W>(&self, work: impl Fn(Lease) -> W) -> Result<T, StoreError>
    where
        W: Future<Output = Result<T, StoreError>>,
    {
        let reading = timeout(self.deadline, self.attempts(work));
        reading.await.unwrap_or_else(|_| Err(Silence(self.deadline).into()))
    }

    async fn attempts<T, W>(&self, work: impl Fn(Lease) -> W) -> Result<T, StoreError>
    where
        W: Future<Output = Result<T, StoreError>>,
    {
        let mut attempt = 1;
        loop {
            match work(self.lease().await?).await {
                Err(error) if attempt < ATTEMPTS && was_rolled_back(&error) => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    async fn lease(&self) -> Result<Lease, StoreError> {
        match self.pool.acquire().await {
            Ok(connection) => Ok(Lease { connection: Some(connection), deadline: self.deadline }),
            Err(sqlx::Error::PoolTimedOut) => Err(Silence(self.deadline).into()),
            Err(error) => Err(unavailable(error)),
        }
    }
}

/// Whether it was certainly rolled back, to no fault of its own: `serialization_failure` or
/// `deadlock_detected` (PostgreSQL, appendix A, class 40).
fn was_rolled_back(error: &StoreError) -> bool {
    let StoreError::Unavailable(source) = error else { return false };
    let error = source.downcast_ref().and_then(sqlx::Error::as_database_error);
    error.and_then(DatabaseError::code).is_some_and(|code| code == "40001" || code == "40P01")
}

/// A connection on loan. If it is dropped before [`done`](Self::done), by an error or because
/// the deadline struck, nobody knows what is under way on it. Then it is closed at once and its
/// place in the pool is free; to give it back would be to wait for what may never answer.
pub(super) struct Lease {
    connection: Option<PoolConnection<Postgres>>,
    deadline: Duration,
}

const LENT: &str = "a connection is there until it is given back";

impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect(LENT)
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect(LENT)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
    }
}

impl Lease {
    /// Gives the connection back: all that was asked on it has been answered.
    pub(super) fn done(mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        // The pool has it answer once more, and would wait for that for ever.
        tokio::spawn(timeout(self.deadline, connection.return_to_pool()));
    }

    /// Begins a transaction; dropping the lease rolls it back.
    pub(super) async fn begin(&mut self) -> Result<(), StoreError> {
        self.execute("BEGIN").await.map_err(unavailable)?;
        Ok(())
    }

    /// Commits, and gives the connection back.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        self.execute("COMMIT").await.map_err(unavailable)?;
        self.done();
        Ok(())
    }

    /// The row that one statement answers.
    pub(super) async fn one(mut self, query: Query<'_>) -> Result<PgRow, StoreError> {
        let row = query.fetch_one(&mut *self).await.map_err(unavailable)?;
        self.done();
        Ok(row)
    }

    /// The row that one statement answers, if any.
    pub(super) async fn optional(mut self, query: Query<'_>) -> Result<Option<PgRow>, StoreError> {
        let row = query.fetch_optional(&mut *self).await.map_err(unavailable)?;
        self.done();
        Ok(row)
    }

    /// The rows that one statement answers.
    pub(super) async fn all(mut self, query: Query<'_>) -> Result<Vec<PgRow>, StoreError> {
        let rows = query.fetch_all(&mut *self).await.map_err(unavailable)?;
        self.done();
        Ok(rows)
    }

    /// Runs one statement; says how many rows it changed.
    pub(super) async fn change(mut self, query: Query<'_>) -> Result<u64, StoreError> {
        let done = query.execute(&mut *self).await.map_err(unavailable)?;
        self.done();
        Ok(done.rows_affected())
    }
}

//! One SQLite file, for everything that one machine serves.
//!
//! WAL with `synchronous = FULL`: what was answered survives a crash of the process and of the
//! machine. Several processes (a server and the command line) may use the file at once.

mod attempts;
mod audit;
mod clients;
mod key_ring;
mod rows;
mod sessions;
mod users;

use super::StoreError;
use sqlx::{
    Connection, SqlitePool,
    error::DatabaseError,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs::OpenOptions,
    io,
    path::Path,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// How long to wait before a file that was busy is opened again.
const RETRY: Duration = Duration::from_millis(20);

/// Keeps everything in one file. Cheap to clone; clones share the connections.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    pool: SqlitePool,
}

impl SqliteStore {
    /// Opens the file, makes it if it is missing, and brings its tables up to date. The folder
    /// has to be there. `connections` (at least 1) are kept; whoever waits longer than `timeout`
    /// for one of them, or for another process to finish writing, gets an error.
    pub async fn open(path: &Path, connections: u32, timeout: Duration) -> Result<Self, StoreError> {
        create_private(path).map_err(|error| StoreError::Unavailable(error.into()))?;
        let until = Instant::now() + timeout;
        loop {
            // Two processes that turn a new file to WAL at once do not wait for each other, whatever
            // `busy_timeout` says: one of them is told that the file is locked.
            match Self::connect(path, connections, timeout).await {
                Err(error) if is_busy(&error) && Instant::now() < until => sleep(RETRY).await,
                opened => return opened,
            }
        }
    }

    async fn connect(path: &Path, connections: u32, timeout: Duration) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(timeout);
        let pool = SqlitePoolOptions::new()
            .max_connections(connections.max(1))
            .acquire_timeout(timeout)
            // When a commit fails at the disk, SQLite ends the transaction and sqlx does not: it would
            // refuse to begin another on this connection for ever.
            .before_acquire(|connection, _| {
                let usable = !connection.is_in_transaction();
                Box::pin(async move { Ok(usable) })
            })
            .connect_with(options)
            .await
            .map_err(unavailable)?;
        migrate(&pool).await?;
        Ok(Self { pool })
    }

    /// The connections, for whoever needs one for themselves.
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Waits for what is under way and closes the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Brings the tables up to date. The write lock comes first, so that of several processes that
/// open a new file at once one makes the tables and the others find them.
async fn migrate(pool: &SqlitePool) -> Result<(), StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.map_err(unavailable)?;
    // `run` wants an `Acquire`, which a connection in an async trait is "not general enough" for.
    let migrated = sqlx::migrate!("migrations/sqlite").run_direct(None, &mut *transaction, false).await;
    migrated.map_err(|error| StoreError::Unavailable(error.into()))?;
    transaction.commit().await.map_err(unavailable)
}

/// Makes the file if it is missing, readable by its owner alone: it holds password hashes. One
/// that is there is not opened, since closing it would end the locks that other connections of
/// this process have on it (POSIX).
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

fn is_busy(error: &StoreError) -> bool {
    const SQLITE_BUSY: u32 = 5;
    let StoreError::Unavailable(source) = error else { return false };
    let source = source.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    let code: Option<u32> = source.and_then(DatabaseError::code).and_then(|code| code.parse().ok());
    // The low byte of an extended code is the code.
    code.is_some_and(|code| code & 0xFF == SQLITE_BUSY)
}

fn unavailable(error: sqlx::Error) -> StoreError {
    StoreError::Unavailable(error.into())
}

//! One SQLite file, for everything that one machine serves.
//!
//! WAL with `synchronous = FULL`: what was answered survives a crash of the process and of the
//! machine. Several processes (a server and the command line) may use the file at once.

mod sessions;
mod users;

use super::StoreError;
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{fs::OpenOptions, io, path::Path, time::Duration};

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
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(timeout);
        let pool = SqlitePoolOptions::new()
            .max_connections(connections.max(1))
            .acquire_timeout(timeout)
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

/// Makes the file if it is missing, readable by its owner alone: it holds password hashes.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn unavailable(error: sqlx::Error) -> StoreError {
    StoreError::Unavailable(error.into())
}

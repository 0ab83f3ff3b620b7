//! One SQLite file, for everything that one machine serves.
//!
//! WAL with `synchronous = FULL`: what was answered survives a crash of the process and of the
//! machine. Several processes (a server and the command line) may use the file at once.
//!
//! SQLite has one writer at a time, so each store has one connection that writes. An operation that decides
//! and writes does both on it, in a transaction that takes the write lock first. All other connections are read-only: a
//! reader never waits for a writer, however many writers wait.

mod attempts;
mod audit;
mod clients;
mod key_ring;
mod purging;
mod rows;
mod sessions;
mod users;

use super::{Finding, StoreError};
use crate::{
    clock::{Clock, SystemClock},
    private_file::{self, Folder},
};
use sqlx::{
    Connection, Sqlite, SqlitePool, Transaction,
    error::DatabaseError,
    query::Query,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteQueryResult,
        SqliteSynchronous,
    },
};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use thiserror::Error;
use tokio::time::{sleep, timeout};

/// How long to wait before a file that was busy is opened again.
const RETRY: Duration = Duration::from_millis(20);

/// Keeps everything in one file. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct SqliteStore {
    /// Read-only connections, so that a write on one of them fails.
    reader: SqlitePool,
    /// One connection.
    writer: SqlitePool,
    deadline: Duration,
    /// What attempts are counted by.
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reader, writer, deadline, .. } = self;
        let mut shown = f.debug_struct("SqliteStore");
        shown
            .field("reader", reader)
            .field("writer", writer)
            .field("deadline", deadline)
            .finish_non_exhaustive()
    }
}

/// Others wrote for too long; nothing was changed.
#[derive(Debug, Error)]
#[error("no turn to write within {} ms", .0.as_millis())]
struct Waited(Duration);

impl SqliteStore {
    /// Opens the file, makes it if it is missing, and brings its tables up to date. The folder
    /// has to be there. Up to `readers` (at least 1) read-only connections are kept, and one that
    /// writes. What waits longer than `deadline` for a connection, or for another process to finish
    /// writing, gets an error.
    pub async fn open(path: &Path, readers: u32, deadline: Duration) -> Result<Self, StoreError> {
        // Each connection would have an empty database of its own; and a URI is another file than its text.
        let is_uri = path.as_os_str().as_encoded_bytes().starts_with(b"file:");
        if path == Path::new(":memory:") || path.as_os_str().is_empty() || is_uri {
            return Err(StoreError::Unavailable("an SQLite store needs a file".into()));
        }
        prepare(path).map_err(|error| StoreError::Unavailable(error.into()))?;
        let until = Instant::now() + deadline;
        loop {
            // Two processes that turn a new file to WAL at once do not wait for each other, whatever
            // `busy_timeout` says: one of them is told that the file is locked.
            match Self::connect(path, readers, deadline).await {
                Err(error) if is_busy(&error) && Instant::now() < until => sleep(RETRY).await,
                opened => return opened,
            }
        }
    }

    async fn connect(path: &Path, readers: u32, deadline: Duration) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().filename(path).foreign_keys(true).busy_timeout(deadline);
        let pool = SqlitePoolOptions::new()
            .acquire_timeout(deadline)
            // When a commit fails at the disk, SQLite ends the transaction and sqlx does not: it would
            // refuse to begin another on this connection for ever.
            .before_acquire(|connection, _| {
                let usable = !connection.is_in_transaction();
                Box::pin(async move { Ok(usable) })
            });
        let writing =
            options.clone().journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
        let writer = pool.clone().max_connections(1).connect_with(writing).await.map_err(unavailable)?;
        migrate(&writer).await?;
        let reader = pool.max_connections(readers.max(1)).connect_with(options.read_only(true)).await;
        Ok(Self { reader: reader.map_err(unavailable)?, writer, deadline, clock: Arc::new(SystemClock) })
    }

    /// The same file, with attempts counted by this clock instead of the system's, for tests.
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// The connections that read, for code that needs one for itself. They are read-only.
    pub fn reader(&self) -> &SqlitePool {
        &self.reader
    }

    /// The one connection that writes, for code that needs it for itself. Everything else that writes waits
    /// meanwhile.
    pub fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    /// What there is to say about how the file lies.
    fn findings(&self) -> Vec<Finding> {
        exposure(self.writer.connect_options().get_filename())
    }

    /// Waits for what is under way and closes the file.
    pub async fn close(&self) {
        // The writer is last, since a read-only connection cannot move what is in the WAL into the file.
        self.reader.close().await;
        self.writer.close().await;
    }

    /// Begins a transaction that has the write lock, so that nothing can change under it.
    ///
    /// # Errors
    /// When its turn does not come within the deadline; then nothing was changed.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        let turn = timeout(self.deadline, self.writer.begin_with("BEGIN IMMEDIATE")).await;
        turn.map_err(|_| StoreError::Unavailable(Waited(self.deadline).into()))?.map_err(unavailable)
    }

    /// Runs one statement that writes.
    async fn change(
        &self,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<SqliteQueryResult, StoreError> {
        let mut transaction = self.write().await?;
        let done = query.execute(&mut *transaction).await.map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(done)
    }

    /// Runs a statement on one row; says whether there was one.
    async fn touched(&self, query: Query<'_, Sqlite, SqliteArguments>) -> Result<bool, StoreError> {
        Ok(self.change(query).await?.rows_affected() > 0)
    }
}

/// Brings the tables up to date. The write lock comes first, so that of several processes that
/// open a new file at once one makes the tables and the others find them.
async fn migrate(writer: &SqlitePool) -> Result<(), StoreError> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.map_err(unavailable)?;
    // `run` wants an `Acquire`, which a connection in an async trait is "not general enough" for.
    let migrated = sqlx::migrate!("migrations/sqlite").run_direct(None, &mut *transaction, false).await;
    migrated.map_err(|error| StoreError::Unavailable(error.into()))?;
    transaction.commit().await.map_err(unavailable)
}

/// The file, and what SQLite keeps beside it while it is open.
const BESIDE: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Makes the file if it is missing, readable by its owner alone: it holds password hashes.
///
/// SQLite opens its files by their paths, follows a link at the first and gives new ones to the owner of
/// the first (as root). So they are checked before: none may be a link, have a second hard link or
/// belong to a user who is not trusted. One that is there is not opened here, since closing it would
/// end the locks that other connections of this process have on it (POSIX).
fn prepare(path: &Path) -> io::Result<()> {
    let (folder, name) = private_file::split(path)?;
    let folder = Folder::open(folder)?;
    let mut is_there = [false; BESIDE.len()];
    for (is_there, extension) in is_there.iter_mut().zip(BESIDE) {
        let name = with(name, extension);
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{} {error}", name.display()));
        *is_there = folder.inspect(&name).map_err(named)?;
    }
    if is_there[0] {
        return Ok(());
    }
    match folder.create(name) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => folder.inspect(name).map(drop),
        made => made.map(drop),
    }
}

fn with(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(extension);
    name.into()
}

/// What other users of this machine may do with the file that they should not.
pub(super) fn exposure(path: &Path) -> Vec<Finding> {
    let open = BESIDE.map(|extension| with(path, extension));
    let open = open.iter().filter(|path| private_file::has_mode(path, 0o007));
    let mut findings: Vec<_> = open
        .map(|path| {
            let text = "can be read or changed by every user of this machine; chmod it to 600";
            Finding::warning(format!("{} {text}", path.display()))
        })
        .collect();
    if private_file::is_in_open_folder(path) {
        findings.push(Finding::warning(format!(
            "every user of this machine can remove and replace {}, since they may write to its folder; \
             chmod the folder to 700",
            path.display()
        )));
    }
    findings
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

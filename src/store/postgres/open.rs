//! Opening the database: the settings of connections, the tables, and what can be wrong.

use super::lease::Silence;
use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool,
    error::DatabaseError,
    migrate::MigrateError,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{error::Error as StdError, io::ErrorKind, time::Duration};
use thiserror::Error;
use tokio::time::timeout;

/// How long opening may take: the first of many processes makes the tables, the others wait.
const OPENING: Duration = Duration::from_secs(10);

/// Why a database cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The URL is none, or says something that PostgreSQL does not know.
    #[error("the URL of the database is malformed")]
    Url(#[source] sqlx::Error),
    /// Nothing answers at that host and port.
    #[error("the server of the database cannot be reached")]
    Unreachable(#[source] Box<dyn StdError + Send + Sync>),
    /// Encryption was asked for (`sslmode`), and it failed.
    #[error("no encrypted connection to the server of the database could be made")]
    Tls(#[source] sqlx::Error),
    /// The server knows no such user, or by another password, or not from here.
    #[error("the server of the database does not accept the user or the password")]
    Credentials(#[source] sqlx::Error),
    /// The server is there, but not the database.
    #[error("the server has no such database")]
    NoDatabase(#[source] sqlx::Error),
    /// The server wants no connection now: it starts, stops, or has too many.
    #[error("the server of the database refuses connections")]
    Refused(#[source] sqlx::Error),
    /// Something is wrong with the tables; often this user may not make any.
    #[error("the tables of the database cannot be brought up to date")]
    Tables(#[source] MigrateError),
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        // PostgreSQL, appendix A: class 28 is invalid authorization, 3D000 no such database.
        let code = error.as_database_error().and_then(DatabaseError::code).unwrap_or_default();
        match error {
            sqlx::Error::Configuration(_) => Self::Url(error),
            sqlx::Error::Tls(_) => Self::Tls(error),
            // How rustls says that it does not like a certificate.
            sqlx::Error::Io(ref io) if io.kind() == ErrorKind::InvalidData => Self::Tls(error),
            sqlx::Error::Database(_) if code.starts_with("28") => Self::Credentials(error),
            sqlx::Error::Database(_) if code == "3D000" => Self::NoDatabase(error),
            sqlx::Error::Database(_) => Self::Refused(error),
            _ => Self::Unreachable(error.into()),
        }
    }
}

pub(super) async fn pool(url: &str, connections: u32, deadline: Duration) -> Result<PgPool, OpenError> {
    let options: PgConnectOptions = url.parse()?;
    let options = options.application_name("countersign");
    let tables = migrate(with_patience(options.clone(), OPENING));
    timeout(OPENING, tables).await.map_err(|_| OpenError::Unreachable(Silence(OPENING).into()))??;
    Ok(PgPoolOptions::new()
        .max_connections(connections.max(1))
        .acquire_timeout(deadline)
        .connect_lazy_with(with_patience(options, deadline)))
}

/// Brings the tables up to date. Of many processes one does so while the others wait, since
/// sqlx's migrator holds an advisory lock of the session (0.9 still does). On a connection of
/// its own: its statements may wait longer than those of the pool, and if anything goes wrong
/// the lock goes with it.
async fn migrate(options: PgConnectOptions) -> Result<(), OpenError> {
    let mut connection: PgConnection = options.connect().await?;
    // `run` wants an `Acquire`, which a connection in an async trait is "not general enough" for.
    let migrated = sqlx::migrate!("migrations/postgres").run_direct(None, &mut connection, false).await;
    migrated.map_err(OpenError::Tables)?;
    // The tables are there, whatever becomes of the connection.
    let _ = connection.close().await;
    Ok(())
}

/// Has the server give up what nobody waits for any more, even if it never hears that we are
/// gone: it would go on holding locks and connections that others need.
fn with_patience(options: PgConnectOptions, patience: Duration) -> PgConnectOptions {
    // 0 would be for ever, and more than an `int` is an error.
    let limit = |patience: Duration| patience.as_millis().clamp(1, i32::MAX as u128).to_string();
    options.options([
        ("statement_timeout", limit(patience)),
        ("lock_timeout", limit(patience)),
        ("idle_in_transaction_session_timeout", limit(patience.saturating_mul(3))),
        ("tcp_keepalives_idle", "30".into()),
        ("tcp_keepalives_interval", "10".into()),
        ("tcp_keepalives_count", "3".into()),
        // What the transactions here are made for, whatever the database's own default is.
        ("default_transaction_isolation", "read committed".into()),
    ])
}

//! Stores behind `rocket_db_pools`, by newtypes of our own: its drivers are older than ours.

use crate::store::{StoreError, sqlite::SqliteStore};
use rocket::figment::{self, Figment};
use rocket_db_pools::{Config, Database, Pool};
use sqlx::{Sqlite as SqliteDriver, pool::PoolConnection};
use std::{path::Path, time::Duration};

/// The SQLite file as a Rocket database; configured by `databases.countersign`.
#[derive(Database)]
#[database("countersign")]
pub struct Sqlite(SqlitePool);

impl Sqlite {
    /// The store behind it.
    pub fn store(&self) -> SqliteStore {
        self.0.0.clone()
    }
}

/// A pool of connections to the file.
pub struct SqlitePool(SqliteStore);

/// The type that `rocket_db_pools` wants its errors in.
pub type PoolError = rocket_db_pools::Error<StoreError, sqlx::Error>;

#[rocket::async_trait]
impl Pool for SqlitePool {
    type Connection = PoolConnection<SqliteDriver>;
    type Error = PoolError;

    async fn init(figment: &Figment) -> Result<Self, PoolError> {
        let config: Config = figment.extract().map_err(|error: figment::Error| PoolError::Config(error))?;
        // SQLite has one writer; more connections than this only wait for each other.
        let connections = config.max_connections.min(8) as u32;
        let timeout = Duration::from_secs(config.connect_timeout);
        let store = SqliteStore::open(Path::new(&config.url), connections, timeout).await;
        store.map(Self).map_err(PoolError::Init)
    }

    async fn get(&self) -> Result<Self::Connection, PoolError> {
        self.0.pool().acquire().await.map_err(PoolError::Get)
    }

    async fn close(&self) {
        self.0.close().await;
    }
}

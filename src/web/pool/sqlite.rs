//! The SQLite file as a Rocket database.

use super::Config;
use crate::store::{OpenError, sqlite::SqliteStore};
use rocket::{Build, Rocket, figment::Figment};
use rocket_db_pools::{Database, Pool};
use sqlx::pool::PoolConnection;
use std::{path::Path, time::Duration};

pub(super) const NAME: &str = "countersign";

/// Configured by `databases.countersign`.
#[derive(Database)]
#[database("countersign")]
struct Sqlite(SqlitePool);

/// A newtype, since neither the trait nor the pool is ours.
struct SqlitePool(SqliteStore);

type Error = rocket_db_pools::Error<OpenError, sqlx::Error>;

pub(super) fn attach(rocket: Rocket<Build>) -> Rocket<Build> {
    rocket.attach(Sqlite::init())
}

pub(super) fn store(rocket: &Rocket<Build>) -> Option<SqliteStore> {
    // Without `fetch`, which complains of a pool that has failed and said so.
    rocket.state::<Sqlite>().map(|database| database.0.0.clone())
}

#[rocket::async_trait]
impl Pool for SqlitePool {
    type Connection = PoolConnection<sqlx::Sqlite>;
    type Error = Error;

    async fn init(figment: &Figment) -> Result<Self, Error> {
        let config = Config::of(figment).map_err(|error| Error::Config(*error))?;
        // SQLite has one writer; more connections than this only wait for each other.
        let connections = config.connections.min(8);
        // A file is not far away, and whoever writes may have much to write.
        let store = SqliteStore::open(Path::new(&config.url), connections, Duration::from_secs(5)).await;
        store.map(Self).map_err(|error| Error::Init(OpenError::at(&config.url)(error)))
    }

    async fn get(&self) -> Result<Self::Connection, Error> {
        self.0.pool().acquire().await.map_err(Error::Get)
    }

    async fn close(&self) {
        self.0.close().await;
    }
}

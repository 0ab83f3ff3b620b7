//! The SQLite file as a Rocket database.

use super::{configure, configured};
use crate::{
    config::{Database as Choice, Settings},
    store::{OpenError, Stores, sqlite::SqliteStore},
};
use rocket::{Build, Rocket, figment::Figment};
use rocket_db_pools::{Database, Pool};
use serde::{Deserialize, Serialize};
use sqlx::pool::PoolConnection;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// How long a write waits for its turn. A file is not far away, but other writers may have much to write.
const DEADLINE: Duration = Duration::from_secs(5);
/// More connections that read than this would only compete for the processor.
const MOST_READERS: u32 = 8;

/// Configured by `databases.countersign`.
#[derive(Database)]
#[database("countersign")]
struct Sqlite(SqlitePool);

/// A newtype, since neither the trait nor the pool is ours.
struct SqlitePool(SqliteStore);

#[derive(Serialize, Deserialize)]
struct Config {
    path: PathBuf,
    readers: u32,
}

type Error = rocket_db_pools::Error<OpenError, sqlx::Error>;

pub(super) fn attach(rocket: Rocket<Build>, settings: &Settings) -> Rocket<Build> {
    let Choice::Sqlite(path) = &settings.database else { return rocket };
    let config = Config { path: path.clone(), readers: settings.store.connections.min(MOST_READERS) };
    configure(rocket, Sqlite::NAME, &config).attach(Sqlite::init())
}

pub(super) fn stores(rocket: &Rocket<Build>) -> Option<Stores> {
    // Without `fetch`, which complains of a pool that has failed and said so.
    rocket.state::<Sqlite>().map(|database| Stores::all_in(Arc::new(database.0.0.clone())))
}

#[rocket::async_trait]
impl Pool for SqlitePool {
    type Connection = PoolConnection<sqlx::Sqlite>;
    type Error = Error;

    async fn init(figment: &Figment) -> Result<Self, Error> {
        let Config { path, readers } = configured(figment).map_err(|error| Error::Config(*error))?;
        let store = SqliteStore::open(&path, readers, DEADLINE).await;
        store.map(Self).map_err(|error| Error::Init(OpenError::at(&path.display())(error)))
    }

    /// A connection that only reads.
    async fn get(&self) -> Result<Self::Connection, Error> {
        self.0.reader().acquire().await.map_err(Error::Get)
    }

    /// Rocket asks for it while requests are still being answered, which need their store to the end.
    async fn close(&self) {}
}

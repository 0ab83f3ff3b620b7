//! PostgreSQL as a Rocket database.

use super::Config;
use crate::config::PostgresUrl;
use crate::store::{OpenError, postgres::PostgresStore};
use rocket::{Build, Rocket, figment::Figment};
use rocket_db_pools::{Database, Pool};
use sqlx::pool::PoolConnection;
use std::time::Duration;

pub(super) const NAME: &str = "countersign";

/// Configured by `databases.countersign`.
#[derive(Database)]
#[database("countersign")]
struct Postgres(PostgresPool);

/// A newtype, since neither the trait nor the pool is ours.
struct PostgresPool(PostgresStore);

type Error = rocket_db_pools::Error<OpenError, sqlx::Error>;

pub(super) fn attach(rocket: Rocket<Build>) -> Rocket<Build> {
    rocket.attach(Postgres::init())
}

pub(super) fn store(rocket: &Rocket<Build>) -> Option<PostgresStore> {
    // Without `fetch`, which complains of a pool that has failed and said so.
    rocket.state::<Postgres>().map(|database| database.0.0.clone())
}

#[rocket::async_trait]
impl Pool for PostgresPool {
    type Connection = PoolConnection<sqlx::Postgres>;
    type Error = Error;

    async fn init(figment: &Figment) -> Result<Self, Error> {
        let config = Config::of(figment).map_err(|error| Error::Config(*error))?;
        let deadline = Duration::from_millis(config.deadline_ms);
        let store = PostgresStore::open(&config.url, config.connections, deadline).await;
        store.map(Self).map_err(|error| Error::Init(OpenError::at(&PostgresUrl::from(config.url))(error)))
    }

    async fn get(&self) -> Result<Self::Connection, Error> {
        self.0.pool().acquire().await.map_err(Error::Get)
    }

    async fn close(&self) {
        self.0.close().await;
    }
}

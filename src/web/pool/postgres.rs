//! PostgreSQL as a Rocket database.

use super::{configure, configured};
use crate::{
    config::{Database as Choice, PostgresUrl, Settings},
    store::{OpenError, StoreError, Stores, postgres::PostgresStore},
};
use rocket::{Build, Rocket, figment::Figment};
use rocket_db_pools::{Database, Pool};
use serde::{Deserialize, Serialize};
use sqlx::pool::PoolConnection;
use std::{sync::Arc, time::Duration};

/// Configured by `databases.countersign_postgres`.
#[derive(Database)]
#[database("countersign_postgres")]
struct Postgres(PostgresPool);

/// A newtype, since neither the trait nor the pool is ours.
struct PostgresPool(PostgresStore);

#[derive(Serialize, Deserialize)]
struct Config {
    url: String,
    connections: u32,
    deadline: Duration,
}

type Error = rocket_db_pools::Error<OpenError, sqlx::Error>;

pub(super) fn attach(rocket: Rocket<Build>, settings: &Settings) -> Rocket<Build> {
    let Choice::Postgres(url) = &settings.database else { return rocket };
    let (connections, deadline) = (settings.store.connections, settings.store.deadline);
    let config = Config { url: url.reveal().to_owned(), connections, deadline };
    configure(rocket, Postgres::NAME, &config).attach(Postgres::init())
}

pub(super) fn stores(rocket: &Rocket<Build>) -> Option<Stores> {
    // Without `fetch`, which complains of a pool that has failed and said so.
    rocket.state::<Postgres>().map(|database| Stores::all_in(Arc::new(database.0.0.clone())))
}

#[rocket::async_trait]
impl Pool for PostgresPool {
    type Connection = PoolConnection<sqlx::Postgres>;
    type Error = Error;

    async fn init(figment: &Figment) -> Result<Self, Error> {
        let Config { url, connections, deadline } =
            configured(figment).map_err(|error| Error::Config(*error))?;
        let url: PostgresUrl = url.parse().map_err(|error: <PostgresUrl as std::str::FromStr>::Err| {
            Error::Init(OpenError::at(&"PostgreSQL")(StoreError::Unavailable(error.into())))
        })?;
        let store = PostgresStore::open(url.reveal(), connections, deadline).await;
        store.map(Self).map_err(|error| Error::Init(OpenError::at(&url)(error)))
    }

    async fn get(&self) -> Result<Self::Connection, Error> {
        self.0.pool().acquire().await.map_err(Error::Get)
    }

    /// Rocket asks for it while requests are still being answered, which need their store to the end.
    async fn close(&self) {}
}

//! Redis as a Rocket database. Its one connection is for everybody, so a connection is the store.

use super::Config;
use crate::config::RedisUrl;
use crate::store::{OpenError, StoreError, redis::RedisStore};
use rocket::{Build, Rocket, figment::Figment};
use rocket_db_pools::{Database, Pool};
use std::time::Duration;

pub(super) const NAME: &str = "countersign_redis";

/// Configured by `databases.countersign_redis`.
#[derive(Database)]
#[database("countersign_redis")]
struct Redis(RedisPool);

/// A newtype, since neither the trait nor the pool is ours.
struct RedisPool(RedisStore);

type Error = rocket_db_pools::Error<OpenError, StoreError>;

pub(super) fn attach(rocket: Rocket<Build>) -> Rocket<Build> {
    rocket.attach(Redis::init())
}

pub(super) fn store(rocket: &Rocket<Build>) -> Option<RedisStore> {
    // Without `fetch`, which complains of a pool that has failed and said so.
    rocket.state::<Redis>().map(|database| database.0.0.clone())
}

#[rocket::async_trait]
impl Pool for RedisPool {
    type Connection = RedisStore;
    type Error = Error;

    async fn init(figment: &Figment) -> Result<Self, Error> {
        let config = Config::of(figment).map_err(|error| Error::Config(*error))?;
        let deadline = Duration::from_millis(config.deadline_ms);
        let url: RedisUrl =
            config.url.parse().map_err(|_| Error::Init(OpenError::at(&"Redis")(StoreError::NotBuilt)))?;
        let store = RedisStore::open(&url, &config.namespace, deadline).await;
        store.map(Self).map_err(|error| Error::Init(OpenError::at(&url)(error)))
    }

    async fn get(&self) -> Result<Self::Connection, Error> {
        Ok(self.0.clone())
    }

    async fn close(&self) {
        self.0.close().await;
    }
}

//! Redis as a Rocket database. Its one connection is for everybody, so a connection is the store.

use super::{configure, configured};
use crate::{
    config::{RedisUrl, Settings},
    store::{OpenError, StoreError, redis::RedisStore},
};
use rocket::{Build, Rocket, figment::Figment};
use rocket_db_pools::{Database, Pool};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Configured by `databases.countersign_redis`.
#[derive(Database)]
#[database("countersign_redis")]
struct Redis(RedisPool);

/// A newtype, since the trait is not ours.
struct RedisPool(RedisStore);

#[derive(Serialize, Deserialize)]
struct Config {
    url: String,
    namespace: String,
    deadline: Duration,
}

type Error = rocket_db_pools::Error<OpenError, StoreError>;

pub(super) fn attach(rocket: Rocket<Build>, settings: &Settings) -> Rocket<Build> {
    let Some(url) = &settings.redis else { return rocket };
    let (namespace, deadline) = (settings.store.namespace.clone(), settings.store.deadline);
    let config = Config { url: url.reveal().to_owned(), namespace, deadline };
    configure(rocket, Redis::NAME, &config).attach(Redis::init())
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
        let Config { url, namespace, deadline } =
            configured(figment).map_err(|error| Error::Config(*error))?;
        let url: RedisUrl = url.parse().map_err(|error: <RedisUrl as std::str::FromStr>::Err| {
            Error::Init(OpenError::at(&"Redis")(StoreError::Unavailable(error.into())))
        })?;
        let store = RedisStore::open(&url, &namespace, deadline).await;
        store.map(Self).map_err(|error| Error::Init(OpenError::at(&url)(error)))
    }

    async fn get(&self) -> Result<Self::Connection, Error> {
        Ok(self.0.clone())
    }

    /// Rocket asks for it while requests are still being answered, which need their store to the end.
    async fn close(&self) {}
}

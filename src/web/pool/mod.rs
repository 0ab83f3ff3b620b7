//! Stores behind `rocket_db_pools`, by newtypes of our own: its drivers are older than ours.
//!
//! Each is configured under `databases.…` in Rocket's figment, from our settings.

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;

use crate::{
    config::{Database, Settings},
    store::Stores,
};
use rocket::{
    Build, Rocket,
    figment::{self, Figment},
};
use serde::Deserialize;
use std::sync::Arc;

/// What a pool is told: see [`Settings`].
#[derive(Deserialize)]
struct Config {
    url: String,
    connections: u32,
    deadline_ms: u64,
    namespace: String,
}

impl Config {
    fn of(figment: &Figment) -> Result<Self, Box<figment::Error>> {
        figment.extract().map_err(Box::new)
    }
}

/// Attaches the pools that the settings ask for.
pub(super) fn attach(rocket: Rocket<Build>, settings: &Settings) -> Rocket<Build> {
    let configure = |rocket: Rocket<Build>, name: &str, url: &str| {
        let (store, at) = (&settings.store, |key: &str| format!("databases.{name}.{key}"));
        let figment = rocket.figment().clone();
        let figment = figment
            .merge((at("url"), url))
            .merge((at("connections"), store.connections))
            .merge((at("deadline_ms"), u64::try_from(store.deadline.as_millis()).unwrap_or(u64::MAX)))
            .merge((at("namespace"), &store.namespace));
        rocket.configure(figment)
    };
    let rocket = match &settings.database {
        #[cfg(feature = "sqlite")]
        Database::Sqlite(path) => sqlite::attach(configure(rocket, sqlite::NAME, &path.to_string_lossy())),
        #[cfg(feature = "postgres")]
        Database::Postgres(url) => postgres::attach(configure(rocket, postgres::NAME, url.reveal())),
        _ => rocket,
    };
    match &settings.redis {
        #[cfg(feature = "redis")]
        Some(url) => redis::attach(configure(rocket, redis::NAME, url.reveal())),
        _ => rocket,
    }
}

/// The stores behind the pools, once these are open; `None` if one of them has failed, and said so.
pub(super) fn stores(rocket: &Rocket<Build>, settings: &Settings) -> Option<Stores> {
    let users = match &settings.database {
        #[cfg(feature = "memory")]
        Database::Memory => Some(Stores::of(Arc::new(crate::store::memory::MemoryStore::new()))),
        #[cfg(feature = "sqlite")]
        Database::Sqlite(_) => sqlite::store(rocket).map(|store| Stores::of(Arc::new(store))),
        #[cfg(feature = "postgres")]
        Database::Postgres(_) => postgres::store(rocket).map(|store| Stores::of(Arc::new(store))),
        #[allow(unreachable_patterns, reason = "what is built in is not the settings' choice")]
        _ => None,
    };
    #[allow(unused_mut, reason = "without Redis there is nothing else for sessions")]
    let mut stores = users?;
    #[cfg(feature = "redis")]
    if settings.redis.is_some() {
        stores.sessions = Arc::new(redis::store(rocket)?);
    }
    Some(stores)
}

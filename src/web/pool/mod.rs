//! Stores behind `rocket_db_pools`, by newtypes of our own: its drivers are older than ours.
//!
//! Each is configured under `databases.…` in Rocket's figment, from our settings.
#![cfg_attr(
    not(any(feature = "sqlite", feature = "postgres", feature = "redis")),
    allow(unused_variables, dead_code, reason = "without a store that needs a pool")
)]

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;

use crate::{config::Settings, store::Stores};
use rocket::{
    Build, Rocket,
    figment::{self, Figment},
};
use serde::{Serialize, de::DeserializeOwned};

/// Attaches the pools that the settings ask for.
pub(super) fn attach(rocket: Rocket<Build>, settings: &Settings) -> Rocket<Build> {
    #[cfg(feature = "sqlite")]
    let rocket = sqlite::attach(rocket, settings);
    #[cfg(feature = "postgres")]
    let rocket = postgres::attach(rocket, settings);
    #[cfg(feature = "redis")]
    let rocket = redis::attach(rocket, settings);
    rocket
}

/// The stores behind the pools, once these are open; `None` if one of them has failed, and said so.
pub(super) fn stores(rocket: &Rocket<Build>, settings: &Settings) -> Option<Stores> {
    let stores = in_memory(settings);
    #[cfg(feature = "sqlite")]
    let stores = stores.or_else(|| sqlite::stores(rocket));
    #[cfg(feature = "postgres")]
    let stores = stores.or_else(|| postgres::stores(rocket));
    #[cfg(feature = "redis")]
    let stores = match (stores, &settings.redis) {
        (Some(stores), Some(_)) => redis::store(rocket).map(|store| stores.with_redis(store)),
        (stores, _) => stores,
    };
    stores
}

#[cfg(feature = "memory")]
fn in_memory(settings: &Settings) -> Option<Stores> {
    let wanted = settings.database == crate::config::Database::Memory;
    wanted.then(|| Stores::all_in(std::sync::Arc::new(crate::store::memory::MemoryStore::new())))
}

#[cfg(not(feature = "memory"))]
fn in_memory(_: &Settings) -> Option<Stores> {
    None
}

/// Puts what a pool has to know where it looks for it.
fn configure(rocket: Rocket<Build>, name: &str, config: &impl Serialize) -> Rocket<Build> {
    let figment = rocket.figment().clone().merge((format!("databases.{name}"), config));
    rocket.configure(figment)
}

/// What [`configure`] put there.
fn configured<C: DeserializeOwned>(figment: &Figment) -> Result<C, Box<figment::Error>> {
    figment.extract().map_err(Box::new)
}

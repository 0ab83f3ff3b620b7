//! Opening the stores that the settings name.

use super::{Finding, SessionStore, StoreError, Stores};
#[cfg(any(feature = "memory", feature = "sqlite", feature = "postgres"))]
use crate::config::Database;
use crate::config::Settings;
#[cfg(feature = "sqlite")]
use crate::private_file;
use std::{error::Error, fmt, sync::Arc};

/// A store could not be opened. Says which, and every cause, since it is for whoever starts the
/// program; no credentials.
#[derive(Debug)]
pub struct OpenError {
    place: String,
    causes: String,
}

impl OpenError {
    /// What went wrong with the store at this place.
    pub fn at(place: &impl fmt::Display) -> impl FnOnce(StoreError) -> Self {
        let place = place.to_string();
        move |error| {
            let causes = super::causes(&error);
            // The store's own sentence says no more than ours.
            let causes = causes.split_once(": ").map_or(causes.clone(), |(_, rest)| rest.to_owned());
            Self { place, causes }
        }
    }

    /// What went wrong, without where.
    pub fn causes(&self) -> &str {
        &self.causes
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be used: {}", self.place, self.causes)
    }
}

impl Error for OpenError {}

impl Stores {
    /// Opens the stores that the settings name, for programs without Rocket's pools.
    pub async fn open(settings: &Settings) -> Result<Self, OpenError> {
        let stores = Self::open_database(settings).await?;
        #[cfg(feature = "redis")]
        if let Some(store) = redis(settings).await? {
            return Ok(stores.with_redis(store));
        }
        Ok(stores)
    }

    /// What there is to say about a database file that the first start makes; `None` if it is there, or
    /// the database is none.
    pub fn unmade(settings: &Settings) -> Option<Vec<Finding>> {
        match &settings.database {
            #[cfg(feature = "sqlite")]
            Database::Sqlite(path) if path.symlink_metadata().is_err() => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                let text = match (folder.filter(|folder| !folder.is_dir()), private_file::can_make(path)) {
                    (Some(folder), _) => format!("there is no folder {}", folder.display()),
                    (None, Err(error)) => format!("the file cannot be made: {error}"),
                    (None, Ok(())) => return Some(super::sqlite::exposure(path)),
                };
                Some(vec![Finding::refusal(text)])
            }
            _ => None,
        }
    }

    /// The store that `DATABASE_URL` names, for users and sessions.
    pub async fn open_database(settings: &Settings) -> Result<Self, OpenError> {
        match &settings.database {
            #[cfg(feature = "memory")]
            Database::Memory => Ok(Self::all_in(Arc::new(super::memory::MemoryStore::new()))),
            #[cfg(feature = "sqlite")]
            Database::Sqlite(path) => {
                let store =
                    super::sqlite::SqliteStore::open(path, 1, std::time::Duration::from_secs(5)).await;
                store.map(|store| Self::all_in(Arc::new(store))).map_err(OpenError::at(&path.display()))
            }
            #[cfg(feature = "postgres")]
            Database::Postgres(url) => {
                let store =
                    super::postgres::PostgresStore::open(url.reveal(), 1, settings.store.deadline).await;
                store.map(|store| Self::all_in(Arc::new(store))).map_err(OpenError::at(url))
            }
            #[allow(unreachable_patterns, reason = "what is built in is not the settings' choice")]
            _ => Err(OpenError::at(&"this store")(StoreError::NotBuilt)),
        }
    }

    /// The store that `REDIS_URL` names, for sessions; `None` without one.
    pub async fn open_redis(settings: &Settings) -> Result<Option<Arc<dyn SessionStore>>, OpenError> {
        #[cfg(feature = "redis")]
        if let Some(store) = redis(settings).await? {
            return Ok(Some(Arc::new(store)));
        }
        #[cfg(not(feature = "redis"))]
        let _ = settings;
        Ok(None)
    }
}

#[cfg(feature = "redis")]
async fn redis(settings: &Settings) -> Result<Option<super::redis::RedisStore>, OpenError> {
    let Some(url) = &settings.redis else { return Ok(None) };
    let (namespace, deadline) = (&settings.store.namespace, settings.store.deadline);
    let store = super::redis::RedisStore::open(url, namespace, deadline).await;
    store.map(Some).map_err(OpenError::at(url))
}

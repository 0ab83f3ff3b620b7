//! Each kind of store, opened for a test.

use crate::servers::{Postgres, Redis};
use countersign::store::{postgres::PostgresStore, redis::RedisStore, sqlite::SqliteStore};
use std::{path::Path, sync::Arc, time::Duration};

/// Long enough for a crowded machine: what a test waits for is not the deadline.
const PATIENT: Duration = Duration::from_secs(10);

pub async fn sqlite(path: &Path) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(path, 4, PATIENT).await.expect("the file opens"))
}

/// On the tests' own server, in a database of its own if `url` is of a new one.
pub async fn postgres(url: &str) -> Arc<PostgresStore> {
    Arc::new(PostgresStore::open(url, 4, PATIENT).await.expect("the database opens"))
}

pub fn new_database() -> String {
    Postgres::shared().database()
}

/// On the tests' own server, under keys of its own if `namespace` is new.
pub async fn redis(namespace: &str) -> Arc<RedisStore> {
    let url = Redis::shared().url().parse().expect("a URL");
    Arc::new(RedisStore::open(&url, namespace, PATIENT).await.expect("Redis is there"))
}

pub fn new_namespace() -> String {
    countersign::user::UserId::random().to_string()
}

//! An SQLite file that somebody else has locked.

use countersign::store::{StoreError, UserStore, sqlite::SqliteStore};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{path::Path, time::Duration};
use tempfile::TempDir;

/// Whoever has this may write to the file. It is not in WAL mode yet, like one that is new, so that
/// whoever wants to change it does not wait: SQLite says at once that it is locked.
async fn locked(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.expect("opened");
    sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.expect("locked");
    connection
}

async fn open(path: &Path, timeout: Duration) -> Result<(), StoreError> {
    SqliteStore::open(path, 1, timeout).await?.ping().await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_opens_a_file_waits_until_another_process_has_made_it() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("users.db");
    let mut other = locked(&path).await;
    let opened = tokio::spawn({
        let path = path.clone();
        async move { open(&path, Duration::from_secs(30)).await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    sqlx::query("COMMIT").execute(&mut other).await.expect("unlocked");
    opened.await.expect("no panic").expect("it opened");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_stays_locked_is_an_error_in_the_end() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("users.db");
    let _other = locked(&path).await;
    let opened = open(&path, Duration::from_secs(1)).await;
    assert!(matches!(opened, Err(StoreError::Unavailable(_))), "{opened:?}");
}

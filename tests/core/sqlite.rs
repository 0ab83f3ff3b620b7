//! An SQLite file that somebody else has locked, and what is in it.

use countersign::{
    store::{
        Creation, Session, SessionStore, StoreError, UserStore,
        conformance::{NOW, session},
        sqlite::SqliteStore,
    },
    user::UserId,
};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{io, path::Path, time::Duration};
use tempfile::TempDir;
use tokio::time::timeout;

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

#[tokio::test]
async fn a_file_that_is_wrong_and_not_busy_is_an_error_at_once() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("users.db");
    std::fs::write(&path, "this is no database, but a text of some length").expect("written");
    // The limit only keeps a broken test from hanging for ever.
    let opened = timeout(Duration::from_secs(60), open(&path, Duration::from_secs(86_400))).await;
    assert!(matches!(opened, Ok(Err(StoreError::Unavailable(_)))), "{opened:?}");
}

#[tokio::test]
async fn a_file_that_was_closed_answers_no_more() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("users.db");
    let store = SqliteStore::open(&path, 1, Duration::from_secs(60)).await.expect("it opens");
    store.ping().await.expect("it answers");
    store.close().await;
    assert!(store.ping().await.is_err(), "nobody has it open");
    open(&path, Duration::from_secs(60)).await.expect("it can be opened again");
}

#[tokio::test]
async fn a_folder_that_is_missing_is_told_of_as_that() {
    let folder = TempDir::new().expect("a folder");
    let opened = open(&folder.path().join("missing/users.db"), Duration::from_secs(60)).await;
    let Err(StoreError::Unavailable(source)) = &opened else { panic!("{opened:?}") };
    let source: &io::Error = source.downcast_ref().expect("the system's own error");
    assert_eq!(source.kind(), io::ErrorKind::NotFound);
}

/// How many rows there are of what sessions have in common.
async fn texts(store: &SqliteStore) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM texts").fetch_one(store.pool()).await.expect("a count")
}

#[tokio::test]
async fn what_many_sessions_have_in_common_is_kept_once_and_goes_with_the_last_of_them() {
    let folder = TempDir::new().expect("a folder");
    let store = SqliteStore::open(&folder.path().join("users.db"), 1, Duration::from_secs(60)).await;
    let store = store.expect("it opens");
    let revision = store.begin_epoch(0).await.expect("an epoch");
    let user = UserId::random();
    let ends = [100, 200].map(|seconds| NOW.plus(Duration::from_secs(seconds)));
    for expires_at in ends {
        let session = Session { expires_at, idle: Duration::from_secs(9_000), ..session(user) };
        assert_eq!(store.create(&session, revision, 5).await.expect("create"), Creation::Created);
    }
    // Of its client, its scope and its user agent, two are the same text.
    let scope = "first-party".parse().expect("a scope");
    let odd = Session { scope, client_id: "first-party".into(), ..session(user) };
    assert_eq!(store.create(&odd, revision, 5).await.expect("create"), Creation::Created);
    assert_eq!(texts(&store).await, 3);
    assert_eq!(store.purge(ends[0], NOW, 10).await.expect("purge"), 2);
    assert_eq!(texts(&store).await, 3, "the other still has them");
    let found = store.sessions_of(user, ends[0]).await.expect("sessions");
    assert_eq!(found[0].device, session(user).device);
    assert_eq!(store.purge(ends[1], NOW, 10).await.expect("purge"), 1);
    assert_eq!(texts(&store).await, 0);
}

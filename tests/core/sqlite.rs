//! An SQLite file that somebody else has locked, and what is in it.

use crate::servers::eventually;
use countersign::{
    clock::UnixTime,
    store::{
        AuditStore, ClientStore, Creation, KeyRingStore, Session, SessionStore, StoreError, UserStore,
        conformance::{NOW, session},
        sqlite::SqliteStore,
    },
    user::UserId,
};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{io, path::Path, sync::Arc, time::Duration};
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
    sqlx::query_scalar("SELECT count(*) FROM texts").fetch_one(store.reader()).await.expect("a count")
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

/// Everything that only reads.
async fn reads(store: &SqliteStore, session: &Session) -> Result<(), StoreError> {
    let name = "ada".parse().expect("a name");
    UserStore::by_id(store, session.user).await?;
    store.by_username(&name).await?;
    UserStore::list(store, None, 10).await?;
    store.search(&"da".parse().expect("a part of a name"), None, 10).await?;
    UserStore::ping(store).await?;
    store.revision(session.user).await?;
    assert!(store.find(session.id, NOW).await?.is_some());
    assert_eq!(store.sessions_of(session.user, NOW).await?.len(), 1);
    store.count(UnixTime(0)..UnixTime(u64::MAX), NOW).await?;
    store.revocations(1, 10).await?;
    store.probe().await?;
    ClientStore::by_id(store, &"client".parse().expect("an id")).await?;
    ClientStore::list(store, None, 10).await?;
    store.load().await?;
    store.read(0, 10).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_answered_while_many_writers_wait() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("users.db");
    // No writer gives up before the reads are through.
    let store = SqliteStore::open(&path, 2, Duration::from_secs(600)).await.expect("it opens");
    let store = Arc::new(store);
    let revision = store.begin_epoch(0).await.expect("an epoch");
    let session = session(UserId::random());
    assert_eq!(store.create(&session, revision, 5).await.expect("create"), Creation::Created);

    let mut other = locked(&path).await;
    let writers: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.revoke_access(UserId::random(), NOW).await })
        })
        .collect();
    eventually("a writer waits", || store.writer().size() > 0 && store.writer().num_idle() == 0);
    let read = timeout(Duration::from_secs(60), reads(&store, &session)).await;
    read.expect("reads wait for no writer").expect("they are answered");
    assert!(writers.iter().all(|writer| !writer.is_finished()), "the file is still locked");
    sqlx::query("COMMIT").execute(&mut other).await.expect("unlocked");
    for writer in writers {
        writer.await.expect("no panic").expect("its turn came");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_turn_does_not_come_in_time_is_refused_and_not_done_later() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("users.db");
    let patient = SqliteStore::open(&path, 1, Duration::from_secs(60)).await.expect("it opens");
    let revision = patient.begin_epoch(0).await.expect("an epoch");
    let session = session(UserId::random());
    assert_eq!(patient.create(&session, revision, 5).await.expect("create"), Creation::Created);
    let hasty = SqliteStore::open(&path, 1, Duration::from_secs(2)).await.expect("it opens");

    let mut other = locked(&path).await;
    let writes = (0..5).map(|_| hasty.revoke(session.id, NOW));
    for refused in futures_util::future::join_all(writes).await {
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    sqlx::query("COMMIT").execute(&mut other).await.expect("unlocked");
    hasty.close().await;
    assert!(patient.find(session.id, NOW).await.expect("find").is_some(), "nothing was revoked");
    assert!(patient.revoke(session.id, NOW).await.expect("revoke"));
}

#[tokio::test]
async fn a_write_on_a_connection_for_reading_fails() {
    let folder = TempDir::new().expect("a folder");
    let store = SqliteStore::open(&folder.path().join("users.db"), 1, Duration::from_secs(60)).await;
    let store = store.expect("it opens");
    let error = sqlx::query("DELETE FROM users").execute(store.reader()).await.expect_err("it only reads");
    assert!(error.to_string().contains("readonly"), "{error}");
    sqlx::query("DELETE FROM users").execute(store.writer()).await.expect("this one writes");
}

#[tokio::test]
async fn closing_leaves_one_file_with_all_that_was_written() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("users.db");
    let store = SqliteStore::open(&path, 2, Duration::from_secs(60)).await.expect("it opens");
    store.begin_epoch(0).await.expect("an epoch");
    UserStore::ping(&store).await.expect("it answers");
    assert!(path.with_extension("db-wal").exists());
    store.close().await;
    assert!(!path.with_extension("db-wal").exists());
    assert!(path.metadata().expect("the file").len() > 0);
}

#[tokio::test]
async fn a_store_without_a_file_is_refused() {
    for path in [":memory:", ""] {
        let opened = SqliteStore::open(Path::new(path), 1, Duration::from_secs(60)).await;
        assert!(matches!(opened, Err(StoreError::Unavailable(_))), "{path}: {opened:?}");
    }
    assert!(!Path::new(":memory:").exists());
}

//! What an earlier version has kept: its tables are brought up to date, and the list of revocations
//! loses neither a line nor its place.

use crate::{
    servers::Postgres,
    stores::{new_database, postgres, sqlite},
};
use countersign::{
    client::ClientId,
    store::{
        ClientStore, Revocation, RevokedSubject, SessionStore,
        conformance::{NOW, session},
    },
    token::TokenId,
    user::UserId,
};
use sqlx::{Connection, Executor, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::time::Duration;
use tempfile::TempDir;

const EPOCH: u64 = 1_700_000_000_000;
const USER: &str = "e58ed763-928c-4155-bee9-fdbaaadc15f3";

/// A list of which the first lines are purged, and the last is lost: five positions were given. For
/// both databases alike, but for how each writes bytes.
fn rows(bytes: impl Fn(u8) -> String) -> String {
    let (one, two) = (bytes(1), bytes(2));
    format!(
        "INSERT INTO memory (one, epoch) VALUES (1, {EPOCH});
         INSERT INTO revisions (user_id, revision) VALUES ('{USER}', {EPOCH} + 7);
         INSERT INTO sessions (id, user_id, client_id, scope, transport, created_at, last_used_at, expires_at,
                 idle, generation, salt)
             VALUES ({one}, '{USER}', 'first-party', '', 1, {NOW}, {NOW}, {NOW} + 1000, 100, 3, {two});
         INSERT INTO revocations (at, session_id, written_at) VALUES ({NOW}, {one}, 11);
         INSERT INTO revocations (at, session_id, written_at) VALUES ({NOW}, {two}, 12);
         INSERT INTO revocations (at, user_id, revision, written_at) VALUES ({NOW}, '{USER}', {EPOCH} + 7, 13);
         INSERT INTO revocations (at, session_id, written_at) VALUES ({NOW} + 1, {one}, 14);
         INSERT INTO revocations (at, session_id, written_at) VALUES ({NOW} + 2, {two}, 15);
         DELETE FROM revocations WHERE position IN (1, 5);"
    )
}

fn expected() -> Vec<Revocation> {
    let [one, two] = [1, 2].map(|number| countersign::session::SessionId::from_bytes([number; 16]));
    let user = RevokedSubject::User(USER.parse().expect("an id"), EPOCH + 7);
    let line = |position, seconds, subject| Revocation {
        position,
        at: NOW.plus(Duration::from_secs(seconds)),
        written_at: 10 + position,
        subject,
    };
    vec![line(2, 0, RevokedSubject::Session(two)), line(3, 0, user), line(4, 1, RevokedSubject::Session(one))]
}

async fn nothing_is_lost(store: &(impl SessionStore + ClientStore)) {
    let list = store.revocations(0, 100).await.expect("a list");
    assert_eq!((list.epoch, list.lines), (EPOCH, expected()));
    let user: UserId = USER.parse().expect("an id");
    let sessions = store.sessions_of(user, NOW).await.expect("sessions");
    assert_eq!(sessions.iter().map(|session| session.generation).collect::<Vec<_>>(), [3]);
    assert_eq!(store.revision(user).await.expect("a revision"), EPOCH + 7);

    let token = TokenId::from_bytes([9; 16]);
    store.revoke_token(token, NOW).await.expect("revoked");
    store.revoke_client(&ClientId::first_party(), 5, NOW).await.expect("revoked");
    store.revoke_access(user, NOW).await.expect("revoked");
    let new = session(user);
    store.create(&new, EPOCH + 8, 5).await.expect("created");
    store.revoke(new.id, NOW).await.expect("revoked");
    let lines = store.revocations(5, 100).await.expect("a list").lines;
    let found: Vec<_> = lines.into_iter().map(|line| (line.position, line.subject)).collect();
    let expected = [
        (6, RevokedSubject::Token(token)),
        (7, RevokedSubject::Client(ClientId::first_party(), 5)),
        (8, RevokedSubject::User(user, EPOCH + 8)),
        (9, RevokedSubject::Session(new.id)),
    ];
    assert_eq!(found, expected, "no position is given twice");
    assert_eq!(store.list(None, 10).await.expect("clients"), []);
    assert!(store.spend(&[7; 32], NOW, NOW).await.expect("spent"));
}

#[tokio::test]
async fn a_sqlite_file_from_before_clients_is_brought_up_to_date() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("users.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut old = SqliteConnection::connect_with(&options).await.expect("a file");
    sqlx::migrate!("migrations/sqlite").run_direct(Some(4), &mut old, false).await.expect("the old tables");
    let rows = rows(|number| format!("x'{}'", format!("{number:02x}").repeat(16)));
    old.execute(sqlx::AssertSqlSafe(rows)).await.expect("planted");
    old.execute("INSERT INTO clients VALUES ('a', 1, '')").await.expect_err("there is no such table yet");
    old.close().await.expect("closed");
    let store = sqlite(&path).await;
    nothing_is_lost(&*store).await;
    let lines = store.revocations(0, 100).await.expect("a list").lines;
    store.close().await;
    // It is up to date now, and stays as it is.
    assert_eq!(sqlite(&path).await.revocations(0, 100).await.expect("a list").lines, lines);
}

#[tokio::test]
async fn a_postgres_database_from_before_clients_is_brought_up_to_date() {
    let url = new_database();
    let mut old = PgConnection::connect(&url).await.expect("a database");
    sqlx::migrate!("migrations/postgres").run_direct(Some(3), &mut old, false).await.expect("the old tables");
    let rows = rows(|number| format!(r"'\x{}'", format!("{number:02x}").repeat(16)));
    old.execute(sqlx::AssertSqlSafe(rows)).await.expect("planted");
    old.execute("INSERT INTO clients VALUES ('a', 1, '')").await.expect_err("there is no such table yet");
    let store = postgres(&url).await;
    nothing_is_lost(&*store).await;
    let lines = store.revocations(0, 100).await.expect("a list").lines;
    assert_eq!(postgres(&url).await.revocations(0, 100).await.expect("a list").lines, lines);

    // A server of the version before goes on beside this one until it is replaced.
    let name = url.rsplit('/').next().expect("a name");
    let insert = |columns: &str, values: &str| {
        Postgres::shared()
            .try_sql(name, &format!("INSERT INTO revocations (at, {columns}) VALUES (0, {values})"))
    };
    let bytes = format!(r"'\x{}'", "01".repeat(16));
    assert_eq!(insert("session_id", &bytes), Ok(String::new()));
    assert_eq!(insert("user_id, revision", &format!("'{USER}', 1")), Ok(String::new()));
    for (columns, values) in [
        ("revision", "1"),
        ("session_id, token_id", &*format!("{bytes}, {bytes}")),
        ("session_id, revision", &format!("{bytes}, 1")),
        ("token_id, revision", &format!("{bytes}, 1")),
        ("client_id", "'a'"),
        ("user_id", &format!("'{USER}'")),
        ("user_id, client_id, revision", &format!("'{USER}', 'a', 1")),
        ("token_id", r"'\x01'"),
    ] {
        let refused = insert(columns, values).expect_err(columns);
        assert!(refused.contains("violates check constraint"), "{columns}: {refused}");
    }
}

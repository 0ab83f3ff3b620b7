//! Opening the database, and what can be wrong with it.

use super::{Database, LIMIT, PATIENT, SHORT, causes};
use crate::servers::{Postgres, Redis, eventually};
use countersign::store::{
    StoreError, UserStore,
    postgres::{OpenError, PostgresStore},
};
use sqlx::{Connection, Executor};
use std::net::TcpListener;
use tokio::time::timeout;

async fn refusal(url: &str) -> OpenError {
    match PostgresStore::open(url, 1, PATIENT).await {
        Err(StoreError::Unavailable(error)) => *error.downcast().expect("an error of opening"),
        other => panic!("{url}: {other:?}"),
    }
}

#[tokio::test]
async fn what_keeps_it_from_opening_is_named() {
    let server = Postgres::shared();
    for url in ["postgres//x", "postgres://a:b@c:99999/x", "postgres://a:b@127.0.0.1/x?sslmode=maybe"] {
        let error = refusal(url).await;
        assert!(matches!(error, OpenError::Url(_)), "{url}: {error:?}");
    }
    let error = refusal("postgres://postgres@127.0.0.1:1/x").await;
    assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let error = refusal(&server.url_at(silent.local_addr().expect("bound").port(), "x")).await;
    assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
    let error = refusal(&server.url("nothing")).await;
    assert!(matches!(error, OpenError::NoDatabase(_)), "{error:?}");
    let error = refusal(&format!("{}?sslmode=require", server.url("postgres"))).await;
    assert!(matches!(error, OpenError::Tls(_)), "{error:?}");
    let closed = Database::new();
    server.sql("postgres", &format!("ALTER DATABASE \"{}\" WITH ALLOW_CONNECTIONS false", closed.name));
    let error = refusal(&closed.url).await;
    assert!(matches!(error, OpenError::Refused(_)), "{error:?}");
    let error = refusal(&server.url("postgres").replace("postgres@", "nobody@")).await;
    assert!(matches!(error, OpenError::Credentials(_)), "{error:?}");
}

#[tokio::test]
async fn a_wrong_password_is_named_and_not_shown() {
    let server = Postgres::with_password("right-word");
    let url = server.database();
    let store = PostgresStore::open(&url, 1, PATIENT).await.expect("the right password");
    store.ping().await.expect("it answers");
    let error = refusal(&url.replace("right-word", "wrong-word")).await;
    assert!(matches!(error, OpenError::Credentials(_)), "{error:?}");
    assert!(!causes(&error).contains("-word"), "{}", causes(&error));
}

#[tokio::test]
async fn tls_is_verified() {
    let server = Postgres::with_tls();
    let url = server.database();
    assert!(url.contains("sslmode=verify-full"), "{url}");
    let store = PostgresStore::open(&url, 1, PATIENT).await.expect("its own authority");
    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let encrypted: bool = sqlx::query_scalar(encrypted).fetch_one(store.pool()).await.expect("it answers");
    assert!(encrypted);

    let stranger = Redis::with_tls();
    let [own, other] = [server.ca_file(), stranger.ca_file()].map(|file| file.display().to_string());
    let error = refusal(&url.replace(&own, &other)).await;
    assert!(matches!(error, OpenError::Tls(_)), "{error:?}");
}

#[tokio::test]
async fn a_user_who_may_make_no_tables_is_told_so_and_may_have_a_schema_of_their_own() {
    let database = Database::new();
    database.sql(
        "CREATE ROLE guest LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC;
         CREATE SCHEMA countersign AUTHORIZATION guest",
    );
    let url = database.url.replace("postgres@", "guest@");
    let error = refusal(&url).await;
    assert!(matches!(error, OpenError::Tables(_)), "{error:?}");
    assert!(causes(&error).contains("permission denied"), "{}", causes(&error));

    let url = format!("{url}?options=-c%20search_path%3Dcountersign");
    PostgresStore::open(&url, 1, PATIENT).await.expect("it opens").ping().await.expect("it answers");
    let tables = "SELECT schemaname FROM pg_tables WHERE tablename = 'users'";
    assert_eq!(database.sql(tables), "countersign");
}

#[tokio::test(flavor = "multi_thread")]
async fn to_make_the_tables_may_take_longer_than_the_deadline() {
    let database = Database::new();
    database.open(1, PATIENT).await;
    let mut holder = database.somebody().await;
    holder.execute("BEGIN; LOCK TABLE _sqlx_migrations").await.expect("held");
    let opening = tokio::spawn({
        let url = database.url.clone();
        async move { PostgresStore::open(&url, 1, SHORT).await.map(drop) }
    });
    eventually("it waits for the tables", || database.connections("wait_event_type = 'Lock'") == 1);
    tokio::time::sleep(2 * SHORT).await;
    assert!(!opening.is_finished(), "it did not wait");
    holder.close().await.expect("let go");
    timeout(LIMIT, opening).await.expect("not for ever").expect("no panic").expect("it opens");
}

#[tokio::test]
async fn the_databases_own_defaults_do_not_matter() {
    let database = Database::new();
    let set = "default_transaction_isolation = 'serializable'";
    database.sql(&format!("ALTER DATABASE {} SET {set}", database.name));
    let store = database.open(1, PATIENT).await;
    for (setting, value) in [
        ("SHOW transaction_isolation", "read committed"),
        ("SHOW statement_timeout", "10s"),
        ("SHOW lock_timeout", "10s"),
        ("SHOW idle_in_transaction_session_timeout", "30s"),
    ] {
        let shown: String = sqlx::query_scalar(setting).fetch_one(store.pool()).await.expect("it answers");
        assert_eq!(shown, value, "{setting}");
    }
}

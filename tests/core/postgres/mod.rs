//! What the PostgreSQL store promises beyond the conformance suites: locks, retries, lost
//! connections, opening.

mod opening;
mod order;
mod purging;
mod spending;

use crate::servers::{Postgres, Proxy, eventually};
use countersign::{
    client::ClientId,
    password::PasswordHash,
    store::{
        Advance, ClientStore, Finding, RevocationFeed, Session, SessionStore, Severity, StoreError, Stores,
        User, UserStore,
        conformance::{NOW, session},
        postgres::{PostgresStore, Vitals},
    },
    token::TokenId,
    user::UserId,
};
use sqlx::{Connection, Executor, PgConnection};
use std::{error::Error, sync::Arc, time::Duration};
use tokio::time::timeout;

const GRACE: Duration = Duration::from_secs(10);
const CAP: u32 = 5;
/// For what is not to fail, on a crowded machine.
const PATIENT: Duration = Duration::from_secs(10);
/// For what is to fail.
const SHORT: Duration = Duration::from_millis(500);
/// Only keeps a broken test from hanging for ever.
const LIMIT: Duration = Duration::from_secs(60);

/// A new database on the tests' own server.
#[derive(Clone)]
struct Database {
    name: String,
    url: String,
}

impl Database {
    fn new() -> Self {
        let url = Postgres::shared().database();
        let name = url.rsplit('/').next().expect("a name").to_owned();
        Self { name, url }
    }

    async fn open(&self, connections: u32, deadline: Duration) -> Arc<PostgresStore> {
        Arc::new(PostgresStore::open(&self.url, connections, deadline).await.expect("it opens"))
    }

    /// Past the store, as the administrator.
    fn sql(&self, statement: &str) -> String {
        Postgres::shared().sql(&self.name, statement)
    }

    /// The same by somebody who may keep what they have begun.
    async fn somebody(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.expect("it lets us in")
    }

    /// How many connections of the store there are of which this is true.
    fn connections(&self, condition: &str) -> usize {
        let ours = format!("datname = '{}' AND application_name = 'countersign'", self.name);
        let count = format!("SELECT count(*) FROM pg_stat_activity WHERE {ours} AND {condition}");
        self.sql(&count).parse().expect("a count")
    }

    fn terminate_all(&self) {
        let ours = format!("datname = '{}' AND application_name = 'countersign'", self.name);
        self.sql(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}"));
    }
}

/// A session of a new user, in the store.
async fn logged_in(store: &PostgresStore) -> Session {
    let session = session(UserId::random());
    let revision = store.revision(session.user).await.expect("a revision");
    store.create(&session, revision, CAP).await.expect("created");
    session
}

/// An error with all its causes.
fn causes(error: &dyn Error) -> String {
    let cause = error.source().map(|cause| format!(": {}", causes(cause)));
    format!("{error}{}", cause.unwrap_or_default())
}

/// What a feed says next, asked as the server asks it: for a while, and then again.
async fn next_of(feed: &mut dyn RevocationFeed) -> Result<(), StoreError> {
    let asking = async {
        loop {
            if let Ok(said) = timeout(SHORT, feed.changed()).await {
                return said;
            }
        }
    };
    timeout(LIMIT, asking).await.expect("the feed says something")
}

// F05
#[tokio::test(flavor = "multi_thread")]
async fn what_was_rolled_back_for_others_sake_is_tried_again_and_nothing_else_is() {
    let database = Database::new();
    let store = database.open(2, PATIENT).await;
    store.begin_epoch(0).await.expect("an epoch");
    // Appendix A: serialization_failure, deadlock_detected; then check_violation, query_canceled,
    // statement_completion_unknown.
    for (code, failures, attempts) in
        [("40001", 2, 3), ("40P01", 2, 3), ("40001", 9, 3), ("23514", 1, 1), ("57014", 1, 1), ("40003", 1, 1)]
    {
        let session = logged_in(&store).await;
        database.sql(&format!(
            "DROP SEQUENCE IF EXISTS attempts; CREATE SEQUENCE attempts;
             CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF nextval('attempts') <= {failures} THEN RAISE SQLSTATE '{code}'; END IF; RETURN NEW; END $$;
             CREATE OR REPLACE TRIGGER fail BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION fail()"
        ));
        let answer = store.advance(session.id, 0, NOW, GRACE).await;
        let works = failures < attempts;
        assert_eq!(matches!(answer, Ok(Advance::Advanced(1))), works, "{code}: {answer:?}");
        assert_eq!(answer.is_err(), !works, "{code}: {answer:?}");
        let attempts = attempts.to_string();
        assert_eq!(database.sql("SELECT last_value FROM attempts"), attempts, "{code}, one statement");

        database.sql("ALTER SEQUENCE attempts RESTART");
        let answer = store.revoke(session.id, NOW).await;
        assert_eq!(matches!(answer, Ok(true)), works, "{code}: {answer:?}");
        assert_eq!(answer.is_err(), !works, "{code}: {answer:?}");
        assert_eq!(database.sql("SELECT last_value FROM attempts"), attempts, "{code}, a transaction");
        database.sql("DROP TRIGGER fail ON sessions");
    }
}

// F05
#[tokio::test(flavor = "multi_thread")]
async fn a_held_lock_is_an_error_at_the_deadline_and_others_go_on() {
    let database = Database::new();
    let store = database.open(2, SHORT).await;
    store.begin_epoch(0).await.expect("an epoch");
    let session = logged_in(&store).await;
    let mut holder = database.somebody().await;
    holder.execute("BEGIN; UPDATE sessions SET name = 'held'").await.expect("held");

    // More of them than there are connections.
    let asking: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.advance(session.id, 0, NOW, GRACE).await })
        })
        .collect();
    for asked in asking {
        let answer = timeout(LIMIT, asked).await.expect("the lock is not waited for").expect("no panic");
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    }
    assert!(store.find(session.id, NOW).await.expect("it may be read").is_some());

    // Nor does the server go on with what nobody waits for: it would be done after all.
    eventually("nobody waits for the lock", || database.connections("wait_event_type = 'Lock'") == 0);
    holder.execute("COMMIT").await.expect("let go");
    let answer = store.advance(session.id, 0, NOW, GRACE).await;
    assert!(matches!(answer, Ok(Advance::Advanced(1))), "{answer:?}");
    eventually("what was broken off is gone", || database.connections("true") <= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_answers_is_used_again_and_a_feed_takes_none() {
    let database = Database::new();
    let store = database.open(1, PATIENT).await;
    store.begin_epoch(0).await.expect("an epoch");
    let _feeds = [store.feed().await.expect("a feed"), store.feed().await.expect("a feed")];
    let pid = async || {
        let pid: i32 =
            sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(store.pool()).await.expect("it");
        pid
    };
    let before = pid().await;
    let session = logged_in(&store).await;
    store.advance(session.id, 0, NOW, GRACE).await.expect("advanced");
    store.advance(session.id, 0, NOW, GRACE).await.expect("repeated");
    store.revoke_others(session.user, session.id, NOW).await.expect("revoked");
    store.revoke_user(session.user, NOW).await.expect("revoked");
    store.purge(NOW, NOW, 10).await.expect("purged");
    store.revocations(0, 10).await.expect("a list");
    store.count(NOW..NOW, NOW).await.expect("counted");
    store.revoke_token(TokenId::from_bytes([7; 16]), NOW).await.expect("revoked");
    store.revoke_client(&ClientId::first_party(), 1, NOW).await.expect("revoked");
    store.spend(&[7; 32], NOW, NOW).await.expect("spent");
    ClientStore::list(&*store, None, 10).await.expect("listed");
    assert_eq!(pid().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_feed_is_an_error() {
    let database = Database::new();
    let store = database.open(1, PATIENT).await;
    store.begin_epoch(0).await.expect("an epoch");
    let mut feed = store.feed().await.expect("a feed");
    store.revoke_access(UserId::random(), NOW).await.expect("revoked");
    next_of(&mut *feed).await.expect("it is heard of");
    database.terminate_all();
    next_of(&mut *feed).await.expect_err("whatever was said meanwhile is lost");
    // The pool's connection was lost too, and one try may be what finds out.
    let _ = store.ping().await;
    store.ping().await.expect("a new connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_network_is_an_error_and_costs_no_connection_for_good() {
    let database = Database::new();
    let proxy = Proxy::to(Postgres::shared().address());
    let url = Postgres::shared().url_at(proxy.port(), &database.name);
    let store = Arc::new(PostgresStore::open(&url, 4, SHORT).await.expect("it opens"));
    store.begin_epoch(0).await.expect("an epoch");
    let session = logged_in(&store).await;
    let mut feed = store.feed().await.expect("a feed");
    for round in 0..3_u64 {
        // Some are just asking, some just giving their connection back.
        let load: Vec<_> = (0..12)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { while store.find(session.id, NOW).await.is_ok() {} })
            })
            .collect();
        // Not a measurement: only where in the load the silence falls.
        tokio::time::sleep(Duration::from_millis(50 + 20 * round)).await;
        proxy.blackhole();
        for asked in load {
            timeout(LIMIT, asked).await.expect("silence is not waited for").expect("no panic");
        }
        eventually("what is silent is let go", || store.pool().size() == 0);
        if round == 2 {
            next_of(&mut *feed).await.expect_err("a feed in silence");
        }
        proxy.pass();
        // All of them at once: none was lost.
        let mut held = vec![];
        for _ in 0..4 {
            held.push(
                timeout(LIMIT, store.pool().acquire()).await.expect("not for ever").expect("one of four"),
            );
        }
    }
    let mut feed = store.feed().await.expect("a feed");
    store.revoke(session.id, NOW).await.expect("revoked");
    next_of(&mut *feed).await.expect("it is heard of");
    timeout(LIMIT, store.close()).await.expect("nobody holds a connection");
    assert!(store.ping().await.is_err(), "closed is closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_hears_nothing_for_long_asks_whether_anybody_is_there() {
    let database = Database::new();
    let proxy = Proxy::to(Postgres::shared().address());
    let url = Postgres::shared().url_at(proxy.port(), &database.name);
    let deadline = Duration::from_secs(3);
    let store = Arc::new(PostgresStore::open(&url, 4, deadline).await.expect("it opens"));
    store.begin_epoch(0).await.expect("an epoch");
    let mut feed = store.feed().await.expect("a feed");
    // Longer than `SILENCE` in `store/postgres/feed.rs`, after which it asks.
    let long = Duration::from_millis(10_100);
    tokio::time::sleep(long).await;
    let heard = timeout(deadline + SHORT, feed.changed()).await;
    heard.expect_err("it is answered, and there is nothing to tell");
    proxy.blackhole();
    tokio::time::sleep(long).await;
    next_of(&mut *feed).await.expect_err("nobody answers");
}

#[tokio::test]
async fn its_connections_are_told() {
    let store = Database::new().open(3, PATIENT).await;
    store.ping().await.expect("it answers");
    let told = Stores::all_in(store).connections();
    assert!(matches!(&*told, [one] if one.store == "postgres" && one.max == 3), "{told:?}");
}

#[tokio::test]
async fn a_store_without_an_epoch_is_an_error() {
    let database = Database::new();
    let store = database.open(1, PATIENT).await;
    let session = session(UserId::random());
    assert!(store.revision(session.user).await.is_err());
    assert!(store.create(&session, 0, CAP).await.is_err());
    assert!(store.revoke_user(session.user, NOW).await.is_err());
    assert!(store.revoke_access(session.user, NOW).await.is_err());
    assert_eq!(store.revocations(0, 10).await.expect("a list").epoch, 0);
}

#[tokio::test]
async fn a_damaged_row_is_an_error_that_names_the_user() {
    let database = Database::new();
    let store = database.open(1, PATIENT).await;
    let user = User {
        id: UserId::random(),
        username: "ada".parse().expect("a name"),
        password: PasswordHash::from_stored("none".into()),
        roles: Default::default(),
        disabled: false,
        created_at: NOW,
    };
    UserStore::insert(&*store, &user).await.expect("inserted");
    for (damage, what) in [("roles = '{\"no role\"}'", "role"), ("roles = '{}', username = ''", "name")] {
        database.sql(&format!("UPDATE users SET {damage}"));
        let error = UserStore::by_id(&*store, user.id).await.expect_err("damaged");
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
        assert!(error.to_string().contains(&format!("{what} of user {}", user.id)), "{error}");
    }
}

#[test]
fn what_a_setup_could_lose_is_said() {
    let leeway = Duration::from_secs(5);
    let good = Vitals { clock: NOW.0 * 1_000, read_only: false, durable: true };
    assert_eq!(good.findings(NOW, leeway), []);
    let said = |vitals: Vitals, severity, part: &str| {
        let findings = vitals.findings(NOW, leeway);
        let [Finding { severity: found, text }] = &findings[..] else { panic!("{findings:?}") };
        assert!(*found == severity && text.contains(part), "{findings:?}");
    };
    said(Vitals { read_only: true, ..good }, Severity::Refusal, "default_transaction_read_only");
    said(Vitals { durable: false, ..good }, Severity::Warning, "synchronous_commit");
    said(Vitals { clock: good.clock + 7_000, ..good }, Severity::Warning, "7 s apart");
}

#[tokio::test]
async fn a_checkup_sees_what_the_database_is_set_to() {
    let database = Database::new();
    let store = database.open(1, PATIENT).await;
    let clock = store.vitals().await.expect("vitals").clock;
    let real = countersign::clock::Clock::now(&countersign::clock::SystemClock);
    assert!((clock / 1_000).abs_diff(real.0) < LIMIT.as_secs(), "it is the server's clock");
    assert_eq!(UserStore::checkup(&*store, real, LIMIT).await.expect("well"), []);

    let database_is =
        |setting: &str| database.sql(&format!("ALTER DATABASE {} SET {setting}", database.name));
    database_is("synchronous_commit = off");
    database_is("default_transaction_read_only = on");
    database.terminate_all();
    let _ = store.vitals().await;
    let findings = UserStore::checkup(&*store, real, LIMIT).await.expect("it answers");
    let severities: Vec<_> = findings.iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Severity::Refusal, Severity::Warning], "{findings:?}");
    assert_eq!(SessionStore::checkup(&*store, real, LIMIT).await.expect("it answers"), findings);
}

//! What is removed when it is no longer needed: a failure of one kind of removal does not stop another.

use crate::{
    servers::Redis,
    stores::{new_database, postgres, redis, sqlite},
};
use countersign::{
    clock::{ManualClock, UnixTime},
    revocation::Revocations,
    store::{
        ClientStore, SessionStore,
        conformance::{NOW, session},
    },
    user::UserId,
};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;

const DAYS: Duration = Duration::from_secs(3 * 86_400);

/// `hide` takes away what sessions are found by (`true`), or the list of revocations (`false`), and puts the
/// other back.
async fn each_goes_on_without_the_other(store: Arc<dyn SessionStore>, hide: impl AsyncFn(bool)) {
    let clock = Arc::new(ManualClock::new(NOW));
    let revocations = Revocations::open(store.clone(), clock.clone(), Duration::from_secs(900)).await;
    let revocations = revocations.expect("it opens");
    let user = UserId::random();
    let revision = store.revision(user).await.expect("a revision");
    let ended = session(user);
    store.create(&ended, revision, 5).await.expect("created");
    for _ in 0..3 {
        store.revoke_access(user, NOW).await.expect("revoked");
    }
    clock.set(NOW.plus(DAYS));
    let ever = UnixTime(0)..UnixTime(u64::MAX);

    hide(true).await;
    assert!(revocations.purge_sessions().await.is_err(), "there is no table of sessions");
    assert!(revocations.purge().await.is_err());
    assert_eq!(store.revocations(0, 10).await.expect("a list").lines.len(), 1, "the list is trimmed");

    hide(false).await;
    assert_eq!(store.count(ever.clone(), NOW).await.expect("a count"), 1);
    assert!(revocations.trim().await.is_err(), "there is no list");
    assert!(revocations.purge().await.is_err());
    assert_eq!(store.count(ever, NOW).await.expect("a count"), 0, "the session is removed");
}

async fn hide_in(execute: impl AsyncFn(&'static str), sessions: bool) {
    if sessions {
        execute("ALTER TABLE sessions RENAME TO hidden_sessions").await;
    } else {
        execute("ALTER TABLE hidden_sessions RENAME TO sessions").await;
        execute("ALTER TABLE revocations RENAME TO hidden_revocations").await;
    }
}

#[tokio::test]
async fn sessions_and_revocations_are_removed_independently_in_sqlite() {
    let folder = TempDir::new().expect("a folder");
    let store = sqlite(&folder.path().join("users.db")).await;
    let execute = async |statement: &'static str| {
        sqlx::query(statement).execute(store.writer()).await.expect(statement);
    };
    each_goes_on_without_the_other(store.clone(), async |sessions| hide_in(execute, sessions).await).await;
}

#[tokio::test]
async fn sessions_and_revocations_are_removed_independently_in_postgres() {
    let store = postgres(&new_database()).await;
    let execute = async |statement: &'static str| {
        sqlx::query(statement).execute(store.pool()).await.expect(statement);
    };
    each_goes_on_without_the_other(store.clone(), async |sessions| hide_in(execute, sessions).await).await;
}

#[tokio::test]
async fn sessions_and_revocations_are_removed_independently_in_redis() {
    let name = crate::stores::new_namespace();
    let store = redis(&name).await;
    let key = |of: &str| format!("{{{name}}}:{of}");
    let rename = |from: &str, to: &str| {
        Redis::shared().command(&["RENAME", &key(from), &key(to)]);
    };
    let hide = async |sessions| {
        if sessions {
            rename("slots", "hidden");
            Redis::shared().command(&["SET", &key("slots"), "no sorted set"]);
        } else {
            rename("hidden", "slots");
            Redis::shared().command(&["SET", &key("list"), "no sorted set"]);
        }
    };
    each_goes_on_without_the_other(store, hide).await;
}

/// An assertion is spent although those that have expired cannot be removed.
async fn is_spent(store: &dyn ClientStore) {
    let later = NOW.plus(DAYS);
    assert!(store.spend(&[1; 32], NOW, UnixTime(0)).await.expect("spent"));
    assert!(store.spend(&[2; 32], later, NOW).await.expect("spent all the same"));
    assert!(!store.spend(&[2; 32], later, NOW).await.expect("and only once"));
}

#[tokio::test]
async fn an_assertion_is_spent_though_expired_ones_cannot_be_removed() {
    let folder = TempDir::new().expect("a folder");
    let store = sqlite(&folder.path().join("users.db")).await;
    let refusal =
        "CREATE TRIGGER stays BEFORE DELETE ON spent_assertions BEGIN SELECT RAISE(ABORT, 'no'); END";
    sqlx::query(refusal).execute(store.writer()).await.expect("a trigger");
    is_spent(&*store).await;

    let store = postgres(&new_database()).await;
    for statement in [
        "CREATE FUNCTION stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$",
        "CREATE TRIGGER stays BEFORE DELETE ON spent_assertions FOR EACH ROW EXECUTE FUNCTION stays()",
    ] {
        sqlx::query(statement).execute(store.pool()).await.expect(statement);
    }
    is_spent(&*store).await;
}

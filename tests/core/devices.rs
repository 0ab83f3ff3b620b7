//! What is known of a device goes with its session, however that ends.

use crate::{
    servers::Redis,
    stores::{new_database, new_namespace, postgres, redis, sqlite},
};
use countersign::{
    store::{
        Advance, Creation, Device, Session, SessionStore,
        conformance::{NOW, session},
    },
    user::UserId,
};
use std::time::Duration;
use tempfile::TempDir;

/// A text of nobody else's, which is the device's name and its user agent.
fn text() -> String {
    format!("Mozilla/5.0 ({})", UserId::random())
}

/// `kept` says in how many places the text stands.
async fn goes_with_its_session(store: &dyn SessionStore, text: &str, kept: impl AsyncFn() -> i64) {
    store.begin_epoch(0).await.expect("an epoch");
    let user = UserId::random();
    let mut revision = store.revision(user).await.expect("a revision");
    let device = || Device { user_agent: Some(text.into()), name: Some(text.into()), address: None };
    for end in ["revoke", "others", "reuse", "cap", "user", "expiry"] {
        let before = NOW.minus(Duration::from_secs(1));
        let ended = Session { device: device(), last_used_at: before, ..session(user) };
        let creation = store.create(&ended, revision, 5).await.expect("create");
        assert_eq!(creation, Creation::Created, "{end}");
        assert_eq!(store.find(ended.id, NOW).await.expect("find"), Some((ended.clone(), revision)));
        assert!(kept().await > 0, "{end}");
        match end {
            "revoke" => assert!(store.revoke(ended.id, NOW).await.expect("revoke")),
            "others" => {
                let none = session(user).id;
                assert_eq!(store.revoke_others(user, none, NOW).await.expect("revoke"), 1);
            }
            "reuse" => {
                let advance =
                    async || store.advance(ended.id, 0, NOW, Duration::ZERO).await.expect("advance");
                assert_eq!((advance().await, advance().await), (Advance::Advanced(1), Advance::Reused));
            }
            "cap" => {
                let next = session(user);
                assert_eq!(store.create(&next, revision, 1).await.expect("create"), Creation::Created);
            }
            "user" => {
                store.revoke_user(user, NOW).await.expect("revoke");
                revision = store.revision(user).await.expect("a revision");
            }
            _ => drop(store.purge(ended.ends_at(), NOW, 10).await.expect("purge")),
        }
        assert_eq!(kept().await, 0, "{end}");
        assert_eq!(store.find(ended.id, NOW).await.expect("find"), None, "{end}");
    }
}

#[tokio::test]
async fn in_sqlite() {
    let folder = TempDir::new().expect("a folder");
    let store = sqlite(&folder.path().join("users.db")).await;
    let text = text();
    let kept = async || {
        let sql = "SELECT (SELECT count(*) FROM sessions WHERE name = ?1)
                        + (SELECT count(*) FROM texts WHERE text = ?1)";
        sqlx::query_scalar(sql).bind(&text).fetch_one(store.reader()).await.expect("a count")
    };
    goes_with_its_session(&*store, &text, kept).await;
}

#[tokio::test]
async fn in_postgres() {
    let store = postgres(&new_database()).await;
    let text = text();
    let kept = async || {
        let sql = "SELECT count(*) FROM sessions WHERE $1 IN (name, user_agent)";
        sqlx::query_scalar(sql).bind(&text).fetch_one(store.pool()).await.expect("a count")
    };
    goes_with_its_session(&*store, &text, kept).await;
}

#[tokio::test]
async fn in_redis() {
    let namespace = new_namespace();
    let store = redis(&namespace).await;
    let text = text();
    let search = "local count = 0
        for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
            local kind, values = redis.call('TYPE', key).ok, nil
            if kind == 'string' then values = {redis.call('GET', key)}
            elseif kind == 'hash' then values = redis.call('HGETALL', key)
            else values = redis.call('ZRANGE', key, 0, -1) end
            for _, value in ipairs(values) do
                if string.find(value, ARGV[2], 1, true) then count = count + 1 end
            end
        end
        return count";
    let kept = async || {
        let keys = format!("{{{namespace}}}:*");
        Redis::shared().command(&["EVAL", search, "0", &keys, &text]).parse().expect("a count")
    };
    goes_with_its_session(&*store, &text, kept).await;
}

//! How Redis keeps sessions: taken over from the version before, removed, and what they share.

use super::{PATIENT, open};
use crate::servers::Redis;
use countersign::{
    clock::{Clock, SystemClock, UnixTime},
    store::{
        Advance, Creation, Session, SessionStore,
        conformance::{NOW, session},
    },
    user::UserId,
};
use std::time::Duration;

/// Plants a session as the version before kept it.
fn plant(redis: &Redis, session: &Session, more: &[&str]) {
    let key = |name: &str| format!("{{test}}:{name}");
    let (id, user) = (session.id.to_string(), session.user.to_string());
    let salt = str::from_utf8(session.salt.as_bytes()).expect("text");
    let numbers = [session.created_at.0, session.last_used_at.0, session.expires_at.0, session.generation];
    let [created, used, expires, generation] = numbers.map(|number| number.to_string());
    let agent = session.device.user_agent.as_deref().expect("an agent");
    let hash = key(&format!("session:{id}"));
    let mut command = vec!["HSET", &hash, "user", &user, "client", &session.client_id];
    command.extend(["scope", "items reports:read", "transport", "body", "created", &created, "used", &used]);
    command.extend(["expires", &expires, "idle", "100", "generation", &generation, "salt", salt]);
    command.extend(["agent", agent, "address", "2001:db8::1", "name", "Ada's phone", "attempt", "12345678"]);
    command.extend(more);
    redis.command(&command);
    redis.command(&["SADD", &key(&format!("user:{user}")), &id]);
    let ends = session.ends_at().0.to_string();
    redis.command(&["ZADD", &key("ends"), &ends, &id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_as_the_version_before_kept_them_are_taken_over() {
    let redis = Redis::start();
    let salt = || countersign::refresh_token::Salt::from_bytes(*b"0123456789abcdef");
    let of = |user| Session { salt: salt(), generation: 7, ..session(user) };
    let user = UserId::random();
    let [one, other, revoked, late] = [of(user), of(user), of(user), of(UserId::random())];
    plant(&redis, &one, &[]);
    plant(&redis, &other, &[]);
    plant(&redis, &revoked, &["revoked", &NOW.0.to_string()]);
    redis.command(&["ZADD", "{test}:revoked", &NOW.0.to_string(), &revoked.id.to_string()]);

    let store = open(&redis.url()).await;
    let epoch = store.begin_epoch(0).await.expect("an epoch");
    store.checkup(SystemClock.now(), PATIENT).await.expect("what a server does first");
    assert_eq!(store.find(one.id, NOW).await.expect("find"), Some((one.clone(), epoch)));
    assert_eq!(store.find(revoked.id, NOW).await.expect("find"), None, "what was revoked stays so");
    let advance =
        async |id, generation| store.advance(id, generation, NOW, Duration::ZERO).await.expect("advance");
    assert_eq!(advance(revoked.id, 7).await, Advance::Gone);
    assert_eq!(advance(one.id, 7).await, Advance::Advanced(8));
    assert_eq!(advance(other.id, 6).await, Advance::Reused, "and what was used is");
    let ids = async || {
        let sessions = store.sessions_of(user, NOW).await.expect("sessions");
        sessions.into_iter().map(|session| session.id).collect::<Vec<_>>()
    };
    assert_eq!(ids().await, [one.id]);
    for old in ["session:*", "user:*", "ends"] {
        assert_eq!(redis.command(&["KEYS", &format!("{{test}}:{old}")]), "", "{old}");
    }

    // A server of the version before goes on for a while.
    plant(&redis, &late, &[]);
    assert_eq!(store.find(late.id, NOW).await.expect("find"), None);
    assert_eq!(store.purge(NOW, NOW, 10).await.expect("purge"), 0);
    assert_eq!(store.find(late.id, NOW).await.expect("find"), Some((late.clone(), epoch)));
    let end = NOW.plus(Duration::from_secs(1_000));
    assert_eq!(store.purge(end, end, 10).await.expect("purge"), 3, "they are over like any other");
    assert_eq!(redis.command(&["ZCARD", "{test}:revoked"]), "0", "nor is a note of the others left");
    assert_eq!(store.count(UnixTime(0)..UnixTime(u64::MAX), NOW).await.expect("count"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_sessions_than_are_looked_at_at_a_time_are_taken_over_and_removed_at_once() {
    let redis = Redis::start();
    let salt = countersign::refresh_token::Salt::from_bytes(*b"0123456789abcdef");
    let one = Session { salt, ..session(UserId::random()) };
    plant(&redis, &one, &[]);
    let copying = "local fields = redis.call('HGETALL', '{test}:session:' .. ARGV[1])
        for number = 1, 1200 do
            local id = string.format('AAAAAAAAAAAAAAAAA%04dA', number)
            redis.call('HSET', '{test}:session:' .. id, unpack(fields))
            redis.call('SADD', '{test}:user:' .. ARGV[2], id)
            redis.call('ZADD', '{test}:ends', ARGV[3], id)
        end";
    let ends = one.ends_at().0.to_string();
    redis.command(&["EVAL", copying, "0", &one.id.to_string(), &one.user.to_string(), &ends]);

    let store = open(&redis.url()).await;
    store.begin_epoch(0).await.expect("an epoch");
    store.checkup(SystemClock.now(), PATIENT).await.expect("what a server does first");
    assert_eq!(redis.command(&["KEYS", "{test}:ends"]), "", "all are taken over");
    let count = async || store.count(UnixTime(0)..UnixTime(u64::MAX), NOW).await.expect("count");
    assert_eq!(count().await, 1_201);
    assert_eq!(store.purge(one.ends_at(), NOW, 1_100).await.expect("purge"), 1_100, "no more than asked for");
    assert_eq!(count().await, 101);
    assert_eq!(store.purge(one.ends_at(), NOW, 1_100).await.expect("purge"), 101);
    assert_eq!(redis.command(&["KEYS", "{test}:slot*"]), "", "and where they were looked for");
}

/// How often each command was called since the last time, by clients and scripts.
fn calls(redis: &Redis) -> Vec<(String, u64)> {
    let info = redis.command(&["INFO", "commandstats"]);
    redis.command(&["CONFIG", "RESETSTAT"]);
    let call = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let count = rest.split(',').next()?.parse().ok()?;
        (!["info", "config|resetstat"].contains(&name)).then(|| (name.to_owned(), count))
    };
    info.lines().filter_map(call).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_sessions_of_a_user_are_read_in_two_commands() {
    let redis = Redis::start();
    let store = open(&redis.url()).await;
    let revision = store.begin_epoch(0).await.expect("an epoch");
    let user = UserId::random();
    for _ in 0..50 {
        assert_eq!(store.create(&session(user), revision, 50).await.expect("create"), Creation::Created);
    }
    calls(&redis);
    assert_eq!(store.sessions_of(user, NOW).await.expect("sessions").len(), 50);
    let mut called = calls(&redis);
    called.sort();
    assert_eq!(called, [("hkeys".to_owned(), 1), ("mget".to_owned(), 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_removed_in_pages() {
    let redis = Redis::start();
    let store = open(&redis.url()).await;
    let revision = store.begin_epoch(0).await.expect("an epoch");
    for number in 0..60 {
        let session = session(UserId::random());
        assert_eq!(store.create(&session, revision, 5).await.expect("create"), Creation::Created);
        if number % 2 == 0 {
            assert!(store.revoke(session.id, NOW).await.expect("revoke"));
        }
    }
    calls(&redis);
    let second = NOW.plus(Duration::from_secs(1));
    assert_eq!(store.purge(NOW, second, 100).await.expect("purge"), 30, "what was revoked");
    let over = session(UserId::random()).ends_at();
    assert_eq!(store.purge(over, NOW, 100).await.expect("purge"), 30, "what is expired");
    let scripts = calls(&redis).into_iter().filter(|(name, _)| name.starts_with("eval"));
    let scripts: u64 = scripts.map(|(_, count)| count).sum();
    assert!(scripts < 20, "{scripts} scripts for 60 sessions");
    assert_eq!(redis.command(&["KEYS", "{test}:s*"]), "", "neither sessions nor where they were looked for");
}

#[tokio::test]
async fn a_time_that_redis_has_no_room_for_is_the_latest_that_it_has() {
    let redis = Redis::start();
    let store = open(&redis.url()).await;
    let revision = store.begin_epoch(0).await.expect("an epoch");
    let forever = Duration::from_secs(1 << 40);
    let usual = session(UserId::random());
    let eternal = Session { expires_at: NOW.plus(forever), idle: forever, ..usual };
    assert_eq!(store.create(&eternal, revision, 5).await.expect("create"), Creation::Created);
    let ages_later = NOW.plus(Duration::from_secs(1 << 39));
    assert!(store.find(eternal.id, ages_later).await.expect("find").is_some());
}

//! Redis in each of its shapes: alone, behind a password, behind Sentinel, as a Cluster.

use crate::servers::{Cluster, Proxy, Redis, Sentinel, eventually};
use countersign::{
    clock::{Clock, SystemClock, UnixTime},
    config::RedisUrl,
    store::{
        Advance, Creation, Device, OpenError, Session, SessionStore, Severity, StoreError,
        conformance::{self, NOW, session},
        redis::{RedisStore, Vitals},
    },
    user::UserId,
};
use std::{
    net::TcpListener,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Long enough for a crowded machine: what a test waits for is not the deadline.
const PATIENT: Duration = Duration::from_secs(10);

async fn try_open(url: &str) -> Result<RedisStore, StoreError> {
    RedisStore::open(&url.parse().expect("a URL"), "test", PATIENT).await
}

async fn open(url: &str) -> Arc<RedisStore> {
    Arc::new(try_open(url).await.expect("Redis is there"))
}

async fn conforms(url: &str) {
    conformance::sessions(open(url).await, open(url).await).await;
    conformance::attempts(open(url).await, open(url).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_conforms() {
    let cluster = Cluster::start();
    let nodes: Vec<_> = cluster.addresses().iter().map(ToString::to_string).collect();
    conforms(&format!("redis+cluster://{}", nodes.join(","))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_that_a_sentinel_names_conforms() {
    let master = Redis::start();
    let _replica = Redis::replica_of(&master);
    let sentinel = Sentinel::watching(&master);
    conforms(&format!("redis+sentinel://{}/{}", sentinel.address(), Sentinel::MASTER)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_with_a_password_conforms_also_by_way_of_a_sentinel() {
    let master = Redis::with_password("hunter2");
    conforms(&master.url()).await;
    let _replica = Redis::replica_of(&master);
    let sentinel = Sentinel::watching(&master);
    let url = format!("redis+sentinel://:hunter2@{}/{}/1", sentinel.address(), Sentinel::MASTER);
    let store = open(&url).await;
    store.begin_epoch(0).await.expect("the master takes writes");
    assert_ne!(store.revocations(0, 1).await.expect("the list").epoch, 0);
}

/// What the program says of a store that does not open.
async fn complaint(url: &str) -> String {
    let error = try_open(url).await.expect_err("it does not open");
    let url: RedisUrl = url.parse().expect("a URL");
    OpenError::at(&url)(error).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_it_from_opening_is_named_and_the_password_is_not() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    for url in [
        format!("redis://:hunter3@{closed}"),
        format!("redis+cluster://:hunter3@{closed}"),
        format!("redis+sentinel://:hunter3@{closed}/mymaster"),
    ] {
        let text = complaint(&url).await;
        assert!(text.contains(&closed.to_string()) && text.contains("cannot be used: "), "{text}");
        assert!(!text.contains("hunter"), "{text}");
    }
    let text = complaint(&format!("redis://{closed}")).await;
    assert!(text.contains("refused"), "{text}");

    let redis = Redis::with_password("hunter2");
    for credentials in ["", ":hunter3@", "ada:hunter2@"] {
        let text = complaint(&format!("redis://{credentials}{}", redis.address())).await;
        assert!(text.to_lowercase().contains("authentication"), "{credentials}: {text}");
        assert!(text.contains(&redis.address().to_string()) && !text.contains("hunter"), "{text}");
    }

    let master = Redis::start();
    let sentinel = Sentinel::watching(&master);
    let text = complaint(&format!("redis+sentinel://{}/nobody", sentinel.address())).await;
    assert!(text.contains("the Redis master nobody by the Sentinels"), "{text}");
}

/// What there is to say about a server, an hour later if `late`.
async fn findings(redis: &Redis, late: bool) -> Vec<(Severity, String)> {
    let vitals = open(&redis.url()).await.vitals().await.expect("its vitals");
    let now = SystemClock.now().plus(if late { Duration::from_secs(3_600) } else { Duration::ZERO });
    let findings = vitals.findings(now, Duration::from_secs(60));
    findings.into_iter().map(|finding| (finding.severity, finding.text)).collect()
}

// F04
#[tokio::test(flavor = "multi_thread")]
async fn whatever_could_lose_a_revocation_is_found() {
    let redis = Redis::start_with(&[("appendonly", "yes")]);
    assert_eq!(findings(&redis, false).await, []);
    let found = findings(&redis, true).await;
    assert!(matches!(&*found, [(Severity::Warning, text)] if text.contains("clock")), "{found:?}");
    for policy in ["allkeys-lru", "volatile-ttl"] {
        redis.command(&["CONFIG", "SET", "maxmemory-policy", policy]);
        let found = findings(&redis, false).await;
        assert!(matches!(&*found, [(Severity::Refusal, text)] if text.contains(policy)), "{found:?}");
    }
    redis.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    redis.command(&["CONFIG", "SET", "appendonly", "no"]);
    let found = findings(&redis, false).await;
    assert!(matches!(&*found, [(Severity::Warning, text)] if text.contains("appendonly")), "{found:?}");
    let found = findings(&Redis::replica_of(&redis), false).await;
    assert!(
        matches!(found.first(), Some((Severity::Refusal, text)) if text.contains("replica")),
        "{found:?}"
    );
}

#[tokio::test]
async fn what_may_pass_by_itself_is_a_warning() {
    let redis = Redis::start_with(&[("appendonly", "yes")]);
    let store = open(&redis.url()).await;
    redis.command(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    let found = store.checkup(SystemClock.now(), PATIENT).await.expect("it answers");
    assert!(
        matches!(&*found, [one] if one.severity == Severity::Warning && one.text.contains("NOREPLICAS")),
        "{found:?}"
    );
}

#[test]
fn a_server_that_says_little_is_not_suspected() {
    let vitals = Vitals {
        clock: NOW.0 * 1_000,
        eviction: None,
        append_only: None,
        is_replica: false,
        is_node_alone: false,
    };
    assert_eq!(vitals.findings(NOW, Duration::ZERO), []);
}

// F04
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_as_good_as_its_worst_node() {
    let cluster = Cluster::start();
    let store = open(&format!("redis+cluster://{}", cluster.addresses()[0])).await;
    for node in &cluster.nodes {
        node.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"]);
        let vitals = store.vitals().await.expect("its vitals");
        assert_eq!(vitals.eviction.as_deref(), Some("allkeys-lfu"), "the sessions may move to it");
        node.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    }
    let vitals = store.vitals().await.expect("its vitals");
    assert_eq!(vitals.eviction.as_deref(), Some("noeviction"));
    assert!(!vitals.is_replica && !vitals.is_node_alone);
    let node = open(&cluster.nodes[0].url()).await.vitals().await.expect("its vitals");
    assert!(node.is_node_alone, "by itself it has only a part of the keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_by_itself_tells_the_time_and_is_no_node_of_a_cluster() {
    let redis = Redis::start();
    let store = open(&redis.url()).await;
    let millis = || SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    // More than once, since a clock may just stand at a full second.
    for _ in 0..3 {
        let before = millis();
        let vitals = store.vitals().await.expect("its vitals");
        let times = [before, vitals.clock.into(), millis()];
        assert!(times.is_sorted(), "{times:?}");
        assert!(!vitals.is_replica && !vitals.is_node_alone);
    }
}

/// How many connections were ever made to it.
fn connections(redis: &Redis) -> u64 {
    let info = redis.command(&["INFO", "stats"]);
    let count = info.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
    count.expect("a count").trim().parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_an_error_costs_no_connection_and_closing_does() {
    let redis = Redis::start();
    let store = open(&redis.url()).await;
    store.begin_epoch(0).await.expect("an epoch");
    // So that the list can be read no more: it is no sorted set.
    redis.command(&["SET", "{test}:list", "a text"]);
    // Each of our own questions is a connection too.
    let before = connections(&redis);
    for _ in 0..3 {
        let error = store.revocations(0, 10).await.expect_err("it is no list");
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
    assert_eq!(connections(&redis), before + 1, "the connection was of use still");
    store.close().await;
    store.ping().await.expect("it answers");
    assert_eq!(connections(&redis), before + 3, "a new one was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_writes_any_more_is_looked_for_anew() {
    let (redis, other) = (Redis::start(), Redis::start());
    let store = open(&redis.url()).await;
    let epoch = store.begin_epoch(0).await.expect("an epoch");
    let [host, port] = [other.address().ip().to_string(), other.port().to_string()];
    assert_eq!(redis.command(&["REPLICAOF", &host, &port]), "OK");
    let before = connections(&redis);
    store.begin_epoch(epoch + 1).await.expect_err("a replica takes no writes");
    store.ping().await.expect("it answers");
    assert_eq!(connections(&redis), before + 2, "by a new connection, which may be to another server");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_back_is_found_at_once() {
    let redis = Redis::start();
    let store = open(&redis.url()).await;
    store.ping().await.expect("it answers");
    redis.kill();
    store.ping().await.expect_err("it is gone");
    redis.start_again();
    store.ping().await.expect("it is back");
}

/// A cluster whose node with the sessions is reached by way of a proxy.
fn behind_a_proxy() -> (Cluster, Proxy) {
    let cluster = Cluster::start();
    let owner = &cluster.nodes[cluster.owner_of("{test}:")];
    let proxy = Proxy::to(owner.address());
    let port = proxy.port().to_string();
    assert_eq!(owner.command(&["CONFIG", "SET", "cluster-announce-port", &port]), "OK");
    eventually("all nodes name the proxy", || {
        cluster.nodes.iter().all(|node| node.command(&["CLUSTER", "SLOTS"]).contains(&port))
    });
    (cluster, proxy)
}

/// The client library of a cluster sends a call again when its answer is lost.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_twice_is_done_once() {
    let (_cluster, proxy) = behind_a_proxy();
    let store = open(&format!("redis+cluster://{}", proxy.address())).await;
    let revision = store.begin_epoch(0).await.expect("an epoch");
    let create = async |session: &Session| store.create(session, revision, 1).await.expect("create");
    let advance =
        async |id, generation| store.advance(id, generation, NOW, Duration::ZERO).await.expect("advance");

    // So that Redis knows the scripts.
    let first = session(UserId::random());
    assert_eq!(create(&first).await, Creation::Created);
    assert_eq!(advance(first.id, 0).await, Advance::Advanced(1));

    proxy.reset_replies_after(1);
    assert_eq!(advance(first.id, 1).await, Advance::Advanced(2), "no theft was seen in it");
    assert_eq!(advance(first.id, 2).await, Advance::Advanced(3), "and it is the current one");

    let second = session(UserId::random());
    // The ids of the user's other sessions are an empty list: four bytes.
    proxy.reset_replies_after(5);
    assert_eq!(create(&second).await, Creation::Created);
    let found = store.find(second.id, NOW).await.expect("find");
    assert_eq!(found, Some((second, revision)), "it did not make room for itself by its own end");
}

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
    store.checkup(NOW, PATIENT).await.expect("what a server does first");
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
    store.checkup(NOW, PATIENT).await.expect("what a server does first");
    assert_eq!(redis.command(&["KEYS", "{test}:ends"]), "", "all are taken over");
    let count = async || store.count(UnixTime(0)..UnixTime(u64::MAX), NOW).await.expect("count");
    assert_eq!(count().await, 1_201);
    assert_eq!(store.purge(one.ends_at(), NOW, 1_100).await.expect("purge"), 1_100, "no more than asked for");
    assert_eq!(count().await, 101);
    assert_eq!(store.purge(one.ends_at(), NOW, 1_100).await.expect("purge"), 101);
    assert_eq!(redis.command(&["KEYS", "{test}:slot*"]), "", "and where they were looked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_of_a_user_agent_is_kept_once_and_goes_some_time_after_the_last_that_has_it() {
    let redis = Redis::start();
    let store = open(&redis.url()).await;
    let revision = store.begin_epoch(0).await.expect("an epoch");
    for _ in 0..3 {
        let session = session(UserId::random());
        assert_eq!(store.create(&session, revision, 5).await.expect("create"), Creation::Created);
    }
    let keys = || redis.command(&["EVAL", "return #redis.call('KEYS', '{test}:a*')", "0"]);
    assert_eq!(keys(), "1");
    let left = "return redis.call('TTL', redis.call('KEYS', '{test}:a*')[1])";
    let left: u64 = redis.command(&["EVAL", left, "0"]).parse().expect("a number");
    assert!((87_300..=87_400).contains(&left), "as long as the sessions and a day more: {left}");
    // Without it they are as good as before, and only less easily recognised.
    redis.command(&["EVAL", "return redis.call('DEL', redis.call('KEYS', '{test}:a*')[1])", "0"]);
    let user = UserId::random();
    let plain = Session { device: Default::default(), ..session(user) };
    assert_eq!(store.create(&plain, revision, 5).await.expect("create"), Creation::Created);
    assert_eq!(store.find(plain.id, NOW).await.expect("find"), Some((plain.clone(), revision)));
    let device = |text: &str| Device { user_agent: Some(text.into()), ..Device::default() };
    for text in ["one browser", "another"] {
        let session = Session { device: device(text), ..session(UserId::random()) };
        assert_eq!(store.create(&session, revision, 5).await.expect("create"), Creation::Created);
        assert_eq!(store.find(session.id, NOW).await.expect("find"), Some((session, revision)));
    }
    assert_eq!(keys(), "2", "each text once");
}

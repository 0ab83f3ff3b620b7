//! Redis in each of its shapes: alone, behind a password, behind Sentinel, as a Cluster.

mod sessions;

use crate::servers::{Cluster, Proxy, Redis, Sentinel, eventually};
use countersign::{
    clock::{Clock, ManualClock, SystemClock},
    config::RedisUrl,
    store::{
        Advance, Creation, OpenError, Session, SessionStore, Severity, StoreError,
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
    let clock = Arc::new(ManualClock::new(conformance::NOW));
    let counting = async || Arc::new(try_open(url).await.expect("Redis is there").with_clock(clock.clone()));
    conformance::attempts(counting().await, counting().await, clock.clone()).await;
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
    assert!(matches!(&*found, [(Severity::Refusal, text)] if text.contains("clock")), "{found:?}");
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

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_is_one_command_that_is_refused_where_nothing_can_be_written() {
    let redis = Redis::start();
    let store = open(&redis.url()).await;
    store.probe().await.expect("it is well");
    redis.command(&["CONFIG", "RESETSTAT"]);
    store.probe().await.expect("it is well");
    let stats = redis.command(&["INFO", "commandstats"]);
    let commands = stats.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split(',').next());
    let commands: Vec<_> = commands.filter(|command| !command.starts_with("config")).collect();
    assert_eq!(commands, ["set:calls=1"]);

    redis.command(&["CONFIG", "SET", "maxmemory", "1"]);
    store.probe().await.expect_err("there is no memory");
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
    store.probe().await.expect("there is again");
    let master = Redis::start();
    redis.command(&["REPLICAOF", "127.0.0.1", &master.port().to_string()]);
    store.probe().await.expect_err("it is a replica");
    redis.promote();
    store.probe().await.expect("it is a master again");
}

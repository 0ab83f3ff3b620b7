//! What can happen to Redis.

use super::{
    Scene,
    admin::{self, Left},
    clients::{DEADLINE, Desk, State},
};
use crate::{
    backing::Backing,
    http::Request,
    servers::{Connection, Proxy, Redis, eventually},
};

use std::time::Duration;

/// A scene whose sessions are in this Redis, by way of a proxy if there is one.
fn scene(redis: &Redis, proxy: Option<&Proxy>) -> Scene {
    let url = proxy.map_or(redis.url(), |proxy| redis.url_at(proxy.port()));
    Scene::set(&[("COUNTERSIGN_REDIS_URL", &url)])
}

/// Redis fails in this way and is well again afterwards.
fn fails(hurt: impl FnOnce(&Redis, &Proxy), heal: impl FnOnce(&Redis, &Proxy)) {
    let redis = Redis::start_with(&[("appendonly", "yes"), ("appendfsync", "always")]);
    let proxy = Proxy::to(redis.address());
    let mut scene = scene(&redis, Some(&proxy));
    hurt(&redis, &proxy);
    scene.is_closed();
    scene.goes_stale();
    scene.is_closed();
    heal(&redis, &proxy);
    scene.recovers();
}

// F01, F08
#[test]
fn killed_and_started_again() {
    fails(|redis, _| redis.kill(), |redis, _| redis.start_again());
}

// F01
#[test]
fn frozen() {
    fails(|redis, _| redis.stop(), |redis, _| redis.resume());
}

// F01
#[test]
fn five_seconds_late() {
    fails(|_, proxy| proxy.delay(Duration::from_secs(5)), |_, proxy| proxy.pass());
}

// F01
#[test]
fn cut_off() {
    fails(|_, proxy| proxy.cut(), |_, proxy| proxy.pass());
}

// F01
#[test]
fn gone_without_a_word() {
    fails(|_, proxy| proxy.blackhole(), |_, proxy| proxy.pass());
}

// F01
#[test]
fn cut_off_in_the_middle_of_a_reply() {
    let redis = Redis::start();
    let proxy = Proxy::to(redis.address());
    let mut scene = scene(&redis, Some(&proxy));
    for bytes in [0, 1, 5, 20, 60] {
        proxy.reset_replies_after(bytes);
        scene.ended_stays_ended();
        scene.recovers();
    }
}

// F01
#[test]
fn what_an_admin_does_is_done_or_not_at_all() {
    let redis = Redis::start_with(&[("appendonly", "yes"), ("appendfsync", "always")]);
    let proxy = Proxy::to(redis.address());
    let url = redis.url_at(proxy.port());
    let scene =
        Scene::set(&[("COUNTERSIGN_REDIS_URL", &url), ("COUNTERSIGN_REVOCATION__MAX_STALENESS", "300")]);
    let desk = admin::Desk::on(&scene.server);
    proxy.cut();
    desk.is_answered(Left::Users);
    proxy.pass();
    eventually("the server is ready again", || scene.is_ready());
    desk.nothing_was_done();
}

// F01
#[test]
fn clients_are_answered_what_is_true_or_nothing() {
    let redis = Redis::start_with(&[("appendonly", "yes"), ("appendfsync", "always")]);
    let proxy = Proxy::to(redis.address());
    let scene = Scene::set(&[("COUNTERSIGN_REDIS_URL", &redis.url_at(proxy.port())), DEADLINE]);
    let desk = Desk::on(&scene.server);
    desk.during(State::NoSessions, |is_answered| {
        redis.kill();
        is_answered();
        // No word of revocations, for however long, makes nobody guess.
        scene.goes_stale();
        is_answered();
        redis.start_again();
    });
    desk.fails(State::NoSessions, || redis.stop(), || redis.resume());
    desk.fails(State::NoSessions, || proxy.delay(Duration::from_secs(5)), || proxy.pass());
    desk.may_end_tokens_twice(&proxy, [0, 1, 3, 4, 5, 20, 60, 100].into_iter());
    let memory = |limit: &str| assert_eq!(redis.command(&["CONFIG", "SET", "maxmemory", limit]), "OK");
    desk.fails(State::ReadOnly, || desk.keeps_its_clients(|| memory("1")), || memory("0"));
    let follow = || assert_eq!(redis.command(&["REPLICAOF", "127.0.0.1", "1"]), "OK");
    desk.fails(State::ReadOnly, follow, || redis.promote());
}

// F01
#[test]
fn turned_into_a_replica() {
    let other = Redis::start();
    let port = other.port().to_string();
    let redis = Redis::start();
    let mut scene = scene(&redis, None);
    // It keeps its data as long as it cannot reach its master.
    other.kill();
    assert_eq!(redis.command(&["REPLICAOF", "127.0.0.1", &port]), "OK");
    takes_no_writes(&scene);
    redis.promote();
    scene.recovers();
}

// F01
#[test]
fn out_of_memory() {
    let redis = Redis::start();
    let mut scene = scene(&redis, None);
    assert_eq!(redis.command(&["CONFIG", "SET", "maxmemory", "1"]), "OK");
    takes_no_writes(&scene);
    assert_eq!(redis.command(&["CONFIG", "SET", "maxmemory", "0"]), "OK");
    scene.recovers();
}

/// Redis still says what was revoked, so access tokens go on; nobody gets in or on.
fn takes_no_writes(scene: &Scene) {
    scene.lets_nobody_in();
    scene.takes_nothing_away();
    scene.server.accepts(scene.access());
    // A store that takes no writes is of no use.
    scene.is_soon_not_ready();
}

/// Whoever is not told of revocations asks for them.
#[test]
fn a_server_that_may_no_longer_listen_still_hears() {
    let redis = Redis::start();
    redis.command(&["ACL", "SETUSER", "deaf", "on", ">hunter2", "~*", "&*", "+@all"]);
    let url = format!("redis://deaf:hunter2@{}", redis.address());
    let on = Backing::postgres();
    let a = on.start_with(&[("COUNTERSIGN_REDIS_URL", &redis.url())]);
    a.user("ada", &[]);
    let b = on.start_with(&[("COUNTERSIGN_REDIS_URL", &url)]);
    redis.command(&["ACL", "SETUSER", "deaf", "resetchannels"]);
    redis.command(&["CLIENT", "KILL", "USER", "deaf"]);
    let token = a.login("ada");
    eventually("the token is taken", || b.me(&token).status == 200);
    assert_eq!(a.send(Request::post("/logout").bearer(&token)).status, 204);
    std::thread::sleep(Duration::from_secs(1));
    b.refuses(&token);
}

#[test]
fn many_failing_requests_are_few_lines_in_the_log() {
    let redis = Redis::start();
    let scene = scene(&redis, None);
    redis.kill();
    for _ in 0..100 {
        scene.ended_stays_ended();
    }
    let log = scene.server.log();
    let lines = log.lines().filter(|line| line.contains("a request about a token failed")).count();
    assert!((1..50).contains(&lines), "{lines} lines for 100 requests: {log}");
}

// F01
#[test]
fn still_loading_its_data() {
    // Each key that is loaded takes a while, as if there were very many.
    let slow = [("key-load-delay", "20000"), ("loading-process-events-interval-bytes", "1024")];
    let redis = Redis::start_with(&slow);
    let mut scene = scene(&redis, None);
    for key in 0..300 {
        redis.command(&["SET", &format!("filler:{key}"), &"x".repeat(100)]);
    }
    assert_eq!(redis.command(&["SAVE"]), "OK");
    redis.kill();
    redis.process().start_again();
    eventually("it is loading", || {
        redis.try_command(&["PING"]).is_ok_and(|reply| reply.starts_with("-LOADING"))
    });
    scene.is_closed();
    scene.recovers();
}

// F01
#[test]
fn with_another_password() {
    let redis = Redis::with_password("first");
    let mut scene = scene(&redis, None);
    let change = |from: &str, to: &str| {
        // Whoever is in stays in until they are sent away.
        let stream = std::net::TcpStream::connect(redis.address()).expect("a connection");
        let mut doors = Connection::over(stream);
        assert_eq!(doors.command(&["AUTH", from]).expect("an answer"), "OK");
        assert_eq!(doors.command(&["CONFIG", "SET", "requirepass", to]).expect("an answer"), "OK");
        doors.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).expect("an answer");
        doors.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).expect("an answer");
    };
    change("first", "second");
    scene.is_closed();
    scene.goes_stale();
    change("second", "first");
    scene.recovers();
}

//! `/health/ready` names what is not well, and is never kept waiting by it; `countersign health` asks.

use crate::{
    http::Request,
    metrics::own_address,
    server::{Server, run},
    servers::{Proxy, Redis, eventually},
};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
    time::Instant,
};
use tempfile::TempDir;

fn ready(server: &Server) -> (u16, Value) {
    let reply = server.send(Request::get("/health/ready"));
    (reply.status, reply.json())
}

#[test]
fn a_store_that_does_not_answer_keeps_nobody_waiting_and_is_named() {
    let redis = Redis::start();
    let proxy = Proxy::to(redis.address());
    let url = format!("redis://{}", proxy.address());
    let server = Server::start_with(&[
        ("COUNTERSIGN_REDIS_URL", &url),
        // Whoever waited for the store itself would wait for longer than the test's client does.
        ("COUNTERSIGN_STORE__DEADLINE_MS", "30000"),
    ]);
    assert_eq!(ready(&server).0, 200);
    proxy.blackhole();
    eventually("it is noticed", || ready(&server).0 == 503);
    let body = ready(&server).1;
    assert_eq!(body["status"], "not ready", "{body}");
    assert_eq!(body["sessions"], "slow", "{body}");
    assert_eq!(body["attempts"], "slow", "they are in Redis too: {body}");
    assert_eq!((&body["users"], &body["clients"]), (&json!("up"), &json!("up")), "{body}");
    proxy.pass();
    eventually("it is ready again", || ready(&server).0 == 200);
}

#[test]
fn each_thing_that_it_depends_on_is_named_with_its_state() {
    let server = Server::start();
    let (status, body) = ready(&server);
    assert_eq!((status, &body["status"]), (200, &json!("ready")));
    for store in ["users", "sessions", "clients", "attempts"] {
        assert_eq!(body[store], "up", "{body}");
    }
    for followed in ["keys", "revocation"] {
        assert_eq!(body[followed]["state"], "up", "{body}");
        assert!(body[followed]["staleness_ms"].is_u64(), "{body}");
    }
    assert_eq!((&body["audit"]["state"], &body["audit"]["lost"]), (&json!("up"), &json!(0)), "{body}");
}

#[test]
fn the_threads_that_hash_are_as_many_as_is_set() {
    let server =
        Server::start_with(&[("COUNTERSIGN_PASSWORD__PERMITS", "3"), ("COUNTERSIGN_PASSWORD__QUEUE", "7")]);
    let expected = json!({ "state": "up", "waiting": 0, "queue": 7, "running": 0, "threads": 3 });
    assert_eq!(ready(&server).1["hashing"], expected);
}

#[test]
fn keys_that_cannot_be_read_again_are_told_of_and_end_nothing() {
    let server =
        Server::start_with(&[("COUNTERSIGN_SIGNING_KEY", ""), ("COUNTERSIGN_KEYS__STORE", "file:keys.json")]);
    assert_eq!(ready(&server).1["keys"]["state"], "up");
    std::fs::write(server.folder.path().join("keys.json"), "no keys").expect("written");
    eventually("it is told", || ready(&server).1["keys"]["state"] == "failing");
    assert_eq!(ready(&server).0, 200);
}

/// What `countersign health` says, and by which code.
fn asked(arguments: &[&str], settings: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let folder = TempDir::new().expect("a folder");
    let output = run(folder.path(), settings, &[&["health"], arguments].concat(), "");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text").trim().to_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_command_tells_a_server_that_is_not_well_by_its_code() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let (code, said, why) = asked(&[&format!("http://{free}")], &[]);
    assert_eq!((code, &*said), (Some(1), ""), "{why}");
    assert!(!why.contains("panicked"), "{why}");
    for (url, reason) in [("ftp://localhost", "must begin with http"), ("nowhere", "invalid value")] {
        let (code, _, why) = asked(&[url], &[]);
        assert!(code == Some(2) && why.contains(reason), "{url}: {why}");
    }
    let (code, _, why) = asked(&[], &[("ROCKET_PORT", "0")]);
    assert!(code == Some(2) && why.contains("ROCKET_PORT is 0"), "{why}");

    // What answers is no Countersign.
    for answer in [
        "200 OK\r\nContent-Length: 2\r\n\r\nOK",
        "302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    ] {
        let other = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", other.local_addr().expect("its address"));
        let answering = thread::spawn(move || {
            let (mut connection, _) = other.accept().expect("a connection");
            let _ = connection.read(&mut [0; 4096]);
            let _ = connection.write_all(format!("HTTP/1.1 {answer}").as_bytes());
        });
        let (code, _, why) = asked(&[&url], &[]);
        assert!(code == Some(1) && why.contains("no word of its health"), "{why}");
        answering.join().expect("it ends");
    }
}

#[test]
fn the_command_asks_where_the_server_would_listen_and_needs_no_other_setting() {
    let server = Server::start_with(&[("COUNTERSIGN_DRAIN", "3600")]);
    let port = server.address.port().to_string();
    for address in ["127.0.0.1", "0.0.0.0"] {
        let settings = [("ROCKET_PROFILE", "release"), ("ROCKET_ADDRESS", address), ("ROCKET_PORT", &port)];
        assert_eq!(asked(&[], &settings), (Some(0), "ready".into(), String::new()));
    }
    let url = format!("http://{}/", server.address);
    assert_eq!(asked(&["--live", &url], &[]), (Some(0), "up".into(), String::new()));
    server.signal("TERM");
    eventually("it says that it ends", || {
        asked(&[&url], &[]) == (Some(1), String::new(), "countersign: draining (HTTP 503)".into())
    });
    assert_eq!(asked(&["--live", &url], &[]).0, Some(0));
}

/// How often Redis was asked for this since its statistics were reset.
fn calls(redis: &Redis, command: &str) -> u64 {
    let stats = redis.command(&["INFO", "commandstats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.map_or(0, |line| line.split(',').next().expect("a number").parse().expect("a number"))
}

#[test]
fn however_many_ask_the_stores_are_asked_once_a_second_and_nothing_is_published() {
    let redis = Redis::start();
    let server = Server::start_with(&[("COUNTERSIGN_REDIS_URL", &redis.url())]);
    assert_eq!(ready(&server).0, 200);
    let ask_all = || -> Vec<u16> {
        thread::scope(|scope| {
            let asking: Vec<_> = (0..100).map(|_| scope.spawn(|| ready(&server).0)).collect();
            asking.into_iter().map(|one| one.join().expect("an answer")).collect()
        })
    };
    let begun = Instant::now();
    redis.command(&["CONFIG", "RESETSTAT"]);
    assert_eq!(ask_all(), [200; 100]);
    // While it does not answer, one question waits, and the others for that one.
    redis.stop();
    eventually("it is noticed", || ready(&server).0 == 503);
    assert_eq!(ask_all(), [503; 100]);
    redis.resume();
    eventually("it is ready again", || ready(&server).0 == 200);
    let asked = calls(&redis, "set");
    let most = begun.elapsed().as_secs() + 1;
    assert!((1..=most).contains(&asked), "{asked} in {most} s");
    assert_eq!(calls(&redis, "publish"), 0);
}

#[test]
fn only_who_may_read_the_metrics_is_told_more_than_the_status() {
    for settings in [&[("ROCKET_PROFILE", "release")][..], &[("COUNTERSIGN_METRICS", "off")]] {
        let server = Server::start_with(settings);
        assert_eq!(ready(&server), (200, json!({ "status": "ready" })), "{settings:?}");
    }
    let server = Server::start_with(&[("COUNTERSIGN_METRICS", "127.0.0.1:0"), ("COUNTERSIGN_DRAIN", "3600")]);
    assert_eq!(ready(&server), (200, json!({ "status": "ready" })));
    let other = || Request::get("/health/ready").send(own_address(&server));
    assert_eq!((other().status, &other().json()["sessions"]), (200, &json!("up")));
    server.signal("TERM");
    eventually("it is no longer ready", || ready(&server).0 == 503);
    let body = ready(&server).1;
    assert_eq!(body["status"], "draining");
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(3), "and the error: {body}");
    assert_eq!((other().status, &other().json()["sessions"]), (503, &json!("up")));
}

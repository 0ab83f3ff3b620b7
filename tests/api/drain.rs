//! A server that is told to end goes on for a while, says so, and then ends.

use crate::{
    http::{Reply, Request, reply_on},
    server::{PASSWORD, Server},
    servers::{Redis, eventually},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};
use tempfile::TempDir;

/// With a drain that outlasts every test, and a user.
fn draining_for(seconds: &str) -> Server {
    let server = Server::start_with(&[("COUNTERSIGN_DRAIN", seconds)]);
    server.user("ada", &[]);
    server
}

fn readiness(server: &Server) -> (u16, String) {
    let reply = server.send(Request::get("/health/ready"));
    (reply.status, reply.json()["status"].as_str().expect("a word").to_owned())
}

fn terminated(server: &Server) {
    server.signal("TERM");
    eventually("it is no longer ready", || readiness(server) == (503, "draining".into()));
}

/// Sends on a connection that is kept open.
fn ask(connection: &mut TcpStream) -> Reply {
    reply_on(connection, b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

#[test]
fn whoever_comes_during_the_drain_is_served_and_told_to_part() {
    let mut server = draining_for("3600");
    let token = server.login("ada");
    let mut kept = TcpStream::connect(server.address).expect("a connection");
    kept.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    for _ in 0..2 {
        let reply = ask(&mut kept);
        assert_eq!((reply.status, reply.header("connection")), (200, None), "nobody is told to part before");
    }
    assert_eq!(readiness(&server), (200, "ready".into()));
    terminated(&server);

    let ready = server.send(Request::get("/health/ready"));
    assert_eq!(ready.json()["error"], "temporarily_unavailable");
    assert!(ready.header("retry-after").is_some());
    assert_eq!(server.send(Request::get("/health/live")).status, 200, "it lives");
    server.accepts(&token);
    server.login("ada");
    assert_eq!(server.send(Request::get("/nothing")).status, 404);

    let reply = ask(&mut kept);
    assert_eq!((reply.status, reply.header("connection")), (200, Some("close")), "{reply:?}");
    assert_eq!(kept.read(&mut [0; 16]).expect("an end"), 0, "the connection is closed");
    assert!(server.runs());

    server.signal("TERM");
    assert_eq!(server.ended().0, Some(0), "a second signal ends it at once");
}

#[test]
fn control_c_ends_it_at_once_before_and_during_the_drain() {
    let server = draining_for("3600");
    server.signal("INT");
    assert_eq!(server.ended().0, Some(0));

    let server = draining_for("3600");
    terminated(&server);
    server.signal("INT");
    assert_eq!(server.ended().0, Some(0));
}

#[test]
fn it_ends_by_itself_when_the_drain_is_over_and_what_it_did_is_kept() {
    let server = draining_for("1");
    let form = [("username", "ada"), ("password", PASSWORD), ("scope", "offline_access")];
    let last = Request::post("/token").form(&form).send(server.address).json();
    server.signal("TERM");
    assert!(server.says("no longer ready, and serving for 1 s more"), "{}", server.log());
    let (code, folder) = server.ended();
    assert_eq!(code, Some(0));
    let server = Server::start_in(folder, &[]);
    let refresh = last["refresh_token"].as_str().expect("a token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    assert_eq!(server.send(Request::post("/token").form(&form)).status, 200);
}

#[test]
fn a_request_that_does_not_end_keeps_it_from_ending_no_longer_than_rocket_waits() {
    let redis = Redis::start();
    let server = Server::start_with(&[
        ("COUNTERSIGN_REDIS_URL", &redis.url()),
        ("COUNTERSIGN_STORE__DEADLINE_MS", "30000"),
        ("ROCKET_SHUTDOWN", "{grace=1,mercy=0}"),
    ]);
    redis.stop();
    let mut stuck = TcpStream::connect(server.address).expect("a connection");
    stuck.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    let form = format!("username=ada&password={PASSWORD}");
    let head = format!(
        "POST /token HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n",
        form.len()
    );
    stuck.write_all(head.as_bytes()).expect("sent");
    let mut start = [0; 12];
    stuck.read_exact(&mut start).expect("an answer");
    assert_eq!(&start, b"HTTP/1.1 100", "it is being read");
    stuck.write_all(form.as_bytes()).expect("sent");

    server.signal("TERM");
    assert!(server.says("ended before all requests were answered"), "{}", server.log());
    assert_eq!(server.ended().0, Some(0), "it did what it was told to");
}

#[test]
fn an_application_that_keeps_sigterm_for_itself_keeps_it() {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("Rocket.toml"), "[default.shutdown]\nsignals = ['quit']\n")
        .expect("written");
    let server = Server::start_by(&["env", "--ignore-signal=TERM"], folder, &[("COUNTERSIGN_DRAIN", "3600")]);
    server.signal("TERM");
    for _ in 0..20 {
        assert_eq!(readiness(&server), (200, "ready".into()));
    }
    server.signal("QUIT");
    assert_eq!(server.ended().0, Some(0));
}

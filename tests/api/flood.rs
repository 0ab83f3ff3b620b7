//! Too much at a time: logins, headers and bad tokens. Memory stays bounded, and others are served.

use crate::{
    http::{Reply, Request},
    key::Key,
    server::{PASSWORD, Server},
};
use std::{fs, thread};

/// These tests are of what stands behind the limits.
const UNLIMITED: (&str, &str) = ("COUNTERSIGN_LOGIN__LIMITS", "off");

/// Many at once with the right password and the wrong one, as a browser's page would send them.
fn logins(server: &Server, count: usize) -> Vec<Reply> {
    let login = |number: usize| {
        let password = if number.is_multiple_of(2) { PASSWORD } else { "not the password" };
        server.send(Request::post("/token").form(&[("username", "ada"), ("password", password)]))
    };
    let login = &login;
    thread::scope(|scope| {
        let all: Vec<_> = (0..count).map(|number| scope.spawn(move || login(number))).collect();
        all.into_iter().map(|login| login.join().unwrap()).collect()
    })
}

/// The most memory that the server has had so far, in MiB, from Linux's `/proc`.
fn peak_mib(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

// P09
#[test]
fn two_hundred_logins_at_once_take_the_memory_of_two_hashes() {
    let server = Server::start_with(&[
        ("COUNTERSIGN_PASSWORD__PERMITS", "2"),
        ("COUNTERSIGN_PASSWORD__QUEUE", "20"),
        UNLIMITED,
        ("COUNTERSIGN_PASSWORD__MEMORY_KIB", "32768"),
    ]);
    server.user("ada", &[]);
    // Ada's sessions soon are too many, and the oldest end.
    server.user("bob", &[]);
    let token = server.login("bob");
    let replies = thread::scope(|scope| {
        let flood = scope.spawn(|| logins(&server, 200));
        while !flood.is_finished() {
            assert_eq!(server.send(Request::get("/health/live")).status, 200);
            server.accepts(&token);
        }
        flood.join().unwrap()
    });
    for (number, reply) in replies.iter().enumerate() {
        match reply.status {
            200 => assert!(number.is_multiple_of(2)),
            400 => assert!(!number.is_multiple_of(2)),
            status => assert_eq!((status, reply.header("retry-after")), (503, Some("1"))),
        }
    }
    let peak = peak_mib(&server);
    assert!(peak < 2 * 32 + 150, "{peak} MiB");
    server.is_well();
}

#[test]
fn a_login_that_finds_the_queue_full_gets_503_and_may_come_again() {
    let server = Server::start_with(&[
        ("COUNTERSIGN_PASSWORD__PERMITS", "1"),
        ("COUNTERSIGN_PASSWORD__QUEUE", "1"),
        UNLIMITED,
    ]);
    server.user("ada", &[]);
    let replies = logins(&server, 60);
    let refused: Vec<_> = replies.iter().filter(|reply| reply.status == 503).collect();
    assert!(!refused.is_empty() && refused.len() < replies.len(), "{} of 60 were refused", refused.len());
    for reply in refused {
        assert_eq!(reply.json()["error"], "temporarily_unavailable");
        assert_eq!((reply.header("retry-after"), reply.header("set-cookie")), (Some("1"), None));
    }
    server.login("ada");
    assert!(server.says("too many passwords wait to be hashed"));
}

// D02
#[test]
fn headers_beyond_measure_are_refused_and_take_no_memory() {
    let server = Server::start();
    let token = server.login("ada");
    let before = peak_mib(&server);
    let mut many = Request::get("/me").bearer(&token);
    for number in 0..200 {
        many = many.header(&format!("X-{number}"), "x");
    }
    let cookies = "theme=dark; ".repeat(10_000);
    for (what, request) in [
        ("64 MiB in one header", Request::get("/me").bearer(&token).header("X-Large", vec![b'x'; 64 << 20])),
        ("200 headers", many),
        ("10,000 cookies", Request::post("/token").raw_form("a=b").header("Cookie", &cookies)),
        ("10,000 cookies", Request::post("/logout").header("Cookie", &cookies)),
    ] {
        assert_eq!(server.send(request).status, 431, "{what}");
    }
    let reply = server.send(Request::get("/me").bearer(&token).header("Cookie", &cookies));
    assert_eq!(reply.status, 200, "where no cookie counts none is read");
    let more = peak_mib(&server) - before;
    assert!(more < 20, "{more} MiB more");
    server.is_well();
}

// D03
#[test]
fn a_flood_of_bad_signatures_leaves_room_for_good_tokens() {
    for key in [Key::rs256(), Key::es256()] {
        let server = key.start();
        let good = key.token(&server);
        let signature = good.sign().len() - 10;
        let bad = format!("{}AAAAAAAAAA", &good.sign()[..signature]);
        let unknown = good.header("kid", "nobody").sign();
        thread::scope(|scope| {
            for bad in [&bad, &unknown, &bad, &unknown] {
                scope.spawn(|| (0..100).for_each(|_| server.refuses(bad)));
            }
            (0..100).for_each(|_| server.accepts(&good.sign()));
        });
        server.is_well();
    }
}

//! Too much at a time: logins, headers and bad tokens. Memory stays bounded, and others are served.

use crate::{
    http::{Reply, Request},
    key::Key,
    server::{PASSWORD, Server},
};
use std::{fs, thread};

/// These tests are of what stands behind the limits.
const UNLIMITED: (&str, &str) = ("COUNTERSIGN_LOGIN__LIMITS", "off");

/// Logs in `count` times at once, as the user of each number and from the address of each number.
fn logins_of(server: &Server, count: usize, who: impl Fn(usize) -> (String, String) + Sync) -> Vec<Reply> {
    let login = |number| {
        let (name, address) = who(number);
        let form = [("username", &*name), ("password", PASSWORD)];
        server.send(Request::post("/token").header("X-Forwarded-For", &address).form(&form))
    };
    let login = &login;
    thread::scope(|scope| {
        let all: Vec<_> = (0..count).map(|number| scope.spawn(move || login(number))).collect();
        all.into_iter().map(|login| login.join().unwrap()).collect()
    })
}

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

/// One thread that hashes and 64 places before it, behind a proxy that names the clients' addresses.
fn behind_a_proxy() -> Server {
    let server = Server::start_with(&[
        ("COUNTERSIGN_PASSWORD__PERMITS", "1"),
        ("COUNTERSIGN_TRUSTED_PROXIES", "127.0.0.1"),
        UNLIMITED,
    ]);
    server.user("ada", &[]);
    server.user("bob", &[]);
    server
}

/// Bob logs in again and again while others flood; says what became of the flood.
fn bob_is_served_during(server: &Server, flood: impl Fn() -> Vec<Reply> + Sync) -> Vec<Reply> {
    let bob = || {
        let replies = logins_of(server, 1, |_| ("bob".into(), "198.51.100.7".into()));
        assert_eq!(replies[0].status, 200, "{}", replies[0].text());
    };
    thread::scope(|scope| {
        let flood = scope.spawn(&flood);
        while !flood.is_finished() {
            bob();
        }
        flood.join().unwrap()
    })
}

// P09
#[test]
fn a_user_on_many_connections_leaves_room_in_the_queue_for_others() {
    let server = behind_a_proxy();
    let everywhere = |number| ("ada".to_owned(), format!("203.0.113.{number}"));
    let replies = bob_is_served_during(&server, || logins_of(&server, 120, everywhere));
    let mut served = 0;
    for reply in &replies {
        match reply.status {
            200 => served += 1,
            status => assert_eq!((status, reply.header("retry-after")), (503, Some("1"))),
        }
    }
    assert!(served >= 4, "{served} were served");
}

// P09
#[test]
fn a_user_who_changes_a_password_on_many_connections_leaves_room_for_others() {
    let server = behind_a_proxy();
    let token = server.login("ada");
    let change = || {
        let body = r#"{"current_password":"not the password","new_password":"difference-engine-no-2"}"#;
        server.send(Request::post("/me/password").bearer(&token).body("application/json", body))
    };
    let changes = || {
        thread::scope(|scope| {
            let all: Vec<_> = (0..120).map(|_| scope.spawn(change)).collect();
            all.into_iter().map(|change| change.join().unwrap()).collect()
        })
    };
    for reply in bob_is_served_during(&server, changes) {
        assert!([403, 503].contains(&reply.status), "{}", reply.text());
    }
    server.accepts(&token);
}

// P09: the names need not exist
#[test]
fn an_address_with_many_names_leaves_room_in_the_queue_for_others() {
    let server = behind_a_proxy();
    for network in ["203.0.113.1", "2001:db8:1"] {
        let from = |number: usize| match network.contains(':') {
            true => format!("{network}:{number:x}::1"),
            false => network.to_owned(),
        };
        let spray = |number| (format!("{network}-{number}").replace(':', "-"), from(number));
        let replies = bob_is_served_during(&server, || logins_of(&server, 120, spray));
        let refused = replies.iter().filter(|reply| reply.status == 503).count();
        assert!(refused < replies.len(), "some are looked at");
        assert!(replies.iter().all(|reply| [400, 503].contains(&reply.status)));
    }
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

//! Logins that fail too often: whoever guesses has to wait, and nobody else.

mod addresses;
mod devices;
mod others;
mod shared;

use crate::{
    backing::{Backing, on_every_store},
    http::{Reply, Request},
    server::{PASSWORD, Server},
};
use serde_json::json;

/// As many as are free, and a wait that no test outlasts.
const FREE: usize = 5;
const SLOW: &[(&str, &str)] =
    &[("COUNTERSIGN_LOGIN__FIRST_DELAY", "600"), ("COUNTERSIGN_LOGIN__LONGEST_DELAY", "86400")];

on_every_store![
    whoever_guesses_at_one_account_has_to_wait,
    an_account_that_does_not_exist_is_limited_alike,
    of_many_guesses_at_once_no_more_are_looked_at_than_may_be,
    whoever_remembers_their_password_begins_anew,
    a_correct_login_gives_attackers_no_more_guesses,
    an_account_can_be_unlocked,
];

fn login(name: &str, password: &str) -> Request {
    Request::post("/token").form(&[("username", name), ("password", password)])
}

fn guess(server: &Server, name: &str) -> Reply {
    server.send(login(name, "wrong password"))
}

/// All that may be guessed for nothing.
fn use_up(server: &Server, name: &str) {
    for at in 0..FREE {
        assert_eq!(guess(server, name).status, 400, "{name}: guess {at}");
    }
}

/// 429, and all that it has to say.
#[track_caller]
fn assert_limited(reply: &Reply, limit: &str) -> u64 {
    assert_eq!(reply.status, 429, "{reply:?}");
    let text = "Too many attempts have failed; try again later";
    assert_eq!(reply.json(), json!({ "error": "too_many_requests", "error_description": text }));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("set-cookie"), None);
    let wait: u64 = reply.header("retry-after").expect("a wait").parse().expect("whole seconds");
    assert!(wait >= 1, "{reply:?}");
    assert_eq!(reply.header("ratelimit"), Some(&*format!("\"{limit}\";r=0;t={wait}")));
    let policy = reply.header("ratelimit-policy").expect("a policy");
    assert!(policy.starts_with(&format!("\"{limit}\";q=")) && policy.ends_with(";w=86400"), "{policy}");
    wait
}

// P08
fn whoever_guesses_at_one_account_has_to_wait(on: &Backing) {
    let server = on.start_with(SLOW);
    server.user("ada", &[]);
    server.user("eve", &[]);
    use_up(&server, "ada");
    assert_limited(&guess(&server, "ada"), "account");
    assert_limited(&server.send(login("ADA", PASSWORD)), "account");
    assert_limited(&server.send(login("ada", "control\u{7}")), "account");
    assert_eq!(server.send(login("eve", PASSWORD)).status, 200, "others are served");
}

/// Everything of an answer but the moment.
fn without_time(reply: Reply) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let timed = ["date", "retry-after", "ratelimit", "x-request-id", "server-timing"];
    let headers = reply.headers.into_iter().filter(|(name, _)| !timed.contains(&&**name)).collect();
    (reply.status, headers, reply.body)
}

// P01, P08: nor does a limit tell who has an account
fn an_account_that_does_not_exist_is_limited_alike(on: &Backing) {
    let server = on.start_with(SLOW);
    server.user("ada", &[]);
    server.user("shut", &[]);
    server.cli(&["user", "disable", "shut"], "");
    let answers = |name: &str| {
        let answers = (0..FREE + 2).map(|_| without_time(guess(&server, name)));
        answers.collect::<Vec<_>>()
    };
    let expected = answers("ada");
    assert_eq!(
        expected.iter().map(|(status, ..)| *status).collect::<Vec<_>>(),
        [400, 400, 400, 400, 400, 429, 429]
    );
    for name in ["nobody", "shut", "nobody.else"] {
        assert_eq!(answers(name), expected, "{name}");
    }
}

// P08
fn of_many_guesses_at_once_no_more_are_looked_at_than_may_be(on: &Backing) {
    let server = on.start_with(SLOW);
    let statuses: Vec<_> = std::thread::scope(|scope| {
        let guesses: Vec<_> = (0..24).map(|_| scope.spawn(|| guess(&server, "ada").status)).collect();
        guesses.into_iter().map(|guess| guess.join().expect("it ends")).collect()
    });
    assert!(statuses.iter().all(|status| [400, 429, 503].contains(status)), "{statuses:?}");
    // The hash queue has fewer places for an account; a guess that finds none gets 503 and is taken back.
    let at_once = statuses.iter().filter(|status| **status == 400).count();
    let later = (0..24).map(|_| guess(&server, "ada").status).take_while(|status| *status == 400).count();
    assert_eq!(at_once + later, FREE, "{statuses:?}, then {later}");
}

fn whoever_remembers_their_password_begins_anew(on: &Backing) {
    let server = on.start();
    for _ in 0..4 {
        for _ in 0..FREE - 1 {
            assert_eq!(guess(&server, "ada").status, 400);
        }
        assert_eq!(server.send(login("ada", PASSWORD)).status, 200);
    }
}

// P01, P08
fn a_correct_login_gives_attackers_no_more_guesses(on: &Backing) {
    let server = on.start_with(&[SLOW, &[("COUNTERSIGN_TRUSTED_PROXIES", "127.0.0.1")]].concat());
    server.user("ada", &[]);
    let from =
        |request: Request, address: &str| server.send(request.header("X-Forwarded-For", address)).status;
    for at in 0..FREE {
        assert_eq!(from(login("nobody", "wrong password"), &format!("198.51.100.{at}")), 400);
        assert_eq!(from(login("ada", "wrong password"), &format!("198.51.100.{at}")), 400, "guess {at}");
        let rightful = if at < FREE - 1 { 200 } else { 429 };
        assert_eq!(from(login("ada", PASSWORD), "192.0.2.1"), rightful, "after guess {at}");
    }
    for name in ["ada", "nobody"] {
        assert_eq!(from(login(name, "wrong password"), "198.51.100.99"), 429, "{name}");
    }
}

fn an_account_can_be_unlocked(on: &Backing) {
    let server = on.start_with(SLOW);
    server.user("ada", &[]);
    server.user("eve", &[]);
    use_up(&server, "ada");
    use_up(&server, "eve");
    assert_eq!(server.cli(&["user", "unlock", "ada"], ""), "unlocked\n");
    assert_eq!(server.cli(&["user", "unlock", "ada"], ""), "was not locked\n");
    assert_eq!(server.send(login("ada", PASSWORD)).status, 200);
    assert_limited(&server.send(login("eve", PASSWORD)), "account");
    assert_eq!(server.try_cli(&["user", "unlock", "nobody"]).status.code(), Some(1));
}

//! How often a session and a client may do what leaves something behind.

use crate::{
    backing::{Backing, on_every_store},
    clients::{SCOPES, ask, introspect, revoke, service, token_of_service},
    http::{Reply, Request},
    server::{Server, assert_token_error},
    tokens::{offline, refresh, text},
};

on_every_store![
    a_session_refreshes_so_often_and_then_waits,
    a_used_refresh_token_ends_its_session_at_the_limit_too,
    access_tokens_of_a_session_are_revoked_so_often,
    a_client_gets_tokens_and_revokes_them_so_often,
    many_revoked_access_tokens_end_no_later_one,
];

/// Few, and then none within a day.
const FEW: [(&str, &str); 5] = [
    SCOPES,
    ("COUNTERSIGN_RATE__SESSION_FREE", "4"),
    ("COUNTERSIGN_RATE__SESSION_PER_DAY", "1"),
    ("COUNTERSIGN_RATE__CLIENT_FREE", "4"),
    ("COUNTERSIGN_RATE__CLIENT_PER_DAY", "1"),
];
const FIRST_PARTY: (&str, &str) = ("first-party", "");

fn start(on: &Backing) -> Server {
    let server = on.start_with(&FEW);
    server.user("ada", &[]);
    server
}

#[track_caller]
fn assert_limited(reply: &Reply, limit: &str) {
    assert_eq!(reply.status, 429, "{}", reply.text());
    let seconds: u64 = reply.header("retry-after").expect("when").parse().expect("seconds");
    assert!((1..=86_400).contains(&seconds), "{seconds}");
    assert_eq!(reply.header("ratelimit-policy"), Some(&*format!("\"{limit}\";q=1;w=86400")));
    assert_eq!(reply.header("ratelimit"), Some(&*format!("\"{limit}\";r=0;t={seconds}")));
    let said = reply.json();
    assert_eq!(said["error"], "too_many_requests");
    assert_eq!(said["error_description"], "Too many requests; try again later");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("set-cookie"), None, "the session goes on");
}

fn a_session_refreshes_so_often_and_then_waits(on: &Backing) {
    let server = start(on);
    let beside = on.start_beside(&server, &FEW);
    let (_, mut token) = offline(&server);
    for at in 0..4 {
        let reply = refresh(if at & 1 == 0 { &server } else { &beside }, &token);
        assert_eq!(reply.status, 200, "{}", reply.text());
        token = text(&reply, "refresh_token");
    }
    for server in [&server, &beside] {
        assert_limited(&refresh(server, &token), "session");
    }
    let (access, other) = offline(&server);
    assert_eq!(refresh(&server, &other).status, 200, "another session of the same user is another");
    server.accepts(&access);
    // Whoever wants to be out is out.
    assert_eq!(revoke(&server, FIRST_PARTY, &[("token", &token)]).status, 200);
    assert_token_error(&refresh(&server, &token), "invalid_grant");
}

fn a_used_refresh_token_ends_its_session_at_the_limit_too(on: &Backing) {
    let server = start(on);
    let (_, first) = offline(&server);
    let mut token = first.clone();
    for _ in 0..4 {
        token = text(&refresh(&server, &token), "refresh_token");
    }
    assert_limited(&refresh(&server, &token), "session");
    assert_token_error(&refresh(&server, &first), "invalid_grant");
    assert_token_error(&refresh(&server, &token), "invalid_grant");
}

fn access_tokens_of_a_session_are_revoked_so_often(on: &Backing) {
    let server = start(on);
    let (first, token) = offline(&server);
    let second = refresh(&server, &token);
    let third = refresh(&server, &text(&second, "refresh_token"));
    let [second, third] = [second, third].map(|reply| text(&reply, "access_token"));
    for token in [&first, &second] {
        assert_eq!(revoke(&server, FIRST_PARTY, &[("token", token)]).status, 200);
        server.refuses(token);
    }
    assert_limited(&revoke(&server, FIRST_PARTY, &[("token", &third)]), "session");
    server.accepts(&third);
    assert_eq!(server.send(Request::post("/logout").bearer(&third)).status, 204, "a session can be ended");
    server.refuses(&third);
}

fn a_client_gets_tokens_and_revokes_them_so_often(on: &Backing) {
    let server = start(on);
    let beside = on.start_beside(&server, &FEW);
    let worker = service(&server, "worker", &["--introspects"]);
    let other = service(&server, "other", &[]);
    let (as_worker, form) = (("worker", &*worker), [("grant_type", "client_credentials")]);
    let [one, two, _] =
        [&server, &beside, &server].map(|server| token_of_service(server, as_worker, "items"));
    assert_eq!(revoke(&server, as_worker, &[("token", &one)]).status, 200);
    for server in [&server, &beside] {
        assert_limited(&ask(server, as_worker, &form), "client");
        assert_limited(&revoke(server, as_worker, &[("token", &two)]), "client");
        assert_limited(&server.send(Request::post("/logout").bearer(&two)), "client");
        assert_eq!(introspect(server, as_worker, &two).json()["active"], true, "to ask changes nothing");
        assert_eq!(ask(server, ("other", &other), &form).status, 200, "another client is another");
        let wrong = ask(server, ("worker", "csc_wrong"), &form);
        assert_eq!(wrong.status, 401, "only whoever proves to be it is told");
    }
    offline(&server);
}

/// Eleven and more of one session: the entries of all that are older become one.
fn many_revoked_access_tokens_end_no_later_one(on: &Backing) {
    let server = on.start_with(&[SCOPES]);
    server.user("ada", &[]);
    let beside = on.start_beside(&server, &[SCOPES]);
    let (first, mut token) = offline(&server);
    let mut all = vec![first];
    for _ in 0..12 {
        let reply = refresh(&server, &token);
        token = text(&reply, "refresh_token");
        all.push(text(&reply, "access_token"));
    }
    for access in &all {
        assert_eq!(revoke(&server, FIRST_PARTY, &[("token", access)]).status, 200);
        server.refuses(access);
    }
    for access in &all {
        crate::well_known::within_a_second(|| beside.me(access).status == 401);
    }
    // Whoever is refused in the very second has a good token in the next.
    crate::servers::eventually("a later token is good", || {
        let reply = refresh(&server, &token);
        token = text(&reply, "refresh_token");
        std::thread::sleep(std::time::Duration::from_millis(200));
        server.me(&text(&reply, "access_token")).status == 200
    });
}

#[test]
fn without_limits_nothing_is_counted() {
    let settings = [&FEW[..], &[("COUNTERSIGN_RATE__LIMITS", "off")]].concat();
    let server = Server::start_with(&settings);
    server.user("ada", &[]);
    let (_, mut token) = offline(&server);
    for _ in 0..8 {
        token = text(&refresh(&server, &token), "refresh_token");
    }
}

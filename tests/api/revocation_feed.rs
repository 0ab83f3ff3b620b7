//! `GET /revocations`: what a resource server hears of what was revoked here.

use crate::{
    backing::{Backing, on_every_store},
    http::{Reply, Request},
    server::{KEY, PASSWORD, Server, assert_invalid_token},
    servers::{Redis, eventually},
};
use countersign::{
    Claims,
    clock::{Clock, SystemClock, UnixTime},
    jwt::{AccessTokens, HmacSecret, KeyRing, Rules, SigningKey},
    revocation::{Follower, Page},
    store::RevokedSubject,
};
use serde_json::Value;
use std::{process::Command, sync::Arc, time::Duration};
use tokio::time::Instant;

const SECRET: &str = "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A";
const FEED: (&str, &str) = ("COUNTERSIGN_REVOCATION__FEED_SECRET", SECRET);
/// Longer than any answer is waited for here: what is held back that long is no answer.
const LONG: &str = "wait=30";

fn start(on: &Backing) -> Server {
    let server = on.start_with(&[FEED]);
    server.user("ada", &[]);
    server
}

fn ask(server: &Server, query: &str) -> Reply {
    server.send(Request::get(&format!("/revocations?{query}")).bearer(SECRET))
}

fn page(server: &Server, query: &str) -> Page {
    let reply = ask(server, query);
    assert_eq!(reply.status, 200, "{query}: {}", reply.text());
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    serde_json::from_value(reply.json()).expect("a page")
}

fn logout(server: &Server, token: &str) {
    assert_eq!(server.send(Request::post("/logout").bearer(token)).status, 204);
}

/// The token as a resource server sees it that has the key and no store.
fn claims(token: &str) -> Claims {
    let key = SigningKey::hs256(&HmacSecret::parse(KEY.as_bytes()).expect("a good key"));
    let (issuer, audience) = ("countersign".into(), "countersign".into());
    let rules = Rules { issuer, audience, leeway: Duration::ZERO, max_lifetime: Duration::from_secs(900) };
    let tokens = AccessTokens::new(KeyRing::new(key, UnixTime(0)), rules);
    tokens.verify(token.as_bytes(), SystemClock.now()).expect("a token of this server")
}

fn follower() -> Follower {
    Follower::new(Arc::new(SystemClock), Duration::from_secs(900))
}

/// Asks as a resource server does, and waits for news if there are none.
fn follow(follower: &Follower, server: &Server) {
    loop {
        let asked_at = Instant::now();
        let query = format!("from={}&epoch={}&{LONG}", follower.from(), follower.epoch());
        if !follower.take(&page(server, &query), asked_at) {
            return;
        }
    }
}

fn only_who_knows_the_secret_is_told(on: &Backing) {
    let server = start(on);
    let token = server.login("ada");
    let get = || Request::get("/revocations");
    let problem = |reply: &Reply| reply.json()["error"].as_str().map(str::to_owned);

    for request in [get(), get().header("Authorization", format!("Basic {SECRET}"))] {
        let reply = server.send(request);
        assert_eq!((reply.status, problem(&reply).as_deref()), (401, Some("unauthorized")));
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    }
    let longer = format!("{SECRET}x");
    for wrong in [&token, KEY, "", &SECRET[1..], &longer, &SECRET.to_lowercase()] {
        assert_invalid_token(&server.send(get().bearer(wrong)), wrong);
    }
    let twice = get().bearer(SECRET).bearer(SECRET);
    let in_query = Request::get(&format!("/revocations?access_token={SECRET}")).bearer(SECRET);
    for request in [twice, in_query] {
        let reply = server.send(request);
        assert_eq!((reply.status, problem(&reply).as_deref()), (400, Some("invalid_request")));
        assert!(reply.header("www-authenticate").is_some_and(|text| text.starts_with("Bearer error=")));
    }
    let reply = server.send(Request::get(&format!("/revocations?access_token={SECRET}")));
    assert_eq!(reply.status, 401);
    // The secret of the feed opens nothing else.
    server.refuses(SECRET);
    let reply = server.send(Request::post("/revocations").bearer(SECRET));
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(server.send(get().header("authorization", format!("bearer {SECRET}"))).status, 200);
    assert!(!server.log().contains(SECRET));
}

fn without_the_setting_there_is_no_feed(on: &Backing) {
    let server = on.start();
    let token = server.login("ada");
    for request in [
        Request::get("/revocations"),
        Request::get("/revocations").bearer(SECRET),
        Request::get("/revocations").bearer(&token),
        Request::post("/revocations").bearer(SECRET),
    ] {
        let reply = server.send(request);
        assert_eq!((reply.status, reply.json()["error"].as_str()), (404, Some("not_found")));
    }
}

fn parameters_that_make_no_sense_are_named(on: &Backing) {
    let server = start(on);
    for (query, name) in [
        ("from=-1", "from"),
        ("from=", "from"),
        ("from", "from"),
        ("from=x", "from"),
        ("from=1.0", "from"),
        ("from=%2B1", "from"),
        ("from=+1", "from"),
        ("from=0x1", "from"),
        ("from=%ff", "from"),
        ("from=9007199254740992", "from"),
        ("from=18446744073709551616", "from"),
        ("from=1&from=1", "from"),
        ("wait=1&from=1&%66rom=2", "from"),
        ("epoch=-1", "epoch"),
        ("epoch=1&epoch=1", "epoch"),
        ("from=0&wait=31", "wait"),
        ("wait=-1", "wait"),
        ("wait=0.5", "wait"),
        ("wait=1s", "wait"),
        ("wait=", "wait"),
        ("wait=1&wait=2", "wait"),
    ] {
        let reply = ask(&server, query);
        let body = reply.json();
        assert_eq!((reply.status, body["error"].as_str()), (400, Some("invalid_request")), "{query}");
        let description = body["error_description"].as_str().expect("a description");
        assert!(description.starts_with(&format!("{name} must be ")), "{query}: {description}");
    }
    for query in ["from=0&wait=0&epoch=0", "from=9007199254740991&wait=30", "fr=-1", "from=007"] {
        assert_eq!(ask(&server, query).status, 200, "{query}");
    }
}

fn the_list_is_told_at_and_behind_a_position(on: &Backing) {
    let server = start(on);
    let nothing = ask(&server, "").json();
    assert_eq!(nothing["revocations"], Value::Array(vec![]));
    assert_eq!((&nothing["from"], &nothing["more"]), (&0.into(), &false.into()));
    assert!(nothing["keys"].is_string() && nothing["epoch"].as_u64() > Some(0));

    let (one, other) = (server.login("ada"), server.login("ada"));
    logout(&server, &one);
    let snapshot = page(&server, "");
    assert_eq!(snapshot.list.lines.len(), 1);
    assert_eq!(snapshot, Page { list: snapshot.list.clone(), ..page(&server, "from=0") });
    let line = &snapshot.list.lines[0];
    assert_eq!(line.subject, RevokedSubject::Session(claims(&one).session_id().parse().expect("an id")));
    assert!(line.written_at <= snapshot.list.read_at && line.at.0.abs_diff(line.written_at / 1_000) <= 1);

    server.cli(&["user", "disable", "ada"], "");
    let since = page(&server, &format!("from={}", line.position));
    assert_eq!((since.from, since.list.epoch), (line.position, snapshot.list.epoch));
    assert_eq!(&since.list.lines[0], line, "the line that is known comes again");
    let user = |line: &countersign::store::Revocation| match line.subject {
        RevokedSubject::User(id, revision) => Some((id.to_string(), revision)),
        _ => None,
    };
    let (id, revision) = since.list.lines.iter().rev().find_map(user).expect("a line of the user");
    assert_eq!(id, claims(&other).subject());
    assert!(revision > claims(&other).revision());
    let end = since.end();
    assert_eq!(page(&server, &format!("from={end}")).list.lines.len(), 1);
    assert!(page(&server, &format!("from={}", end + 1)).list.lines.is_empty());
}

fn an_answer_is_held_back_until_another_server_revokes(on: &Backing) {
    let server = start(on);
    let other = on.start_beside(&server, &[]);
    for from_the_start in [true, false] {
        let token = server.login("ada");
        let before = page(&server, "");
        assert_eq!(before.list.lines.is_empty(), from_the_start);
        let reply = std::thread::scope(|scope| {
            let query = format!("from={}&epoch={}&{LONG}", before.end(), before.list.epoch);
            let waiting = scope.spawn({
                let server = &server;
                move || page(server, &query)
            });
            std::thread::sleep(Duration::from_millis(300));
            assert!(!waiting.is_finished(), "there is nothing to tell yet");
            logout(&other, &token);
            waiting.join().expect("an answer")
        });
        let last = reply.list.lines.last().expect("a line");
        assert_eq!(
            last.subject,
            RevokedSubject::Session(claims(&token).session_id().parse().expect("an id"))
        );
    }
}

fn an_answer_that_nothing_comes_of_is_empty(on: &Backing) {
    let server = start(on);
    let empty = page(&server, "wait=1");
    assert!(empty.is_quiet() && empty.list.lines.is_empty());
    logout(&server, &server.login("ada"));
    let all = page(&server, LONG);
    assert_eq!(all.list.lines.len(), 1, "what is there already is told at once");
    let (from, epoch) = (all.end(), all.list.epoch);
    assert!(page(&server, &format!("from={from}&wait=1&epoch={epoch}")).is_quiet());
    // Whoever comes from another memory of the store is told at once too, and so is whoever has
    // read further than there is.
    page(&server, &format!("from={from}&{LONG}&epoch={}", epoch - 1));
    assert!(!page(&server, &format!("from={}&{LONG}", from + 1)).is_quiet());
}

fn who_waits_is_in_nobodys_way_and_is_answered_at_the_end(on: &Backing) {
    let server = on.start_with(&[FEED, ("COUNTERSIGN_STORE__CONNECTIONS", "1")]);
    server.user("ada", &[]);
    std::thread::scope(|scope| {
        let wait = || scope.spawn(|| page(&server, LONG));
        let waiting: Vec<_> = (0..30).map(|_| wait()).collect();
        std::thread::sleep(Duration::from_millis(500));
        server.accepts(&server.login("ada"));
        assert!(waiting.iter().all(|waiting| !waiting.is_finished()), "nothing was revoked");
        let pid = server.pid().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        for waiting in waiting {
            assert!(waiting.join().expect("an answer").is_quiet());
        }
    });
    server.kill();
}

fn a_follower_refuses_what_is_revoked_here(on: &Backing) {
    let server = start(on);
    server.user("bob", &[]);
    let follower = follower();
    let tokens = ["ada", "ada", "bob"].map(|name| server.login(name));
    let [one, other, bobs] = tokens.each_ref().map(|token| claims(token));
    let denied = || [&one, &other, &bobs].map(|claims| follower.denies(claims));
    logout(&server, &server.login("bob"));
    follow(&follower, &server);
    assert!(follower.is_caught_up());
    assert_eq!(denied(), [false, false, false]);

    logout(&server, &tokens[0]);
    follow(&follower, &server);
    assert_eq!(denied(), [true, false, false]);

    server.cli(&["user", "set-roles", "bob", "editor"], "");
    follow(&follower, &server);
    assert_eq!(denied(), [true, false, true]);
    assert!(!follower.denies(&claims(&server.login("bob"))), "a new token is good");

    server.cli(&["user", "disable", "ada"], "");
    eventually("both of ada's", || {
        follow(&follower, &server);
        denied() == [true, true, true]
    });

    // One that starts now knows the same.
    let late = self::follower();
    follow(&late, &server);
    assert!([&one, &other, &bobs].into_iter().all(|claims| late.denies(claims)));
}

on_every_store!(
    only_who_knows_the_secret_is_told,
    without_the_setting_there_is_no_feed,
    parameters_that_make_no_sense_are_named,
    the_list_is_told_at_and_behind_a_position,
    an_answer_is_held_back_until_another_server_revokes,
    an_answer_that_nothing_comes_of_is_empty,
    who_waits_is_in_nobodys_way_and_is_answered_at_the_end,
    a_follower_refuses_what_is_revoked_here,
);

// F02
#[test]
fn that_redis_has_lost_its_memory_is_heard_of_too() {
    let redis = Redis::start();
    let server = Server::start_with(&[FEED, ("COUNTERSIGN_REDIS_URL", &redis.url())]);
    server.user("ada", &[]);
    let follower = follower();
    let [live, ended] = [(); 2].map(|()| server.login("ada"));
    logout(&server, &ended);
    follow(&follower, &server);
    assert!(follower.denies(&claims(&ended)) && !follower.denies(&claims(&live)));
    let epoch = follower.epoch();

    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| follow(&follower, &server));
        std::thread::sleep(Duration::from_millis(300));
        assert!(!waiting.is_finished(), "there is nothing to tell yet");
        assert_eq!(redis.command(&["FLUSHALL"]), "OK");
        waiting.join().expect("word of it");
    });
    assert!(follower.epoch() > epoch);
    assert!(follower.denies(&claims(&live)), "who was in is not");
    assert!(follower.denies(&claims(&ended)), "and who was out stays out");
    eventually("a new login is taken", || {
        let form = [("username", "ada"), ("password", PASSWORD)];
        let reply = server.send(Request::post("/token").form(&form));
        assert!([200, 503].contains(&reply.status), "{}", reply.text());
        reply.status == 200
            && !follower.denies(&claims(reply.json()["access_token"].as_str().expect("a token")))
    });
}

// F01
#[test]
fn a_store_that_fails_is_no_silence() {
    let redis = Redis::start();
    let server = Server::start_with(&[FEED, ("COUNTERSIGN_REDIS_URL", &redis.url())]);
    page(&server, "");
    let reply = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| ask(&server, "wait=2"));
        std::thread::sleep(Duration::from_millis(300));
        redis.kill();
        waiting.join().expect("an answer")
    });
    for reply in [reply, ask(&server, "")] {
        assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")), "{}", reply.text());
        assert_eq!(reply.json()["error"], "temporarily_unavailable");
    }
    redis.start_again();
    eventually("it answers again", || ask(&server, "").status == 200);
}

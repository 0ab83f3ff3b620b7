//! Two servers on the same stores are one service.

use crate::{
    backing::Backing,
    http::{Reply, Request},
    server::{PASSWORD, Server, assert_token_error},
};
use std::time::Duration;

/// Both with the same user.
fn pair(on: &Backing) -> (Server, Server) {
    (on.start(), on.start_with(&[]))
}

fn login(server: &Server) -> (String, String) {
    let form = [("username", "ada"), ("password", PASSWORD), ("scope", "offline_access")];
    let reply = server.send(Request::post("/token").form(&form));
    (text(&reply, "access_token"), text(&reply, "refresh_token"))
}

fn text(reply: &Reply, name: &str) -> String {
    reply.json()[name].as_str().unwrap_or_else(|| panic!("{name} in {}", reply.text())).to_owned()
}

fn refresh(server: &Server, token: &str) -> Reply {
    server.send(Request::post("/token").form(&[("grant_type", "refresh_token"), ("refresh_token", token)]))
}

fn what_one_does_the_other_knows(on: &Backing) {
    let (a, b) = pair(on);
    let (access, token) = login(&a);
    b.accepts(&access);
    let next = refresh(&b, &token);
    let (newest, token) = (text(&next, "access_token"), text(&next, "refresh_token"));
    a.accepts(&newest);
    assert_eq!(a.send(Request::post("/logout").bearer(&newest)).status, 204);
    // What is promised for hearing of it.
    std::thread::sleep(Duration::from_secs(1));
    for server in [&a, &b] {
        server.refuses(&access);
        server.refuses(&newest);
        assert_token_error(&refresh(server, &token), "invalid_grant");
    }

    let (access, _) = login(&b);
    a.cli(&["user", "disable", "ada"], "");
    std::thread::sleep(Duration::from_secs(1));
    a.refuses(&access);
    b.refuses(&access);
    let lag = b.send(Request::get("/health/ready")).json()["revocation"]["lag"].clone();
    assert!(lag["count"].as_u64() >= Some(2) && lag["p99_ms"].is_u64(), "the lag is told: {lag}");
    let text = crate::metrics::scrape(&b);
    assert!(crate::metrics::value(&text, "countersign_revocation_lag_seconds_count", &[]) >= 2.0, "{text}");
}

fn of_many_refreshes_on_both_one_rotates(on: &Backing) {
    let unlimited = [("COUNTERSIGN_RATE__LIMITS", "off")];
    let (a, b) = (on.start_with(&unlimited), on.start_with(&unlimited));
    a.user("ada", &[]);
    let (_, token) = login(&a);
    let successors: Vec<_> = std::thread::scope(|scope| {
        let refreshes = (0..200).map(|at| {
            let server = if at % 2 == 0 { &a } else { &b };
            let token = &token;
            scope.spawn(move || text(&refresh(server, token), "refresh_token"))
        });
        let refreshes: Vec<_> = refreshes.collect();
        refreshes.into_iter().map(|refresh| refresh.join().expect("it ends")).collect()
    });
    assert!(successors.iter().all(|successor| *successor == successors[0]), "one successor");
    let next = text(&refresh(&b, &successors[0]), "refresh_token");
    assert_eq!(refresh(&a, &next).status, 200, "there is one line of tokens");
}

#[test]
fn on_postgres_what_one_does_the_other_knows() {
    what_one_does_the_other_knows(&Backing::postgres());
}

#[test]
fn on_postgres_and_redis_what_one_does_the_other_knows() {
    what_one_does_the_other_knows(&Backing::postgres_and_redis());
}

// R02
#[test]
fn on_postgres_of_many_refreshes_on_both_one_rotates() {
    of_many_refreshes_on_both_one_rotates(&Backing::postgres());
}

// R02
#[test]
fn on_postgres_and_redis_of_many_refreshes_on_both_one_rotates() {
    of_many_refreshes_on_both_one_rotates(&Backing::postgres_and_redis());
}

//! Many at once: of a promise that was kept by somebody else, and of what is got while something ends.

use super::{ask, assert_invalid_client, login_through, register, revoke, service, start};
use crate::{
    backing::{Backing, on_every_store},
    http::{Reply, Request},
    server::{PASSWORD, Server, assert_token_error},
    tokens::text,
};
use std::{
    sync::Barrier,
    thread::{self, ScopedJoinHandle},
    time::Duration,
};

on_every_store![
    of_many_who_end_one_token_each_is_told_the_truth,
    nothing_that_a_racing_refresh_got_works_once_the_session_was_ended,
    nothing_that_a_racing_request_got_works_once_the_client_was_disabled,
];

const WEB: (&str, &str) = ("web", "");
const OWN: [(&str, &str); 1] = [("grant_type", "client_credentials")];

fn joined<T>(threads: Vec<ScopedJoinHandle<'_, T>>) -> Vec<T> {
    threads.into_iter().map(|thread| thread.join().expect("it ends")).collect()
}

fn of_many_who_end_one_token_each_is_told_the_truth(on: &Backing) {
    let server = start(on);
    register(&server, "web", &["--public"]);
    let (single, kept) = login_through(&server, "web", "");
    let (access, refresh) = login_through(&server, "web", "");
    for (ended, access) in [(&single, &single), (&refresh, &access)] {
        let start = Barrier::new(32);
        thread::scope(|scope| {
            let end = || {
                start.wait();
                let reply = revoke(&server, WEB, &[("token", ended)]);
                assert_eq!((reply.status, reply.text()), (200, ""));
                // Whoever was the first.
                server.refuses(access);
            };
            joined((0..32).map(|_| scope.spawn(end)).collect());
        });
    }
    assert_token_error(&refreshed(&server, &refresh), "invalid_grant");
    assert_eq!(refreshed(&server, &kept).status, 200, "a session outlives its access token");
}

fn refreshed(server: &Server, token: &str) -> Reply {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "web")];
    server.send(Request::post("/token").form(&form))
}

/// Refreshes until that is refused; what it got of both kinds.
fn refresh_on(server: &Server, first: &str) -> Vec<[String; 2]> {
    let (mut got, mut current) = (vec![], first.to_owned());
    loop {
        let reply = refreshed(server, &current);
        match reply.status {
            200 => {
                current = text(&reply, "refresh_token");
                got.push([text(&reply, "access_token"), current.clone()]);
            }
            // Its client was being changed.
            503 => {}
            401 => break assert_invalid_client(&reply),
            _ => break assert_token_error(&reply, "invalid_grant"),
        }
    }
    got
}

// R05
fn nothing_that_a_racing_refresh_got_works_once_the_session_was_ended(on: &Backing) {
    let server = start(on);
    register(&server, "web", &["--public"]);
    let mut raced = 0;
    for round in 0..5 {
        let sessions = [(); 3].map(|()| login_through(&server, "web", ""));
        let got = thread::scope(|scope| {
            let races = sessions.iter().map(|(_, refresh)| scope.spawn(|| refresh_on(&server, refresh)));
            let races: Vec<_> = races.collect();
            // Not a measurement: only where in the race the end falls.
            thread::sleep(Duration::from_millis(10 * round));
            for (access, refresh) in &sessions {
                assert_eq!(revoke(&server, WEB, &[("token", refresh)]).status, 200);
                server.refuses(access);
            }
            joined(races)
        });
        for [access, refresh] in got.iter().flatten() {
            server.refuses(access);
            assert_token_error(&refreshed(&server, refresh), "invalid_grant");
            raced += 1;
        }
    }
    assert!(raced > 10, "{raced} refreshes are no race");
}

/// Asks for tokens until that is refused; the access tokens that it got.
fn ask_on(request: impl Fn() -> Reply) -> Vec<String> {
    let mut got = vec![];
    loop {
        let reply = request();
        match reply.status {
            200 => got.push(text(&reply, "access_token")),
            503 => {}
            _ => break assert_invalid_client(&reply),
        }
    }
    got
}

fn nothing_that_a_racing_request_got_works_once_the_client_was_disabled(on: &Backing) {
    let server = start(on);
    register(&server, "web", &["--public"]);
    let secret = service(&server, "worker", &[]);
    let root = server.login("root");
    let disabled = |client: &str, disabled: bool| {
        let body = serde_json::json!({ "disabled": disabled }).to_string();
        let request = Request::new("PATCH", &format!("/admin/clients/{client}")).bearer(&root);
        assert_eq!(server.send(request.body("application/json", body)).status, 200);
    };
    let login = [("username", "ada"), ("password", PASSWORD), ("client_id", "web")];
    let login = || server.send(Request::post("/token").form(&login));
    let own = || ask(&server, ("worker", &secret), &OWN);
    for round in 0..3 {
        let (_, refresh) = login_through(&server, "web", "");
        let mut got = thread::scope(|scope| {
            let requests = (0..2).flat_map(|_| [scope.spawn(|| ask_on(login)), scope.spawn(|| ask_on(own))]);
            let requests = requests.collect();
            let refreshing = scope.spawn(|| refresh_on(&server, &refresh));
            thread::sleep(Duration::from_millis(50 + 40 * round));
            disabled("web", true);
            disabled("worker", true);
            let refreshed = refreshing.join().expect("it ends").into_iter().map(|[access, _]| access);
            joined(requests).into_iter().flatten().chain(refreshed).collect::<Vec<_>>()
        });
        assert!(!got.is_empty());
        let refused = |got: &[String]| got.iter().for_each(|token| server.refuses(token));
        refused(&got);
        assert_invalid_client(&login());
        disabled("web", false);
        disabled("worker", false);
        refused(&got);
        got = [login(), own()].map(|reply| text(&reply, "access_token")).to_vec();
        assert_eq!(got.iter().map(|token| server.me(token).status).collect::<Vec<_>>(), [200, 403]);
    }
}

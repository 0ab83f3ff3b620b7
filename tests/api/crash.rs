//! The server is killed in the middle of refreshing, again and again, and right after it has promised
//! something.

use crate::{
    backing::{Backing, on_every_store},
    clients::{
        SCOPES, ask, assert_invalid_client, login_through, register, revoke, service, token_of_service,
    },
    http::Request,
    server::{Server, assert_token_error},
};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// Sends a refresh and returns its successor, unless the server dies over it.
fn try_refresh(to: SocketAddr, token: &str) -> Option<String> {
    let body = format!("grant_type=refresh_token&refresh_token={token}");
    let mut stream = TcpStream::connect(to).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(
        stream,
        "POST /token HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let json: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
    json["refresh_token"].as_str().map(str::to_owned)
}

fn refresh(server: &Server, token: &str) -> Option<String> {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    let reply = server.send(Request::post("/token").form(&form));
    (reply.status == 200).then(|| reply.json()["refresh_token"].as_str().expect("a token").to_owned())
}

fn login(server: &Server) -> (String, String) {
    let reply = server.send(
        Request::post("/token").raw_form("username=ada&password=analytical-engine&scope=offline_access"),
    );
    let text = |name: &str| reply.json()[name].as_str().expect("a token").to_owned();
    (text("access_token"), text("refresh_token"))
}

on_every_store![
    killed_again_and_again_it_never_has_two_live_tokens_and_revives_nothing,
    what_was_ended_at_the_last_moment_stays_so,
];

// R08, F06
fn killed_again_and_again_it_never_has_two_live_tokens_and_revives_nothing(backing: &Backing) {
    let settings = [("COUNTERSIGN_REFRESH__GRACE", "0"), ("COUNTERSIGN_RATE__LIMITS", "off")];
    let mut server = backing.start_with(&settings);
    server.user("ada", &[]);
    let (ended_access, ended) = login(&server);
    assert_eq!(server.send(Request::post("/logout").bearer(&ended_access)).status, 204);
    for round in 0..backing.crashes() {
        let (_, first) = login(&server);
        let address = server.address;
        let storm = std::thread::spawn(move || {
            let mut last = first;
            // The last token that was answered; what was asked with it got no answer.
            while let Some(next) = try_refresh(address, &last) {
                last = next;
            }
            last
        });
        // Not a measurement: only where in the storm the kill falls, differently each time.
        std::thread::sleep(Duration::from_micros(1_000 + round * 7_919 % 40_000));
        let folder = server.kill();
        let last = storm.join().expect("the storm ends");
        server = backing.start_in(folder, &settings);
        // Either the last answered token is current, or its use went through unanswered and it
        // is reused now. Without grace that means a new login, and never two live tokens.
        match refresh(&server, &last) {
            Some(next) => {
                assert!(refresh(&server, &last).is_none(), "round {round}: the old one worked twice");
                assert!(refresh(&server, &next).is_none(), "round {round}: reuse did not end the session");
            }
            None => assert!(refresh(&server, &last).is_none(), "round {round}: a dead session revived"),
        }
        assert!(refresh(&server, &ended).is_none(), "round {round}: an ended session revived");
        server.refuses(&ended_access);
    }
}

// F06
fn what_was_ended_at_the_last_moment_stays_so(on: &Backing) {
    const FIRST_PARTY: (&str, &str) = ("first-party", "");
    let mut server = crate::clients::start(on);
    let [worker, other] = ["worker", "other"].map(|id| (id, service(&server, id, &[])));
    let [worker, other] = [&worker, &other].map(|(id, secret)| (*id, secret.as_str()));
    register(&server, "web", &["--public", "--scope", "items"]);
    let (kept, _) = login_through(&server, "first-party", "");
    let (single, _) = login_through(&server, "first-party", "");
    let (access, token) = login_through(&server, "first-party", "");
    let (through, refresh) = login_through(&server, "web", "items");
    let [own, others] = [worker, other].map(|client| token_of_service(&server, client, "items"));

    let mut ended = vec![];
    type End<'a> = &'a dyn Fn(&Server);
    let revoked = |server: &Server, client, token: &str| {
        assert_eq!(revoke(server, client, &[("token", token)]).status, 200);
    };
    let disabled = |server: &Server, client| drop(server.cli(&["client", "disable", client], ""));
    let ends: [(&[&str], End<'_>); 4] = [
        (&[&single], &|server| revoked(server, FIRST_PARTY, &single)),
        (&[&access], &|server| revoked(server, FIRST_PARTY, &token)),
        (&[&own], &|server| revoked(server, worker, &own)),
        (&[&others, &through], &|server| ["other", "web"].iter().for_each(|client| disabled(server, client))),
    ];
    for (tokens, end) in ends {
        end(&server);
        server = on.start_in(server.kill(), &[SCOPES]);
        ended.extend(tokens);
        ended.iter().for_each(|token: &&str| server.refuses(token));
        server.accepts(&kept);
    }
    assert_token_error(&crate::tokens::refresh(&server, &token), "invalid_grant");
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*refresh), ("client_id", "web")];
    assert_invalid_client(&server.send(Request::post("/token").form(&form)));
    let own = [("grant_type", "client_credentials")];
    assert_invalid_client(&ask(&server, other, &own));
    assert_eq!(ask(&server, worker, &own).status, 200);
}

//! Refresh tokens are their client's (RFC 6749 §6, §10.4).

use super::{ask, login_through, register, service, start};
use crate::{
    backing::{Backing, on_every_store},
    http::Request,
    server::{PASSWORD, assert_token_error},
    tokens::{by_cookie, cookie, same_origin, set_cookie, text},
};

on_every_store![
    a_refresh_token_of_one_client_is_no_use_to_another_and_stays_good,
    a_cookie_of_one_front_end_outlives_the_other_ones_try,
    a_sessions_life_is_the_clients_own_where_that_is_shorter,
];

// R12
fn a_refresh_token_of_one_client_is_no_use_to_another_and_stays_good(on: &Backing) {
    let server = start(on);
    register(&server, "web", &["--public", "--scope", "items"]);
    register(&server, "phone", &["--public", "--scope", "items"]);
    let grants = ["--grant", "password", "--grant", "refresh_token"];
    let secret = service(&server, "backend", &grants);
    let (_, token) = login_through(&server, "web", "items");
    let form = |token: &str, client: &str| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", client)];
        server.send(Request::post("/token").form(&form))
    };
    let unnamed = [("grant_type", "refresh_token"), ("refresh_token", &*token)];
    assert_token_error(&form(&token, "phone"), "invalid_grant");
    assert_token_error(&form(&token, "first-party"), "invalid_grant");
    assert_token_error(&server.send(Request::post("/token").form(&unnamed)), "invalid_grant");
    assert_token_error(&ask(&server, ("backend", &secret), &unnamed), "invalid_grant");
    let next = form(&token, "web");
    assert_eq!(next.status, 200, "the others have changed nothing: {}", next.text());

    // A confidential client's takes its secret too (RFC 6749 §6).
    let login = [("username", "ada"), ("password", PASSWORD), ("scope", "offline_access")];
    let token = text(&ask(&server, ("backend", &secret), &login), "refresh_token");
    super::assert_invalid_client(&form(&token, "backend"));
    assert_token_error(&form(&token, "web"), "invalid_grant");
    let own = [("grant_type", "refresh_token"), ("refresh_token", &*token)];
    assert_eq!(ask(&server, ("backend", &secret), &own).status, 200);
}

fn a_cookie_of_one_front_end_outlives_the_other_ones_try(on: &Backing) {
    let server = start(on);
    register(&server, "web", &["--public"]);
    let login = [("username", "ada"), ("password", PASSWORD), ("client_id", "web")];
    let reply = server.send(same_origin(Request::post("/token").form(&login)));
    let token = cookie(&reply);
    let refused = server.send(same_origin(by_cookie(&token)));
    assert_token_error(&refused, "invalid_grant");
    assert_eq!(refused.header("set-cookie"), None, "the cookie is not taken away: it is web's, and good");
    let form = [("grant_type", "refresh_token"), ("client_id", "web")];
    let request = Request::post("/token").form(&form).header("Cookie", format!("__Host-refresh={token}"));
    assert_eq!(server.send(same_origin(request)).status, 200);
}

fn a_sessions_life_is_the_clients_own_where_that_is_shorter(on: &Backing) {
    let server = start(on);
    register(&server, "kiosk", &["--public", "--access-ttl", "31", "--idle", "60", "--absolute", "61"]);
    let login = [("username", "ada"), ("password", PASSWORD), ("client_id", "kiosk")];
    let reply = server.send(Request::post("/token").form(&login));
    assert_eq!(reply.json()["expires_in"], 31);
    let set = set_cookie(&reply, "__Host-refresh").expect("a cookie");
    assert!(set.contains("Max-Age=60;"), "{set}");
    let list = server.cli(&["session", "list", "ada", "--json"], "");
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let (created, expires) = (list[0]["created_at"].as_u64(), list[0]["expires_at"].as_u64());
    assert_eq!(expires.zip(created).map(|(end, start)| end - start), Some(60));
    assert_eq!(list[0]["client_id"], "kiosk");
}

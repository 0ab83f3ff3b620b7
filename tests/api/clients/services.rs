//! `grant_type=client_credentials` (RFC 6749 §4.4): a service that calls in its own name.

use super::{ask, register, service, start, token_of_service};
use crate::{
    backing::{Backing, on_every_store},
    forge::Token,
    http::Request,
    server::assert_token_error,
};
use serde_json::json;

on_every_store![
    a_service_gets_a_token_in_its_own_name_and_nothing_else,
    a_service_is_no_person,
    only_a_client_that_may_gets_a_token_in_its_own_name,
    a_removed_client_takes_all_that_it_got_with_it,
    what_a_client_had_before_does_not_stand_in_the_way_of_a_change,
    a_change_that_changes_nothing_revokes_nothing,
];

fn a_service_gets_a_token_in_its_own_name_and_nothing_else(on: &Backing) {
    let server = start(on);
    let secret = service(&server, "worker", &["--access-ttl", "60"]);
    let form = [("grant_type", "client_credentials"), ("scope", "items offline_access")];
    let reply = ask(&server, ("worker", &secret), &form);
    let body = reply.json();
    assert_eq!(reply.header("set-cookie"), None);
    let mut names: Vec<_> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["access_token", "expires_in", "scope", "token_type"], "no refresh token (§4.4.3)");
    assert_eq!((&body["scope"], &body["expires_in"]), (&json!("items"), &json!(60)));
    let claims = Token::parse(body["access_token"].as_str().expect("a token")).claims;
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!("worker"), &json!("worker")));
    assert_eq!((&claims["scope"], &claims["roles"]), (&json!("items"), &json!([])));
    assert!(!claims.contains_key("sid"), "nobody has logged in");
    let lifetime = claims["exp"].as_u64().zip(claims["iat"].as_u64()).map(|(end, start)| end - start);
    assert_eq!(lifetime, Some(60), "as short as the client's own");
    assert_eq!(server.cli(&["session", "list", "ada"], ""), "");
}

fn a_service_is_no_person(on: &Backing) {
    let server = start(on);
    let secret = service(&server, "worker", &[]);
    let token = token_of_service(&server, ("worker", &secret), "items");
    for (method, route) in
        [("GET", "/me"), ("GET", "/sessions"), ("DELETE", "/sessions"), ("GET", "/admin/users")]
    {
        let reply = server.send(Request::new(method, route).bearer(&token));
        assert_eq!(reply.status, 403, "{route}: {}", reply.text());
        assert_eq!(reply.json()["error"], "insufficient_scope", "its token is good, and it is no person");
    }
    assert_eq!(server.send(Request::post("/logout").bearer(&token)).status, 204);
    server.refuses(&token);
    server.is_well();
}

fn only_a_client_that_may_gets_a_token_in_its_own_name(on: &Backing) {
    let server = start(on);
    register(&server, "web", &["--public"]);
    let backend = service(&server, "backend", &["--grant", "password"]);
    let own = [("grant_type", "client_credentials")];
    let post = |form: &[(&str, &str)]| server.send(Request::post("/token").form(form));
    assert_token_error(&post(&own), "unauthorized_client");
    assert_token_error(&post(&[own[0], ("client_id", "first-party")]), "unauthorized_client");
    assert_token_error(&post(&[own[0], ("client_id", "web")]), "unauthorized_client");
    assert_token_error(&ask(&server, ("backend", &backend), &own), "unauthorized_client");
    let login =
        [("username", "ada"), ("password", crate::server::PASSWORD), ("scope", "offline_access items")];
    let reply = ask(&server, ("backend", &backend), &login);
    assert_eq!((reply.status, &reply.json()["scope"]), (200, &json!("items")), "{}", reply.text());
    assert_eq!(reply.json().get("refresh_token"), None, "it may not refresh");
    assert_eq!(reply.header("set-cookie"), None);
    let worker = service(&server, "worker", &[]);
    let form = [&login[..2], &[("grant_type", "password")]].concat();
    assert_token_error(&ask(&server, ("worker", &worker), &form), "unauthorized_client");
    assert_token_error(&ask(&server, ("worker", &worker), &login[..2]), "unauthorized_client");
    for refused in [
        &["client", "add", "spa", "--public", "--grant", "client_credentials"][..],
        &["client", "add", "spa", "--public", "--introspects"],
        &["client", "add", "first-party"],
        &["client", "add", "spa", "--scope", "unknown"],
        &["client", "add", "spa", "--access-ttl", "901"],
        &["client", "add", "spa", "--grant", "refresh_token"],
        &["client", "add", "spa", "--public", "--idle", "600", "--absolute", "60"],
        &["client", "add", "spa", "--name", "\u{202e}gnp.exe"],
        &["client", "add", "spa", "--name", "\u{200b}"],
        &["client", "add", "spa", "--name", "  "],
    ] {
        let output = server.try_cli(refused);
        assert_eq!(output.status.code(), Some(2), "{refused:?}: {output:?}");
    }
}

fn a_removed_client_takes_all_that_it_got_with_it(on: &Backing) {
    let server = start(on);
    let secret = service(&server, "worker", &["--introspects"]);
    register(&server, "web", &["--public", "--scope", "items"]);
    let (access, refresh) = super::login_through(&server, "web", "items");
    let own = token_of_service(&server, ("worker", &secret), "items");
    let other = service(&server, "other", &["--introspects"]);
    let active = |token: &str| super::introspect(&server, ("other", &other), token).json()["active"] == true;
    assert!(active(&access) && active(&own));
    server.cli(&["client", "delete", "web"], "");
    server.cli(&["client", "delete", "worker"], "");
    assert!(!active(&access) && !active(&own));
    super::assert_invalid_client(&ask(&server, ("worker", &secret), &[("grant_type", "client_credentials")]));
    assert_eq!(server.try_cli(&["client", "delete", "web"]).status.code(), Some(1), "it is gone");

    // Whoever gets the id later gets nothing of what was before.
    let new = service(&server, "worker", &[]);
    assert!(active(&token_of_service(&server, ("worker", &new), "items")));
    assert!(!active(&own));
    register(&server, "web", &["--public", "--scope", "items"]);
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*refresh), ("client_id", "web")];
    assert_token_error(&server.send(Request::post("/token").form(&form)), "invalid_grant");
    assert_eq!(server.me(&access).status, 401);
    // Sessions are told apart by the second.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let (_, newer) = super::login_through(&server, "web", "items");
    let form = [form[0], ("refresh_token", &*newer), form[2]];
    assert_eq!(server.send(Request::post("/token").form(&form)).status, 200, "its own are good");
}

/// Settings became narrower since the client was registered.
fn what_a_client_had_before_does_not_stand_in_the_way_of_a_change(on: &Backing) {
    let wide = start(on);
    register(&wide, "worker", &["--scope", "items reports:read", "--access-ttl", "900"]);
    let narrow = [("COUNTERSIGN_SCOPES", "items"), ("COUNTERSIGN_ACCESS_TTL", "120")];
    let server = on.start_beside(&wide, &narrow);
    server.cli(&["client", "set", "worker", "--name", "Reports"], "");
    server.cli(&["client", "set", "worker", "--access-ttl", "60"], "");
    for refused in [&["--scope", "items reports:write"][..], &["--access-ttl", "121"]] {
        let output = server.try_cli(&[&["client", "set", "worker"], refused].concat());
        assert_eq!(output.status.code(), Some(2), "{refused:?}: {output:?}");
    }
    server.cli(&["client", "set", "worker", "--scope", "items"], "");
    let shown: serde_json::Value =
        serde_json::from_str(&server.cli(&["client", "show", "worker", "--json"], "")).expect("JSON");
    assert_eq!((&shown["name"], &shown["access_ttl"]), (&json!("Reports"), &json!(60)));
    assert_eq!(shown["scope"], "items");
}

fn a_change_that_changes_nothing_revokes_nothing(on: &Backing) {
    let server = start(on);
    let secret = service(&server, "worker", &[]);
    let token = token_of_service(&server, ("worker", &secret), "items");
    server.cli(&["client", "set", "worker"], "");
    server.cli(&["client", "set", "worker", "--scope", super::SCOPES.1, "--introspects", "false"], "");
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    assert_eq!(server.me(&token).status, 403, "good, and a service's");
}

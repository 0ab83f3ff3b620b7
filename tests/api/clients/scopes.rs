//! What a token may be used for: what was asked for, the client may have, and the user's roles allow.

use super::{ask, login_through, register, service, start};
use crate::{
    backing::{Backing, on_every_store},
    http::Request,
    server::{PASSWORD, Server, assert_token_error},
    tokens::{refresh, text},
};
use serde_json::json;

on_every_store![
    a_client_gets_no_scope_that_it_may_not_have,
    a_role_decides_what_its_users_can_be_granted,
    what_is_allowed_no_more_is_gone_with_the_next_refresh,
];

fn login(server: &Server, user: &str, client: &str, scope: &str) -> crate::http::Reply {
    let form = [("username", user), ("password", PASSWORD), ("client_id", client), ("scope", scope)];
    server.send(Request::post("/token").form(&form))
}

// T08
fn a_client_gets_no_scope_that_it_may_not_have(on: &Backing) {
    let server = start(on);
    register(&server, "web", &["--public", "--scope", "items reports:read"]);
    register(&server, "bare", &["--public"]);
    let granted = |client: &str, scope: &str| login(&server, "ada", client, scope).json()["scope"].clone();
    assert_eq!(granted("web", "items reports:write"), "items", "narrower, and said back");
    assert_eq!(granted("first-party", "items reports:write"), "items reports:write");
    assert_eq!(granted("bare", "offline_access"), "offline_access");
    for (client, scope) in [("web", "reports:write"), ("web", "ITEMS"), ("web", "item"), ("bare", "items")] {
        assert_token_error(&login(&server, "ada", client, scope), "invalid_scope");
    }
    let secret = register(&server, "worker", &["--scope", "reports:read"]).expect("a secret");
    let own = |scope: &str| {
        let form = [("grant_type", "client_credentials"), ("scope", scope)];
        ask(&server, ("worker", &secret), &form)
    };
    for scope in ["offline_access", "admin", "items  items", "\"items\"", "ite\\ms", "it\u{e9}ms"] {
        assert_token_error(&own(scope), "invalid_scope");
    }
    let plain = ask(&server, ("worker", &secret), &[("grant_type", "client_credentials")]);
    assert_eq!((plain.status, plain.json().get("scope")), (200, None), "nothing asked, nothing granted");
    let (_, token) = login_through(&server, "web", "items");
    let wider = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &*token),
        ("client_id", "web"),
        ("scope", "items reports:read"),
    ];
    assert_token_error(&server.send(Request::post("/token").form(&wider)), "invalid_scope");
}

const BY_ROLE: [(&str, &str); 2] = [
    super::SCOPES,
    ("COUNTERSIGN_ROLE_SCOPES", r#"{"*":"items","editor":["reports:read","reports:write"]}"#),
];

// T08
fn a_role_decides_what_its_users_can_be_granted(on: &Backing) {
    let server = on.start_with(&BY_ROLE);
    server.user("ada", &["auditor"]);
    server.user("joan", &["editor", "auditor"]);
    register(&server, "web", &["--public", "--scope", "items reports:read"]);
    let all = super::SCOPES.1;
    let granted = |user: &str, client: &str| login(&server, user, client, all).json()["scope"].clone();
    assert_eq!(granted("ada", "first-party"), "items");
    assert_eq!(granted("joan", "first-party"), "items reports:read reports:write");
    assert_eq!(granted("joan", "web"), "items reports:read", "the client's too");
    assert_token_error(&login(&server, "ada", "first-party", "reports:read"), "invalid_scope");
    let wrong = [("username", "ada"), ("password", "wrong password"), ("scope", "reports:read")];
    assert_token_error(&server.send(Request::post("/token").form(&wrong)), "invalid_grant");
    let secret = service(&server, "worker", &[]);
    let form = [("grant_type", "client_credentials"), ("scope", all)];
    let own = ask(&server, ("worker", &secret), &form);
    assert_eq!(own.json()["scope"], all, "a service has no roles, and is asked for none");
}

// R10
fn what_is_allowed_no_more_is_gone_with_the_next_refresh(on: &Backing) {
    let server = on.start_with(&BY_ROLE);
    server.user("ada", &["editor"]);
    let reply = login(&server, "ada", "first-party", "items reports:read offline_access");
    assert_eq!(reply.json()["scope"], "items offline_access reports:read");
    let (access, token) = (text(&reply, "access_token"), text(&reply, "refresh_token"));
    server.cli(&["user", "set-roles", "ada"], "");
    crate::well_known::within_a_second(|| server.me(&access).status == 401);
    let next = refresh(&server, &token);
    assert_eq!(next.json()["scope"], "items offline_access", "and said back");
    server.cli(&["user", "set-roles", "ada", "editor"], "");
    let again = refresh(&server, &text(&next, "refresh_token"));
    assert_eq!(again.json()["scope"], "items offline_access reports:read", "it was granted once");

    // The same for what the client may have.
    register(&server, "web", &["--public", "--scope", "items reports:read"]);
    let (access, token) = login_through(&server, "web", "items reports:read");
    server.cli(&["client", "set", "web", "--scope", "items"], "");
    crate::well_known::within_a_second(|| server.me(&access).status == 401);
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*token), ("client_id", "web")];
    let next = server.send(Request::post("/token").form(&form));
    assert_eq!((next.status, &next.json()["scope"]), (200, &json!("items offline_access")));
    server.accepts(&text(&next, "access_token"));
}

//! `POST /introspect` (RFC 7662).

use super::{assert_invalid_client, introspect, login_through, register, service, start, token_of_service};
use crate::{
    backing::{Backing, on_every_store},
    forge::Token,
    http::{Reply, Request},
    server::assert_token_error,
    tokens::{offline, refresh, text},
};
use serde_json::{Value, json};

on_every_store![
    a_bad_token_is_inactive_and_nothing_more_is_said,
    only_who_may_ask_is_answered,
    a_good_access_token_is_told_of,
    what_was_revoked_anywhere_is_inactive_at_this_moment,
    a_refresh_token_is_told_of_to_its_own_client_only,
];

#[track_caller]
fn assert_inactive(reply: &Reply) {
    assert_eq!((reply.status, reply.text()), (200, r#"{"active":false}"#));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

// V05
fn a_bad_token_is_inactive_and_nothing_more_is_said(on: &Backing) {
    let server = start(on);
    let api = service(&server, "api", &["--introspects"]);
    let (access, token) = offline(&server);
    let good = Token::parse(&access);
    let (now, stranger) = (good.now(), "e58ed763-928c-4155-bee9-fdbaaadc15f3");
    for bad in [
        "x".into(),
        "a.b.c".into(),
        "\u{0}".into(),
        "x".repeat(9_000),
        good.claim("exp", now - 1).claim("iat", now - 100).sign(),
        good.claim("iat", now + 100).claim("exp", now + 200).sign(),
        good.claim("aud", "other").sign(),
        good.claim("iss", "other").sign(),
        good.claim("sub", stranger).sign(),
        good.claim("sub", "nobody").sign(),
        good.claim("client_id", "gone").sign(),
        good.claim("client_id", "no client").sign(),
        good.claim("sub", "gone").claim("client_id", "gone").without_claim("sid").sign(),
        good.claim("sub", "first-party").sign(),
        good.header("typ", "JWT").sign(),
        format!("{access}x"),
        token.clone(),
        format!("{token}A"),
    ] {
        assert_inactive(&introspect(&server, ("api", &api), &bad));
    }
    assert_eq!(introspect(&server, ("api", &api), &access).json()["active"], true);
    server.is_well();
}

// V05
fn only_who_may_ask_is_answered(on: &Backing) {
    let server = start(on);
    let api = service(&server, "api", &["--introspects"]);
    let worker = service(&server, "worker", &[]);
    register(&server, "web", &["--public"]);
    let (access, _) = offline(&server);
    let post = |form: &[(&str, &str)]| server.send(Request::post("/introspect").form(form));
    assert_invalid_client(&post(&[("token", &access)]));
    assert_invalid_client(&post(&[("token", &access), ("client_id", "first-party")]));
    assert_invalid_client(&post(&[("token", &access), ("client_id", "web")]));
    assert_invalid_client(&post(&[("token", &access), ("client_id", "api")]));
    assert_invalid_client(&introspect(&server, ("api", &worker), &access));
    let bearer = Request::post("/introspect").form(&[("token", &access)]).bearer(&access);
    assert_invalid_client(&server.send(bearer));
    assert_token_error(&introspect(&server, ("worker", &worker), &access), "unauthorized_client");
    assert_token_error(&introspect(&server, ("api", &api), ""), "invalid_request");
    assert_eq!(server.send(Request::get("/introspect")).status, 405);
    server.cli(&["client", "set", "api", "--introspects", "false"], "");
    assert_token_error(&introspect(&server, ("api", &api), &access), "unauthorized_client");
    server.cli(&["client", "set", "api", "--introspects"], "");
    server.cli(&["client", "disable", "api"], "");
    assert_invalid_client(&introspect(&server, ("api", &api), &access));
}

fn a_good_access_token_is_told_of(on: &Backing) {
    let server = start(on);
    let api = service(&server, "api", &["--introspects"]);
    server.cli(&["user", "set-roles", "ada", "editor"], "");
    let (access, _) = login_through(&server, "first-party", "items");
    let claims = Token::parse(&access).claims;
    let told = introspect(&server, ("api", &api), &access).json();
    let same = |name: &str| claims[name].clone();
    assert_eq!(
        told,
        json!({
            "active": true, "token_type": "Bearer", "username": "ada", "roles": ["editor"],
            "iss": same("iss"), "aud": same("aud"), "sub": same("sub"), "client_id": "first-party",
            "sid": same("sid"), "jti": same("jti"), "iat": same("iat"), "exp": same("exp"),
            "scope": "items offline_access",
        })
    );
    let own = token_of_service(&server, ("api", &api), "items");
    let told = introspect(&server, ("api", &api), &own).json();
    assert_eq!(
        (&told["active"], &told["sub"], &told["client_id"]),
        (&json!(true), &json!("api"), &json!("api"))
    );
    assert_eq!((told.get("username"), told.get("sid"), &told["roles"]), (None, None, &json!([])));
}

/// Asked of a server that has not heard of it from whoever did it, without waiting.
fn what_was_revoked_anywhere_is_inactive_at_this_moment(on: &Backing) {
    let server = start(on);
    let beside = on.start_beside(&server, &[super::SCOPES]);
    let api = service(&server, "api", &["--introspects"]);
    register(&server, "web", &["--public", "--scope", "items"]);
    let active = |token: &str| introspect(&beside, ("api", &api), token).json()["active"] == true;
    type End<'a> = &'a dyn Fn(&str, &Value);
    let ends: [(&str, End); 6] = [
        ("logout", &|token, _| drop(server.send(Request::post("/logout").bearer(token)))),
        ("token", &|token, _| drop(super::revoke(&server, ("web", ""), &[("token", token)]))),
        ("session", &|_, sid| drop(server.cli(&["session", "revoke", sid.as_str().expect("an id")], ""))),
        ("roles", &|_, _| drop(server.cli(&["user", "set-roles", "ada", "editor"], ""))),
        ("client", &|_, _| {
            server.cli(&["client", "disable", "web"], "");
            server.cli(&["client", "enable", "web"], "");
        }),
        ("user", &|_, _| drop(server.cli(&["user", "disable", "ada"], ""))),
    ];
    for (what, end) in ends {
        let (access, _) = login_through(&server, "web", "items");
        assert!(active(&access), "{what}: before");
        end(&access, &Token::parse(&access).claims["sid"]);
        assert!(!active(&access), "{what}: after");
    }
}

fn a_refresh_token_is_told_of_to_its_own_client_only(on: &Backing) {
    let server = start(on);
    let arguments = ["--introspects", "--grant", "password", "--grant", "refresh_token"];
    let app = service(&server, "app", &arguments);
    let api = service(&server, "api", &["--introspects"]);
    let login =
        [("username", "ada"), ("password", crate::server::PASSWORD), ("scope", "items offline_access")];
    let token = text(&super::ask(&server, ("app", &app), &login), "refresh_token");
    // A resource server that looks for `active` alone would take it for an access token.
    assert_inactive(&introspect(&server, ("api", &api), &token));
    let told = introspect(&server, ("app", &app), &token).json();
    assert_eq!((&told["active"], &told["token_use"]), (&json!(true), &json!("refresh_token")));
    assert_eq!((&told["username"], &told["client_id"]), (&json!("ada"), &json!("app")));
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*token)];
    let next = super::ask(&server, ("app", &app), &form);
    let newest = text(&next, "refresh_token");
    assert_eq!(introspect(&server, ("app", &app), &newest).json()["active"], true);
    assert_eq!(introspect(&server, ("app", &app), &token).json()["active"], true, "in grace it is answered");
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*newest)];
    super::ask(&server, ("app", &app), &form);
    assert_inactive(&introspect(&server, ("app", &app), &token));
    assert_eq!(refresh(&server, &newest).status, 400, "another client's");
    server.cli(&["user", "disable", "ada"], "");
    assert_inactive(&introspect(&server, ("app", &app), &newest));
}

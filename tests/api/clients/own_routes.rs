//! The server's own routes, `/admin`, `/sessions` and `/me`: which tokens of which clients they accept.

use super::{admin, ask, introspect, register, request, service, start};
use crate::{
    audit::exported,
    backing::{Backing, on_every_store},
    forge::Token,
    http::{Reply, Request},
    server::{PASSWORD, Server, assert_token_error},
    servers::eventually,
    tokens::text,
    well_known::within_a_second,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    time::Duration,
};

on_every_store![
    own_routes_accept_only_tokens_that_were_granted_their_scope,
    own_scopes_are_granted_only_to_clients_registered_for_them,
    roles_stand_only_in_tokens_that_were_granted_them,
    a_changed_registration_closes_the_own_routes_on_every_server,
    a_scope_that_is_taken_away_before_the_body_has_arrived_is_missing,
    a_user_who_is_no_admin_any_more_loses_the_admin_api,
    a_service_administers_and_the_audit_log_names_it,
];

const OWN: &str = "countersign:account countersign:admin countersign:roles";

/// All methods and paths of the API document that begin so, with ids that nobody has. Allowed or not,
/// such a request changes nothing.
fn own_routes() -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(include_str!("../../../docs/openapi.json")).expect("JSON");
    let mut routes = vec![];
    for (path, item) in document["paths"].as_object().expect("paths") {
        if !["/admin/", "/sessions", "/me"].iter().any(|prefix| path.starts_with(prefix))
            || path == "/metrics"
        {
            continue;
        }
        let id = if path.starts_with("/admin/clients") {
            "nobody"
        } else {
            "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
        };
        let filled = path.replace("{id}", id).replace("{session}", "AAAAAAAAAAAAAAAAAAAAAA");
        for method in item.as_object().expect("methods").keys() {
            let query = if method == "delete" && path == "/sessions" { "?except=nothing" } else { "" };
            routes.push((method.to_uppercase(), format!("{filled}{query}")));
        }
    }
    routes
}

fn log_in(server: &Server, user: &str, client: (&str, &str), scope: &str) -> Reply {
    let form = [("username", user), ("password", PASSWORD), ("scope", scope)];
    match client {
        (id, "") => server.send(Request::post("/token").form(&[&form[..], &[("client_id", id)]].concat())),
        client => ask(server, client, &form),
    }
}

fn token(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text());
    text(reply, "access_token")
}

fn own_token(server: &Server, client: (&str, &str), scope: &str) -> String {
    token(&ask(server, client, &[("grant_type", "client_credentials"), ("scope", scope)]))
}

/// What a token may do on one of the three kinds of routes.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Allowed,
    /// 401.
    Unknown,
    /// 403 whose challenge names this scope.
    NeedsScope(&'static str),
    /// 403 whose challenge names none.
    Forbidden,
}

#[track_caller]
fn check(server: &Server, who: &str, token: &str, [me, account, admin]: [Answer; 3]) {
    for (method, path) in own_routes() {
        let answer = match &*path {
            "/me" => me,
            path if path.starts_with("/admin/") => admin,
            _ => account,
        };
        let sent = request(&method, &path, None);
        let reply = server.send(if token.is_empty() { sent } else { sent.bearer(token) });
        let what = format!("{who}: {method} {path}: {} {}", reply.status, reply.text());
        let challenge = reply.header("www-authenticate");
        match answer {
            Answer::Allowed => assert!(![401, 403].contains(&reply.status) && challenge.is_none(), "{what}"),
            Answer::Unknown => assert_eq!((reply.status, challenge), (401, Some("Bearer")), "{what}"),
            Answer::NeedsScope(_) | Answer::Forbidden => {
                assert_eq!(
                    (reply.status, &reply.json()["error"]),
                    (403, &json!("insufficient_scope")),
                    "{what}"
                );
                let challenge = challenge.expect("RFC 6750 §3");
                assert!(
                    challenge.starts_with("Bearer error=\"insufficient_scope\", "),
                    "{what}: {challenge}"
                );
                let named = challenge.split_once(", scope=\"").map(|(_, scope)| scope.trim_end_matches('"'));
                let expected = if let Answer::NeedsScope(scope) = answer { Some(scope) } else { None };
                assert_eq!(named, expected, "{what}");
            }
        }
    }
}

fn own_routes_accept_only_tokens_that_were_granted_their_scope(on: &Backing) {
    use Answer::{Allowed, Forbidden, NeedsScope, Unknown};
    const ACCOUNT: Answer = NeedsScope("countersign:account");
    const ADMIN: Answer = NeedsScope("countersign:admin");
    let server = start(on);
    register(&server, "web", &["--public", "--scope", "items"]);
    register(&server, "console", &["--public", "--scope", &format!("items {OWN}")]);
    let grants = ["--grant", "password", "--grant", "client_credentials"];
    let backend = register(&server, "backend", &[&grants[..], &["--scope", OWN]].concat()).expect("a secret");
    let worker = service(&server, "worker", &[]);
    let ops = register(&server, "ops", &["--scope", "countersign:admin"]).expect("a secret");
    let users = admin(&server, &server.login("root"), "GET", "/admin/users", None).json();

    let paths: BTreeSet<_> = own_routes().into_iter().collect();
    assert!(paths.len() >= 18, "the document has them all: {paths:?}");
    check(&server, "nobody", "", [Unknown; 3]);
    for (user, client, scope, expected) in [
        ("ada", ("first-party", ""), "items", [Allowed, Allowed, Forbidden]),
        ("root", ("first-party", ""), "items", [Allowed, Allowed, Allowed]),
        ("root", ("web", ""), "items", [Allowed, ACCOUNT, ADMIN]),
        ("root", ("console", ""), "items", [Allowed, ACCOUNT, ADMIN]),
        ("root", ("console", ""), "countersign:roles", [Allowed, ACCOUNT, ADMIN]),
        ("root", ("console", ""), "countersign:account", [Allowed, Allowed, ADMIN]),
        ("root", ("console", ""), "countersign:admin", [Allowed, ACCOUNT, Allowed]),
        ("root", ("console", ""), OWN, [Allowed, Allowed, Allowed]),
        ("ada", ("console", ""), OWN, [Allowed, Allowed, ADMIN]),
        ("root", ("backend", &*backend), OWN, [Allowed, Allowed, Allowed]),
        ("ada", ("backend", &*backend), "countersign:roles", [Allowed, ACCOUNT, ADMIN]),
    ] {
        let token = token(&log_in(&server, user, client, scope));
        check(&server, &format!("{user} through {} for {scope}", client.0), &token, expected);
    }
    for (client, scope, expected) in [
        (("worker", &*worker), "items", [Forbidden, Forbidden, ADMIN]),
        (("ops", &*ops), "countersign:admin", [Forbidden, Forbidden, Allowed]),
        (("backend", &*backend), "countersign:admin", [Forbidden, Forbidden, Allowed]),
    ] {
        check(&server, client.0, &own_token(&server, client, scope), expected);
    }
    let unasked = token(&ask(&server, ("ops", &ops), &[("grant_type", "client_credentials")]));
    check(&server, "ops, with nothing asked for", &unasked, [Forbidden, Forbidden, ADMIN]);
    let after = admin(&server, &server.login("root"), "GET", "/admin/users", None).json();
    assert_eq!(after, users, "nothing was changed");
    server.is_well();
}

fn own_scopes_are_granted_only_to_clients_registered_for_them(on: &Backing) {
    // Known without SCOPES.
    let server = on.start_with(&[]);
    server.user("ada", &[]);
    server.user("root", &["admin"]);
    for scope in ["countersign:other", "countersign:", "countersign:Admin", "countersign:admin items"] {
        let output = server.try_cli(&["client", "add", "web", "--public", "--scope", scope]);
        assert_eq!(output.status.code(), Some(2), "{scope}: {output:?}");
        let body = json!({ "id": "web", "public": true, "scope": scope });
        let root = server.login("root");
        super::assert_bad(&admin(&server, &root, "POST", "/admin/clients", Some(&body)), "scope: ", scope);
    }
    register(&server, "console", &["--public", "--scope", OWN]);
    register(&server, "web", &["--public", "--scope", "countersign:account"]);
    let ops = register(&server, "ops", &["--scope", OWN]).expect("a secret");
    let granted = |user, client, scope| log_in(&server, user, client, scope).json()["scope"].clone();
    assert_eq!(granted("root", ("console", ""), OWN), OWN);
    assert_eq!(granted("ada", ("console", ""), OWN), "countersign:account countersign:roles", "no admin");
    assert_eq!(granted("root", ("web", ""), OWN), "countersign:account");
    assert_eq!(granted("root", ("first-party", ""), &format!("{OWN} offline_access")), "offline_access");
    for (user, client, scope) in [
        ("root", "first-party", OWN),
        ("root", "first-party", "countersign:admin"),
        ("root", "web", "countersign:admin"),
        ("ada", "console", "countersign:admin"),
        ("root", "console", "countersign:other"),
    ] {
        assert_token_error(&log_in(&server, user, (client, ""), scope), "invalid_scope");
    }
    let own = |scope| ask(&server, ("ops", &ops), &[("grant_type", "client_credentials"), ("scope", scope)]);
    assert_eq!(own(OWN).json()["scope"], "countersign:admin", "a service has no account and no roles");
    assert_token_error(&own("countersign:account countersign:roles"), "invalid_scope");
}

fn roles_stand_only_in_tokens_that_were_granted_them(on: &Backing) {
    let server = start(on);
    server.user("joan", &["admin", "editor"]);
    register(&server, "web", &["--public", "--scope", "items"]);
    register(&server, "console", &["--public", "--scope", &format!("items {OWN}")]);
    let asking = service(&server, "asking", &["--introspects"]);
    for (client, scope, expected) in [
        ("first-party", "items", json!(["admin", "editor"])),
        ("web", "items", json!([])),
        ("console", "items", json!([])),
        ("console", "countersign:account", json!([])),
        ("console", "countersign:roles", json!(["admin", "editor"])),
        ("console", "countersign:admin", json!(["admin", "editor"])),
    ] {
        let scope = format!("{scope} offline_access");
        let reply = log_in(&server, "joan", (client, ""), &scope);
        let check = |token: &str| {
            let told = introspect(&server, ("asking", &asking), token).json();
            let roles =
                [&Token::parse(token).claims["roles"], &server.me(token).json()["roles"], &told["roles"]];
            assert_eq!(roles, [&expected; 3], "{client}: {scope}");
        };
        check(&token(&reply));
        let refresh = |scope: &str| {
            let form = [("grant_type", "refresh_token"), ("client_id", client), ("scope", scope)];
            let token = text(&reply, "refresh_token");
            server.send(Request::post("/token").form(&[&form[..], &[("refresh_token", &*token)]].concat()))
        };
        check(&token(&refresh("")));
        // Narrowed, it carries them no more.
        let narrow = token(&refresh("offline_access"));
        if client != "first-party" {
            assert_eq!(Token::parse(&narrow).claims["roles"], json!([]), "{client}: {scope}");
        }
    }
}

fn status(server: &Server, token: &str, path: &str) -> u16 {
    server.send(Request::get(path).bearer(token)).status
}

fn a_changed_registration_closes_the_own_routes_on_every_server(on: &Backing) {
    let server = start(on);
    let beside = on.start_beside(&server, &[super::SCOPES]);
    let change = |id: &str, body: Value| {
        let root = server.login("root");
        let reply = admin(&server, &root, "PATCH", &format!("/admin/clients/{id}"), Some(&body));
        assert_eq!(reply.status, 200, "{}", reply.text());
    };
    register(&server, "console", &["--public", "--scope", OWN]);
    let ops = register(&server, "ops", &["--scope", "countersign:admin"]).expect("a secret");
    for taken in [json!({ "scope": "items" }), json!({ "disabled": true })] {
        let user = token(&log_in(&server, "root", ("console", ""), OWN));
        let service = own_token(&server, ("ops", &ops), "countersign:admin");
        for on in [&server, &beside] {
            for (token, path) in [(&user, "/sessions"), (&user, "/admin/users"), (&service, "/admin/users")] {
                assert_eq!(status(on, token, path), 200, "{path}");
            }
        }
        change("console", taken.clone());
        change("ops", taken.clone());
        for (token, path) in [(&user, "/sessions"), (&user, "/admin/users"), (&service, "/admin/users")] {
            assert_eq!(status(&server, token, path), 401, "{taken}: {path}");
            // It may not have heard of the revocation yet, and asks the record.
            let other = status(&beside, token, path);
            assert!([401, 403].contains(&other), "{taken}: {path}: {other}");
            within_a_second(|| status(&beside, token, path) == 401);
        }
        change("console", json!({ "scope": OWN, "disabled": false }));
        change("ops", json!({ "scope": "countersign:admin", "disabled": false }));
        for on in [&server, &beside] {
            assert_eq!(status(on, &user, "/admin/users"), 401, "what was revoked stays so");
            assert_eq!(status(on, &service, "/admin/users"), 401, "what was revoked stays so");
        }
    }
}

fn a_scope_that_is_taken_away_before_the_body_has_arrived_is_missing(on: &Backing) {
    let server = start(on);
    let ops = register(&server, "ops", &["--scope", "countersign:admin"]).expect("a secret");
    let (token, root) = (own_token(&server, ("ops", &ops), "countersign:admin"), server.login("root"));
    let body = r#"{"username":"grace"}"#;
    let mut stream = TcpStream::connect(server.address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    let head = format!(
        "POST /admin/users HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut lines =
        BufReader::new(stream.try_clone().expect("a handle")).lines().map(|line| line.expect("a line"));
    // It is read only once the guard has accepted the caller.
    assert_eq!(lines.next().as_deref(), Some("HTTP/1.1 100 Continue"));
    assert_eq!(lines.next().as_deref(), Some(""));
    let narrower = json!({ "scope": "items" });
    assert_eq!(admin(&server, &root, "PATCH", "/admin/clients/ops", Some(&narrower)).status, 200);
    stream.write_all(body.as_bytes()).expect("sent");
    let status = lines.next().unwrap_or_default();
    assert!(status.starts_with("HTTP/1.1 401 "), "{status}");
    let users = admin(&server, &root, "GET", "/admin/users?search=grace", None).json();
    assert_eq!(users["users"], json!([]), "nobody was added");
}

fn a_user_who_is_no_admin_any_more_loses_the_admin_api(on: &Backing) {
    let server = start(on);
    let beside = on.start_beside(&server, &[super::SCOPES]);
    register(&server, "console", &["--public", "--scope", OWN]);
    server.user("joan", &["admin"]);
    let reply = log_in(&server, "joan", ("console", ""), &format!("{OWN} offline_access"));
    let access = token(&reply);
    assert_eq!(status(&beside, &access, "/admin/users"), 200);
    server.cli(&["user", "set-roles", "joan"], "");
    let other = status(&beside, &access, "/admin/users");
    assert!([401, 403].contains(&other), "{other}");
    within_a_second(|| status(&beside, &access, "/admin/users") == 401);
    let refresh = text(&reply, "refresh_token");
    let form = [("grant_type", "refresh_token"), ("client_id", "console"), ("refresh_token", &*refresh)];
    let next = beside.send(Request::post("/token").form(&form));
    assert_eq!(next.json()["scope"], "countersign:account countersign:roles offline_access");
    assert_eq!(status(&server, &token(&next), "/admin/users"), 403);
    assert_eq!(status(&server, &token(&next), "/sessions"), 200);
}

fn a_service_administers_and_the_audit_log_names_it(on: &Backing) {
    let server = start(on);
    let ops = register(&server, "ops", &["--scope", "countersign:admin"]).expect("a secret");
    let token = own_token(&server, ("ops", &ops), "countersign:admin");
    let send = |method: &str, path: &str, body: Option<Value>| {
        let reply = admin(&server, &token, method, path, body.as_ref());
        assert!(reply.status < 300, "{method} {path}: {} {}", reply.status, reply.text());
        reply
    };
    let added = send("POST", "/admin/users", Some(json!({ "username": "grace", "roles": ["admin"] })));
    let path = format!("/admin/users/{}", text(&added, "id"));
    send("PATCH", &path, Some(json!({ "roles": ["editor"] })));
    send("POST", &format!("{path}/password"), None);
    assert_eq!(send("GET", &format!("{path}/sessions"), None).json(), json!({ "sessions": [] }));
    send("DELETE", &format!("{path}/sessions"), None);
    send("DELETE", &path, None);
    send("POST", "/admin/clients", Some(json!({ "id": "worker" })));
    send("PATCH", "/admin/clients/worker", Some(json!({ "name": "Worker" })));
    send("POST", "/admin/clients/worker/rotate-secret", None);
    send("DELETE", "/admin/clients/worker", None);
    let expected = [
        "user_add",
        "user_roles",
        "user_password",
        "sessions_end",
        "user_delete",
        "client_add",
        "client_change",
        "client_secret",
        "client_delete",
    ];
    eventually("the lines are in the store", || {
        let lines = exported(&server, &[]);
        let by_it = lines.iter().filter(|line| line["by"] == "client:ops" && line["outcome"] == "done");
        by_it.map(|line| line["event"].as_str().unwrap_or_default()).eq(expected)
    });
    server.is_well();
}

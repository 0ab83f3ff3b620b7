//! Clients: who they prove to be, what they may do, and what they can ask and end.

mod admin;
mod assertion;
mod authentication;
mod bound;
mod changing;
mod command;
mod introspect;
mod own_routes;
mod races;
mod revoke;
mod scopes;
mod services;

use crate::{
    backing::Backing,
    http::{Reply, Request},
    server::Server,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

/// What the servers of these tests can grant.
pub const SCOPES: (&str, &str) = ("COUNTERSIGN_SCOPES", "items reports:read reports:write");

/// A server with the users `ada` and `root` (an admin), and [`SCOPES`].
pub fn start(on: &Backing) -> Server {
    let server = on.start_with(&[SCOPES]);
    server.user("ada", &[]);
    server.user("root", &["admin"]);
    server
}

/// Registers a client by the command line; returns its secret, if it has one.
pub fn register(server: &Server, id: &str, arguments: &[&str]) -> Option<String> {
    let printed = server.cli(&[&["client", "add", id], arguments].concat(), "");
    printed.trim_end().strip_prefix("secret: ").map(str::to_owned)
}

/// A service with a secret and every scope, and what it may be told besides.
pub fn service(server: &Server, id: &str, arguments: &[&str]) -> String {
    let arguments = [&["--scope", SCOPES.1], arguments].concat();
    register(server, id, &arguments).expect("a secret")
}

/// The header of HTTP Basic for an id and a secret that need no form-encoding.
pub fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}

/// `POST /token` as a client of that id and secret.
pub fn ask(server: &Server, (id, secret): (&str, &str), form: &[(&str, &str)]) -> Reply {
    server.send(Request::post("/token").form(form).header("Authorization", basic(id, secret)))
}

/// An access token of a service in its own name.
pub fn token_of_service(server: &Server, (id, secret): (&str, &str), scope: &str) -> String {
    let form = [("grant_type", "client_credentials"), ("scope", scope)];
    let reply = ask(server, (id, secret), &form);
    assert_eq!(reply.status, 200, "{}", reply.text());
    crate::tokens::text(&reply, "access_token")
}

/// A login of `ada` through a public client: access and refresh token.
pub fn login_through(server: &Server, client: &str, scope: &str) -> (String, String) {
    let scope = format!("offline_access {scope}");
    let form = [
        ("username", "ada"),
        ("password", crate::server::PASSWORD),
        ("client_id", client),
        ("scope", scope.trim_end()),
    ];
    let reply = server.send(Request::post("/token").form(&form));
    assert_eq!(reply.status, 200, "{}", reply.text());
    (crate::tokens::text(&reply, "access_token"), crate::tokens::text(&reply, "refresh_token"))
}

/// `POST /revoke` with these parameters; a confidential client has a secret.
pub fn revoke(server: &Server, (id, secret): (&str, &str), form: &[(&str, &str)]) -> Reply {
    about(server, "/revoke", (id, secret), form)
}

/// `POST /introspect`, likewise.
pub fn introspect(server: &Server, (id, secret): (&str, &str), token: &str) -> Reply {
    about(server, "/introspect", (id, secret), &[("token", token)])
}

fn about(server: &Server, route: &str, (id, secret): (&str, &str), form: &[(&str, &str)]) -> Reply {
    match secret {
        "" => server.send(Request::post(route).form(&[form, &[("client_id", id)]].concat())),
        _ => server.send(Request::post(route).form(form).header("Authorization", basic(id, secret))),
    }
}

/// A request with this JSON, if any.
pub fn request(method: &str, path: &str, body: Option<&Value>) -> Request {
    let request = Request::new(method, path);
    match body {
        Some(body) => request.body("application/json", body.to_string()),
        None => request,
    }
}

/// The same with an access token, sent.
pub fn admin(server: &Server, token: &str, method: &str, path: &str, body: Option<&Value>) -> Reply {
    server.send(request(method, path, body).bearer(token))
}

/// 400 with a constant text that names what is wrong and repeats nothing that was sent.
#[track_caller]
pub fn assert_bad(reply: &Reply, named: &str, what: &str) {
    assert_eq!(reply.status, 400, "{what}: {}", reply.text());
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let body = reply.json();
    assert_eq!(
        (body["error"].as_str(), body.as_object().map(|body| body.len())),
        (Some("invalid_request"), Some(2))
    );
    let text = body["error_description"].as_str().unwrap_or_default();
    assert!(text.contains(named), "{what}: {text}");
    assert!(!text.contains("hunter2"), "{what}: {text}");
}

/// 401 `invalid_client`, with the scheme by which clients authenticate (RFC 6749 §5.2).
#[track_caller]
pub fn assert_invalid_client(reply: &Reply) {
    let error = reply.json()["error"].clone();
    assert_eq!((reply.status, error.as_str()), (401, Some("invalid_client")), "{reply:?}");
    assert_eq!(reply.header("www-authenticate"), Some("Basic realm=\"countersign\""));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

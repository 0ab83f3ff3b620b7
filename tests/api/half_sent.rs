//! What happens to a caller between the two halves of their body.

use crate::{
    backing::Backing,
    clients::{SCOPES, admin, service, token_of_service},
    http::{Reply, reply_on},
    server::{PASSWORD, Server},
    servers::eventually,
    tokens::text,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, io::Write, net::TcpStream, time::Duration};

/// What the log says when the guard has accepted a caller whose body is still to be read.
const ACCEPTED: &str = "the caller is accepted; the body is read";

/// A request with a body that a guard is before.
struct Guarded {
    method: &'static str,
    /// As the API's document writes it.
    route: &'static str,
    path: String,
    body: Value,
}

/// Each route that has both a guard and a body, asked by the admin `eve` with a body that would be good.
fn all(ada: &str, eve: &str) -> Vec<Guarded> {
    let new = |method, route, path: String, body| Guarded { method, route, path, body };
    let users = "/admin/users";
    let clients = "/admin/clients";
    vec![
        new("POST", users, users.into(), json!({ "username": "new", "roles": ["admin"] })),
        new(
            "PATCH",
            "/admin/users/{id}",
            format!("{users}/{eve}"),
            json!({ "roles": ["admin"], "disabled": false }),
        ),
        new("PATCH", "/admin/users/{id}", format!("{users}/{ada}"), json!({ "roles": ["admin"] })),
        new(
            "POST",
            "/admin/users/{id}/password",
            format!("{users}/{ada}/password"),
            json!({ "password": "difference-engine" }),
        ),
        new("POST", clients, clients.into(), json!({ "id": "new", "public": true })),
        new("PATCH", "/admin/clients/{id}", format!("{clients}/worker"), json!({ "disabled": true })),
        new(
            "POST",
            "/admin/clients/{id}/rotate-secret",
            format!("{clients}/worker/rotate-secret"),
            json!({ "overlap": 0 }),
        ),
        new(
            "POST",
            "/me/password",
            "/me/password".into(),
            json!({ "current_password": PASSWORD, "new_password": "difference-engine" }),
        ),
    ]
}

/// The server, its users by id, and the secret of the client `worker`.
struct Scene {
    server: Server,
    ada: String,
    eve: String,
    secret: String,
}

impl Scene {
    fn set(on: &Backing) -> Self {
        let server = on.start_with(&[SCOPES]);
        for (name, roles) in [("ada", &[][..]), ("eve", &["admin"]), ("root", &["admin"])] {
            server.user(name, roles);
        }
        let secret = service(&server, "worker", &[]);
        let id = |name| text(&server.me(&server.login(name)), "id");
        let (ada, eve) = (id("ada"), id("eve"));
        Self { server, ada, eve, secret }
    }

    /// Everything that these routes could change: what an admin sees, and whether `ada` and the client
    /// still get in.
    fn state(&self, root: &str) -> [Value; 2] {
        self.server.login("ada");
        token_of_service(&self.server, ("worker", &self.secret), "items");
        ["/admin/users?limit=200", "/admin/clients?limit=200"].map(|path| {
            let reply = admin(&self.server, root, "GET", path, None);
            assert_eq!(reply.status, 200, "{}", reply.text());
            reply.json()
        })
    }
}

impl Guarded {
    /// Sends the head of a request and half of its body; returns the other half too.
    fn begin(&self, server: &Server, authorization: &str) -> (TcpStream, String) {
        let Self { method, path, body, .. } = self;
        // Rocket itself waits for the first 14 bytes before anything else.
        let body = format!("{body}{:40}", "");
        let (first, rest) = body.split_at(body.len() / 2);
        let length = body.len();
        let sent = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}Content-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{first}"
        );
        let mut connection = TcpStream::connect(server.address).expect("the server accepts connections");
        connection.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
        connection.write_all(sent.as_bytes()).expect("written");
        (connection, rest.to_owned())
    }

    /// Sends the rest once the guard has accepted the caller and something has happened to them.
    fn send_around(&self, server: &Server, token: &str, meanwhile: impl FnOnce()) -> Reply {
        // The test sends one request after the other, so it is this one that is waited for.
        let accepted = || server.log().matches(ACCEPTED).count();
        let before = accepted();
        let (mut connection, rest) = self.begin(server, &format!("Authorization: Bearer {token}\r\n"));
        eventually("the guard has accepted the caller", || accepted() > before);
        meanwhile();
        reply_on(&mut connection, rest.as_bytes())
    }
}

#[test]
fn a_caller_who_loses_their_rights_before_the_body_ends_changes_nothing() {
    loses_rights(&Backing::sqlite());
}

#[test]
fn the_same_where_users_and_sessions_are_in_two_stores() {
    loses_rights(&Backing::postgres_and_redis());
}

fn loses_rights(on: &Backing) {
    let scene = Scene::set(on);
    let Scene { server, ada, eve, .. } = &scene;
    let root = server.login("root");
    let path = format!("/admin/users/{eve}");
    let set = |body: Value| {
        let reply = admin(server, &root, "PATCH", &path, Some(&body));
        assert_eq!(reply.status, 200, "{}", reply.text());
    };
    let before = scene.state(&root);
    for guarded in all(ada, eve) {
        let what = format!("{} {}", guarded.method, guarded.path);
        let token = server.login("eve");
        let reply = guarded.send_around(server, &token, || set(json!({ "disabled": true, "roles": [] })));
        assert!([401, 403].contains(&reply.status), "{what}: {}", reply.text());
        assert!(reply.header("www-authenticate").is_some(), "{what}");
        set(json!({ "disabled": false, "roles": ["admin"] }));
        assert_eq!(scene.state(&root), before, "{what}");
    }
    // So that it was the lost rights that were refused.
    for guarded in all(ada, eve) {
        let token = server.login("eve");
        let reply = guarded.send_around(server, &token, || server.accepts(&token));
        assert!((200..300).contains(&reply.status), "{}: {}", guarded.path, reply.text());
    }
}

#[test]
fn a_refused_caller_is_answered_before_the_body_has_come() {
    let scene = Scene::set(&Backing::sqlite());
    let Scene { server, ada, eve, .. } = &scene;
    for guarded in all(ada, eve) {
        for authorization in ["", "Authorization: Bearer rubbish\r\n"] {
            let (mut connection, _) = guarded.begin(server, authorization);
            let reply = reply_on(&mut connection, b"");
            assert_eq!(reply.status, 401, "{} {}: {}", guarded.method, guarded.path, reply.text());
        }
    }
}

/// The API's document knows all routes, so none is left out of the table.
#[test]
fn the_table_has_every_route_with_a_guard_and_a_body() {
    let document: Value = serde_json::from_str(include_str!("../../docs/openapi.json")).expect("JSON");
    let mut expected = BTreeSet::new();
    for (route, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let ways = operation["security"].as_array().cloned().unwrap_or_default();
            let needs_token = ways.iter().any(|way| way.get("countersign.bearer").is_some());
            // Where a token is optional, as at /logout, a lost one is as good as none.
            let is_optional = ways.contains(&json!({}));
            if operation.get("requestBody").is_some() && needs_token && !is_optional {
                expected.insert((method.to_uppercase(), route.clone()));
            }
        }
    }
    let table = all("ada", "eve").iter().map(|one| (one.method.to_owned(), one.route.to_owned())).collect();
    assert!(expected.len() > 6);
    assert_eq!(expected, table);
}

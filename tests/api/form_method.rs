//! Rocket's `_method`: a form never changes the method of its request, and each request is answered.

use crate::{
    http::{Reply, Request, send_raw},
    metrics::own_address,
    server::{PASSWORD, Server},
};
use serde_json::json;

/// How the field may be written so that Rocket takes it, or might.
const FIELDS: [&str; 15] = [
    "_method=HEAD",
    "_method=head",
    "_method=GET",
    "_method=PUT",
    "_method=PATCH",
    "_method=TRACE",
    "_method=DELETE",
    "_method=CONNECT",
    "_method=OPTIONS",
    "&_method=GET",
    "&_method=HEAD",
    "&&&_method=PUT",
    "%5Fmethod=HEAD",
    "%5fmethod=get",
    "_method=HEAD&_method=DELETE",
];

/// How the type of a form may be written.
const KINDS: [&str; 3] = [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-8",
    "Application/X-WWW-Form-URLencoded;x=y",
];

/// Each path that the server documents, with a name in the place of a parameter, and some others.
fn paths(server: &Server) -> Vec<String> {
    let document = server.send(Request::get("/openapi.json")).json();
    let documented = document["paths"].as_object().expect("paths").keys();
    let documented = documented.map(|path| path.replace(['{', '}'], ""));
    let others = ["/", "/nowhere", "/account", "/account/main.js", "/docs/", "/openapi.json"];
    let all: Vec<_> = documented.chain(others.map(str::to_owned)).collect();
    assert!(all.len() > 25, "{all:?}");
    all
}

/// What tells one answer from another.
fn essence(reply: &Reply) -> (u16, Option<&str>, &[u8]) {
    (reply.status, reply.header("allow"), &reply.body)
}

// H11
#[test]
fn a_form_is_answered_as_if_its_field_had_another_name() {
    let server = Server::start();
    let token = server.login("ada");
    for path in paths(&server) {
        for (at, field) in FIELDS.into_iter().enumerate() {
            let kind = KINDS[at % KINDS.len()];
            let post = |field: &str| {
                let request = Request::post(&path).body(kind, field);
                // Which would log out.
                let request = if path == "/logout" { request } else { request.bearer(&token) };
                server.send(request)
            };
            let (asked, control) = (post(field), post(&field.replace("ethod=", "ethox=")));
            assert_eq!(essence(&asked), essence(&control), "{path} {kind} {field}");
        }
    }
    server.accepts(&token);
}

// H11
#[test]
fn a_form_ends_no_session_and_deletes_no_user() {
    let server = Server::start();
    server.user("root", &["admin"]);
    let (ada, root) = (server.login("ada"), server.login("root"));
    let id = server.me(&ada).json()["id"].as_str().expect("an id").to_owned();
    let user = format!("/admin/users/{id}");
    for field in ["_method=DELETE", "_method=delete&x=1"] {
        for path in ["/sessions".to_owned(), user.clone(), format!("{user}/sessions")] {
            let reply = server.send(Request::post(&path).bearer(&root).raw_form(field));
            assert_eq!(reply.status, 405, "{path} {}", reply.text());
        }
        server.accepts(&ada);
        server.accepts(&root);
    }
    assert_eq!(server.send(Request::get(&user).bearer(&root)).status, 200);
    // The control: the same by their own methods.
    assert_eq!(server.send(Request::new("DELETE", &user).bearer(&root)).status, 204);
}

// H11
#[test]
fn a_form_does_what_it_says_whatever_its_first_field_is_called() {
    let server = Server::start();
    for field in FIELDS {
        let login = format!("{field}&username=ada&password={PASSWORD}");
        let reply = server.send(Request::post("/token").raw_form(login));
        assert_eq!(reply.status, 200, "{field}: {}", reply.text());
        let token = reply.json()["access_token"].as_str().expect("a token").to_owned();
        let reply = server.send(Request::post("/revoke").raw_form(format!("{field}&token={token}")));
        assert_eq!(reply.status, 200, "{field}");
        server.refuses(&token);
    }
}

#[test]
fn other_methods_than_post_stay_what_they_are() {
    let server = Server::start();
    let token = server.login("ada");
    let ask = |method: &str, path: &str, body: &str| {
        server.send(Request::new(method, path).bearer(&token).raw_form(body))
    };
    assert_eq!(ask("GET", "/me", "_method=DELETE").status, 200);
    assert_eq!(ask("GET", "/me", "x=y").json()["username"], json!("ada"));
    assert_eq!(ask("PUT", "/me", "_method=GET").status, 405);
    assert_eq!(ask("DELETE", "/sessions", "_method=POST").json()["ended"], 1);
}

#[test]
fn the_address_of_the_metrics_is_no_exception() {
    let server = Server::start_with(&[("COUNTERSIGN_METRICS", "127.0.0.1:0")]);
    let metrics = own_address(&server);
    for path in ["/metrics", "/health/ready"] {
        for field in FIELDS {
            assert_eq!(Request::post(path).raw_form(field).send(metrics).status, 405, "{path} {field}");
        }
        let bare = send_raw(metrics, format!("GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n").as_bytes());
        assert_eq!(bare.status, 400, "{path} without a Host");
        assert_eq!(Request::get(path).send(metrics).status, 200);
    }
}

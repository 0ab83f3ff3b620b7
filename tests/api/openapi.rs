//! The OpenAPI document and its page, of the real program.

use crate::{
    http::Request,
    server::{KEY, PASSWORD, Server, run},
};
use serde_json::Value;
use tempfile::TempDir;

const DOCS: (&str, &str) = ("COUNTERSIGN_DOCS", "on");

#[test]
fn the_command_prints_what_is_served_and_asks_no_store() {
    let folder = TempDir::new().unwrap();
    // Nobody listens there.
    let unreachable = ("COUNTERSIGN_DATABASE_URL", "postgres://nobody:xW4rqLm2Tz@127.0.0.1:1/none");
    let output = run(folder.path(), &[("COUNTERSIGN_SIGNING_KEY", KEY), DOCS, unreachable], &["openapi"], "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let server = Server::start_with(&[DOCS]);
    assert_eq!(server.send(Request::get("/openapi.json")).json(), printed);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it makes no file");
}

#[test]
fn wrong_settings_are_told_of_instead() {
    let folder = TempDir::new().unwrap();
    let wrong = ("COUNTERSIGN_DOCS", "perhaps");
    let output = run(folder.path(), &[("COUNTERSIGN_SIGNING_KEY", KEY), wrong], &["openapi"], "");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("COUNTERSIGN_DOCS: must be on or off"));
}

/// What Swagger UI sends when one has typed a name and a password, and no client.
#[test]
fn what_authorize_sends_logs_in_and_opens_what_is_tried_out() {
    let server = Server::start_with(&[DOCS]);
    server.user("ada", &[]);
    let document = server.send(Request::get("/openapi.json")).json();
    let flow = &document["components"]["securitySchemes"]["countersign.login"]["flows"]["password"];
    let request = Request::post(flow["tokenUrl"].as_str().expect("a URL"))
        .header("Origin", "http://localhost")
        .header("Sec-Fetch-Site", "same-origin")
        .header("Authorization", "Basic Og==")
        .form(&[("grant_type", "password"), ("username", "ada"), ("password", PASSWORD)]);
    let reply = server.send(request);
    assert_eq!(reply.status, 200, "{}", reply.text());
    server.accepts(reply.json()["access_token"].as_str().expect("a token"));
}

#[test]
fn in_production_neither_is_there_unless_asked_for() {
    let server = Server::start_with(&[("ROCKET_PROFILE", "release")]);
    for path in ["/openapi.json", "/docs", "/docs/"] {
        let reply = server.send(Request::get(path));
        assert_eq!((reply.status, reply.json()["error"].as_str()), (404, Some("not_found")), "{path}");
    }
}

//! Errors of Rocket's own: JSON with constant texts, and nothing about what runs here.

use crate::{http::Request, server::Server};

#[test]
fn every_error_is_json_without_a_version() {
    let server = Server::start();
    for (request, status, error) in [
        (Request::get("/nowhere"), 404, "not_found"),
        (Request::get("/sessions/x/y"), 404, "not_found"),
        (Request::post("/me"), 405, "method_not_allowed"),
        (Request::new("PUT", "/health/live"), 405, "method_not_allowed"),
        (Request::get("/me"), 401, "unauthorized"),
        (Request::post("/token").raw_form("x".repeat(20 << 10)), 413, "payload_too_large"),
    ] {
        let reply = server.send(request);
        assert_eq!((reply.status, reply.json()["error"].as_str()), (status, Some(error)));
        assert!(reply.json()["error_description"].is_string());
        assert_eq!(reply.header("server"), None);
        assert!(!reply.text().to_lowercase().contains("rocket"));
    }
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let server = Server::start();
    let allow = |method, path| server.send(Request::new(method, path)).header("allow").map(str::to_owned);
    assert_eq!(allow("POST", "/me").as_deref(), Some("GET, HEAD"));
    assert_eq!(allow("PATCH", "/sessions").as_deref(), Some("DELETE, GET, HEAD"));
    assert_eq!(allow("GET", "/sessions/abc").as_deref(), Some("DELETE"));
    assert_eq!(allow("GET", "/nowhere"), None);
}

#[test]
fn head_is_get_without_a_body() {
    let server = Server::start();
    let reply = server.send(Request::new("HEAD", "/health/live").header("Connection", "close"));
    assert_eq!((reply.status, reply.text()), (200, ""));
}

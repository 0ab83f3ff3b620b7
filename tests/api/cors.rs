//! Pages of other origins: what they may read, and which.

use crate::{
    http::{Reply, Request},
    server::Server,
    tokens::{browser, by_cookie, cookie},
};
use serde_json::json;

const APP: &str = "https://app.good.com";
const ORIGINS: (&str, &str) =
    ("COUNTERSIGN_ORIGINS", "https://good.com https://app.good.com http://127.0.0.1:3000");

/// Those that look like one that is allowed, and those that anybody can have.
const REFUSED: [&str; 14] = [
    "https://evil.com",
    "null",
    "*",
    "",
    "https://evil.good.com",
    "https://good.com.evil",
    "https://good.com.evil.com",
    "https://GOOD.COM",
    "HTTPS://good.com",
    "http://good.com",
    "https://good.com:443",
    "https://good.com:8443",
    "https://good.com/",
    "https://good.com https://evil.com",
];

fn server() -> Server {
    let server = Server::start_with(&[ORIGINS]);
    server.user("ada", &[]);
    server
}

fn preflight(path: &str, method: &str, origin: &str) -> Request {
    Request::new("OPTIONS", path).header("Origin", origin).header("Access-Control-Request-Method", method)
}

/// All that CORS has to say in an answer.
fn cors(reply: &Reply) -> Vec<(&str, &str)> {
    let headers = reply.headers.iter().filter(|(name, _)| name.starts_with("access-control-"));
    headers.map(|(name, value)| (name.trim_start_matches("access-control-"), value.as_str())).collect()
}

fn varies_on(reply: &Reply, header: &str) -> bool {
    let vary = reply.header("vary").unwrap_or_default();
    vary.split(", ").any(|name| name.eq_ignore_ascii_case(header))
}

// S06
#[test]
fn no_other_origin_may_read_anything() {
    let server = server();
    let token = server.login("ada");
    for origin in REFUSED {
        let reply = server.send(Request::get("/me").bearer(&token).header("Origin", origin));
        assert_eq!(cors(&reply), [], "{origin:?}");
        assert!(varies_on(&reply, "Origin"), "{origin:?}: a cache would give it to a page that may");
        let reply = server
            .send(preflight("/me", "GET", origin).header("Access-Control-Request-Headers", "authorization"));
        assert_eq!((reply.status, cors(&reply)), (403, vec![]), "{origin:?}");
        assert_eq!(reply.json()["error"], json!("cross_origin"), "{origin:?}");
    }
    let two = Request::get("/me").bearer(&token).header("Origin", APP).header("Origin", "https://evil.com");
    assert_eq!(cors(&server.send(two)), []);
}

// S06
#[test]
fn the_refresh_cookie_works_for_no_other_origin() {
    let server = server();
    let token = cookie(&browser(&server));
    for origin in REFUSED {
        let reply = server.send(by_cookie(&token).header("Origin", origin));
        assert_eq!((reply.status, cors(&reply)), (403, vec![]), "{origin:?}");
        assert_eq!(reply.header("set-cookie"), None, "{origin:?}");
    }
    let reply = server.send(by_cookie(&token).header("Origin", APP).header("Sec-Fetch-Site", "same-site"));
    assert_eq!(reply.status, 200, "nothing had been changed");
    assert_eq!(reply.header("access-control-allow-origin"), Some(APP));
    assert_eq!(reply.header("access-control-allow-credentials"), Some("true"));
}

#[test]
fn an_origin_that_is_allowed_may_read_errors_too() {
    let server = server();
    for (request, status) in [
        (Request::get("/me"), 401),
        (Request::get("/nowhere"), 404),
        (Request::post("/me"), 405),
        (Request::post("/token").form(&[("username", "ada"), ("password", "wrong password")]), 400),
        (Request::get("/health/live"), 200),
    ] {
        let reply = server.send(request.header("Origin", APP));
        assert_eq!(reply.status, status);
        assert_eq!(reply.header("access-control-allow-origin"), Some(APP), "{status}");
        let exposed = reply.header("access-control-expose-headers").expect("some");
        assert!(exposed.contains("WWW-Authenticate") && exposed.contains("Retry-After"), "{exposed}");
        assert!(!exposed.to_lowercase().contains("cookie") && exposed != "*", "{exposed}");
        assert!(varies_on(&reply, "Origin"));
    }
}

#[test]
fn a_preflight_is_answered_for_an_hour() {
    let server = server();
    let asked = "authorization,content-type";
    let reply =
        server.send(preflight("/sessions", "DELETE", APP).header("Access-Control-Request-Headers", asked));
    assert_eq!((reply.status, reply.text()), (204, ""));
    let id = reply.header("x-request-id").expect("it is a request like any other");
    assert!(server.says(&format!("id={id} method=OPTIONS route=\"unmatched\" status=204 ")));
    assert_eq!(reply.header("x-frame-options"), Some("DENY"));
    let expected = [
        ("allow-credentials", "true"),
        ("allow-headers", asked),
        ("allow-methods", "DELETE, GET, HEAD"),
        ("allow-origin", APP),
        ("max-age", "3600"),
    ];
    let mut found: Vec<_> = cors(&reply).into_iter().filter(|(name, _)| *name != "expose-headers").collect();
    found.sort_unstable();
    assert_eq!(found, expected);
    for header in ["Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method"] {
        assert!(varies_on(&reply, header), "{header}");
    }
    assert_eq!(server.send(preflight("/nowhere", "GET", APP)).status, 404);
    let odd = preflight("/me", "GET", APP).header("Access-Control-Request-Headers", "x: y");
    assert_eq!(server.send(odd).header("access-control-allow-headers"), None);
}

#[test]
fn options_that_are_no_preflight_are_a_wrong_method() {
    let server = server();
    for request in [
        Request::new("OPTIONS", "/me"),
        Request::new("OPTIONS", "/me").header("Origin", APP),
        Request::new("OPTIONS", "/me").header("Access-Control-Request-Method", "GET"),
    ] {
        assert_eq!(server.send(request).status, 405);
    }
}

#[test]
fn without_origins_nothing_is_said() {
    let server = Server::start();
    let reply = server.send(Request::get("/health/live").header("Origin", APP));
    assert_eq!((cors(&reply), reply.header("vary")), (vec![], None));
    assert_eq!(server.send(preflight("/me", "GET", APP)).status, 405);
}

//! The refresh cookie: who may use it, and where it goes.

use crate::{
    backing::{Backing, on_every_store},
    http::Request,
    server::assert_token_error,
    tokens::{browser, by_cookie, cookie, offline, refresh, same_origin, set_cookie, text},
};
use serde_json::json;

on_every_store![
    a_browser_gets_a_cookie_that_scripts_and_other_sites_cannot_use,
    a_token_travels_the_way_it_first_came,
    a_browser_behind_a_proxy_is_still_at_home,
    a_cookie_that_is_dead_is_taken_away,
];

// S01, S02
fn a_browser_gets_a_cookie_that_scripts_and_other_sites_cannot_use(on: &Backing) {
    let server = on.start();
    let login = browser(&server);
    assert_eq!(login.json().get("refresh_token"), None, "what is in the cookie is not in the body");
    let set = set_cookie(&login, "__Host-refresh").expect("a cookie").to_owned();
    let attributes: Vec<_> = set.split("; ").skip(1).collect();
    assert_eq!(attributes, ["Max-Age=1209600", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"]);
    let token = cookie(&login);
    for (what, request) in [
        ("nothing said", by_cookie(&token)),
        ("another origin", by_cookie(&token).header("Origin", "https://evil.example")),
        ("a null origin", by_cookie(&token).header("Origin", "null")),
        ("an origin that begins alike", by_cookie(&token).header("Origin", "http://localhost.evil.example")),
        ("two origins", same_origin(same_origin(by_cookie(&token)))),
        ("cross-site", by_cookie(&token).header("Sec-Fetch-Site", "cross-site")),
        ("same-site", by_cookie(&token).header("Sec-Fetch-Site", "same-site")),
        ("at odds", same_origin(by_cookie(&token)).header("Sec-Fetch-Site", "cross-site")),
    ] {
        let reply = server.send(request);
        assert_eq!((reply.status, &reply.json()["error"]), (403, &json!("cross_site")), "{what}");
        assert_eq!(reply.header("set-cookie"), None, "{what}");
    }
    let rotated = server.send(same_origin(by_cookie(&token)));
    assert_eq!(rotated.status, 200, "and nothing had been changed: {}", rotated.text());
    assert_eq!(rotated.json().get("refresh_token"), None, "what came by cookie leaves by cookie");
    let next = server.send(by_cookie(&cookie(&rotated)).header("Sec-Fetch-Site", "same-origin"));
    assert_eq!(next.status, 200, "either header is enough");
    let evil = Request::post("/token")
        .raw_form("username=ada&password=analytical-engine")
        .header("Origin", "https://evil.example");
    assert_eq!(server.send(evil).status, 403, "nor can another site's page log a browser in");
}

fn a_token_travels_the_way_it_first_came(on: &Backing) {
    let server = on.start();
    let (_, in_body) = offline(&server);
    let in_cookie = cookie(&browser(&server));
    assert_token_error(&refresh(&server, &in_cookie), "invalid_grant");
    assert_token_error(&server.send(same_origin(by_cookie(&in_body))), "invalid_grant");
    let twice = same_origin(by_cookie(&in_cookie)).header("Cookie", format!("__Host-refresh={in_cookie}"));
    assert_token_error(&server.send(twice), "invalid_request");
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*in_body)];
    let both = Request::post("/token").form(&form).header("Cookie", format!("__Host-refresh={in_cookie}"));
    assert_token_error(&server.send(same_origin(both)), "invalid_request");
    assert_eq!(refresh(&server, &in_body).status, 200);
    assert_eq!(server.send(same_origin(by_cookie(&in_cookie))).status, 200);
}

/// A proxy may add the usual port to the name; and names have no case.
fn a_browser_behind_a_proxy_is_still_at_home(on: &Backing) {
    let server = on.start();
    let mut token = cookie(&browser(&server));
    for (host, origin, status) in [
        ("app.example:443", "https://app.example", 200),
        ("app.example:80", "http://app.example", 200),
        ("APP.example", "https://app.example", 200),
        ("app.example:443", "http://app.example", 403),
        ("app.example:8443", "https://app.example", 403),
        ("app.example", "https://app.example.evil", 403),
    ] {
        let head = format!(
            "POST /token HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: close\r\n\
             Cookie: __Host-refresh={token}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: 24\r\n\r\ngrant_type=refresh_token"
        );
        let reply = crate::http::send_raw(server.address, head.as_bytes());
        assert_eq!(reply.status, status, "{origin} at {host}: {}", reply.text());
        if status == 200 {
            token = cookie(&reply);
        }
    }
}

fn a_cookie_that_is_dead_is_taken_away(on: &Backing) {
    let server = on.start();
    let login = browser(&server);
    let (access, token) = (text(&login, "access_token"), cookie(&login));
    assert_eq!(server.send(Request::post("/logout").bearer(&access)).status, 204);
    let reply = server.send(same_origin(by_cookie(&token)));
    assert_token_error(&reply, "invalid_grant");
    let cleared = "__Host-refresh=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict";
    assert_eq!(reply.header("set-cookie"), Some(cleared));
}

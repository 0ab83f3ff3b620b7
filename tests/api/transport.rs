//! How credentials and requests may arrive.

use crate::{
    http::{Request, send_raw},
    server::{Server, assert_invalid_token},
};

#[track_caller]
fn assert_no_credentials(reply: &crate::http::Reply) {
    assert_eq!(reply.status, 401, "{}", reply.text());
    assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "no error code: nothing was wrong yet");
    assert_eq!(reply.json()["error"], "unauthorized");
}

// H01
#[test]
fn without_credentials_the_challenge_has_no_error_code() {
    let server = Server::start();
    assert_no_credentials(&server.send(Request::get("/me")));
    assert_no_credentials(&server.send(Request::get("/admin/users")));
    assert_eq!(server.me(&server.login("ada")).status, 200);
}

// H02, H03, S04
#[test]
fn more_than_one_token_is_an_invalid_request() {
    let server = Server::start();
    let token = server.login("ada");
    let body = format!("access_token={token}");
    let other = format!("{token}x");
    for request in [
        Request::get("/me").bearer(&token).bearer(&token),
        Request::get("/me").bearer(&token).bearer(&other),
        Request::get("/me").bearer(&token).header("authorization", "Basic YTpi"),
        Request::get(&format!("/me?access_token={token}")).bearer(&token),
        Request::get(&format!("/me?a=1&access%5Ftoken={token}")).bearer(&token),
        Request::get("/me").bearer(&token).raw_form(&body),
    ] {
        let reply = server.send(request);
        assert_eq!((reply.status, reply.json()["error"].as_str()), (400, Some("invalid_request")));
        assert!(
            reply
                .header("www-authenticate")
                .is_some_and(|it| it.starts_with("Bearer error=\"invalid_request\""))
        );
    }
    // Cookies are never read as access tokens, so one beside the header changes nothing.
    let reply =
        server.send(Request::get("/me").bearer(&token).header("Cookie", format!("access_token={other}")));
    assert_eq!(reply.status, 200);
}

// H04
#[test]
fn a_token_in_the_query_is_not_read_and_not_logged() {
    let server = Server::start();
    let token = server.login("ada");
    assert_no_credentials(&server.send(Request::get(&format!("/me?access_token={token}"))));
    assert_eq!(server.send(Request::get(&format!("/nowhere?access_token={token}"))).status, 404);
    assert!(!server.log().contains(&token));
}

// H05
#[test]
fn the_scheme_is_case_insensitive() {
    let server = Server::start();
    let token = server.login("ada");
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let reply = server.send(Request::get("/me").header("Authorization", format!("{scheme} {token}")));
        assert_eq!(reply.status, 200, "{scheme}");
    }
}

// H06
#[test]
fn a_header_that_is_no_bearer_token_is_refused() {
    let server = Server::start();
    let token = server.login("ada");
    for value in ["Bearer", "Bearer ", "Bearer  t", "Bearer t t", "Bearer t,u", "Bearer\u{e9}", ""] {
        let reply = server.send(Request::get("/me").header("Authorization", value));
        assert_eq!(reply.status, 401, "{value:?}");
    }
    for value in
        [format!("Bearer {token} {token}"), format!("Bearer {token},x"), format!("Bearer \"{token}\"")]
    {
        assert_invalid_token(&server.send(Request::get("/me").header("Authorization", &value)), &value);
    }
    for value in
        [format!("Basic {token}"), format!("Token {token}"), token.clone(), format!("Bearer\t{token}")]
    {
        let reply = server.send(Request::get("/me").header("Authorization", &value));
        assert_eq!(reply.status, 401, "{value:?}");
    }
    assert_eq!(server.me(&token).status, 200);
}

// H08
#[test]
fn line_breaks_in_what_is_sent_split_neither_header_nor_log() {
    let server = Server::start();
    let lines = |server: &Server| server.log().lines().filter(|line| line.contains("injected")).count();
    for name in
        ["x\r\nSet-Cookie: injected=1", "x\ninjected", "x\rinjected", "\u{85}injected", "\u{2028}injected"]
    {
        let form =
            [("username", name), ("password", "analytical-engine"), ("device_name", name), ("client_id", "")];
        let reply = server.refuses_form(Request::post("/token").form(&form), "invalid_grant");
        assert_eq!(reply.header("set-cookie"), None);
    }
    for target in ["/%0d%0aSet-Cookie:injected", "/me?x=%0d%0ainjected", "/sessions/%0d%0ainjected"] {
        let reply = server.send(Request::get(target).header("Cookie", "__Host-refresh=%0d%0ainjected"));
        assert!(reply.status >= 400 && reply.header("set-cookie").is_none());
    }
    assert_eq!(lines(&server), 0, "{}", server.log());
    let form = [("username", "ada"), ("password", "analytical-engine"), ("device_name", "x\r\ninjected: 1")];
    let reply = server.send(Request::post("/token").form(&form));
    assert!(reply.status == 200 && reply.header("injected").is_none());
}

// H09
#[test]
fn requests_that_two_parsers_could_read_differently_are_refused() {
    let server = Server::start();
    let form = "username=ada&password=analytical-engine";
    let head = "POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let length = form.len();
    let chunked = format!("{length:x}\r\n{form}\r\n0\r\n\r\n");
    for (what, request) in [
        ("two lengths", format!("{head}Content-Length: {length}\r\nContent-Length: 3\r\n\r\n{form}")),
        ("a folded header", format!("{head}X-A: b\r\n c\r\nContent-Length: {length}\r\n\r\n{form}")),
        ("a length that is none", format!("{head}Content-Length: +{length}\r\n\r\n{form}")),
        ("an unknown coding", format!("{head}Transfer-Encoding: chunked, identity\r\n\r\n{chunked}")),
    ] {
        let reply = send_raw(server.address, request.as_bytes());
        assert_eq!(reply.status, 400, "{what}: {}", reply.text());
    }
    // RFC 9112 §6.3: with both, the chunks count and the connection is closed.
    for both in
        ["Content-Length: 3\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 3"]
    {
        let reply = send_raw(server.address, format!("{head}{both}\r\n\r\n{chunked}").as_bytes());
        assert_eq!(
            (reply.status, reply.header("connection")),
            (200, Some("close")),
            "{both}: {}",
            reply.text()
        );
    }
}

// H10
#[test]
fn what_a_client_says_of_host_and_address_shows_nowhere() {
    let server = Server::start();
    let spoofed = |request: Request| {
        request
            .header("X-Forwarded-For", "203.0.113.9")
            .header("X-Real-IP", "203.0.113.9")
            .header("Forwarded", "for=203.0.113.9;host=evil.example")
            .header("X-Forwarded-Host", "evil.example")
    };
    let form = [("username", "ada"), ("password", "analytical-engine")];
    let reply = server.send(spoofed(Request::post("/token").form(&form)));
    let token = reply.json()["access_token"].as_str().expect("a token").to_owned();
    assert_eq!(crate::forge::Token::parse(&token).claims["iss"], "countersign");
    let sessions = server.send(spoofed(Request::get("/sessions").bearer(&token)));
    assert_eq!(sessions.json()["sessions"][0]["address"], "127.0.0.1", "{}", sessions.text());
    for reply in [reply, sessions, server.send(spoofed(Request::get("/nowhere")))] {
        let all = format!("{:?} {}", reply.headers, reply.text());
        assert!(!all.contains("evil.example") && !all.contains("203.0.113.9"), "{all}");
    }
}

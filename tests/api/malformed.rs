//! Requests of which Rocket hides what is wrong with them: bodies that break off at once, header lines that
//! are not UTF-8, and more or fewer than one `Host`.

use crate::{
    http::{Reply, Request, send_raw},
    server::Server,
    tokens::{browser, by_cookie, cookie, same_origin},
};

#[track_caller]
fn assert_refused(reply: &Reply, description: &str, what: &str) {
    assert_eq!(reply.status, 400, "{what}: {}", reply.text());
    let body = reply.json();
    assert_eq!(body["error"], "invalid_request", "{what}");
    assert_eq!(body["error_description"], description, "{what}");
    assert_eq!(reply.header("connection"), Some("close"), "{what}");
}

/// A chunked body of which all but these bytes is malformed.
fn broken_after(bytes: usize, form: &str) -> String {
    let good = "x".repeat(bytes.saturating_sub(2));
    let chunk = if bytes == 0 { String::new() } else { format!("{bytes:x}\r\nx={good}\r\n") };
    format!("{form}Transfer-Encoding: chunked\r\n\r\n{chunk}zz\r\nnot a chunk\r\n0\r\n\r\n")
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

// H12
#[test]
fn a_body_that_breaks_off_is_an_error_wherever_it_does() {
    let server = Server::start();
    let token = server.login("ada");
    let authorization = format!("Authorization: Bearer {token}\r\n");
    let documented = [
        "POST /token",
        "POST /logout",
        "POST /revoke",
        "POST /introspect",
        "POST /me/password",
        "POST /admin/users",
        "PATCH /admin/users/x",
        "DELETE /sessions",
        "GET /me",
        "GET /nowhere",
    ];
    // Rocket looks at 14 bytes, and we at 512.
    for line in documented {
        for bytes in [0, 2, 13, 14, 100, 600] {
            // What never reads its body does not see that the end of it is missing.
            let is_read = line.starts_with("POST /token") || line == "POST /logout" || line == "POST /revoke";
            if bytes > 13 && !is_read {
                continue;
            }
            for headers in ["", FORM] {
                let body = broken_after(bytes, headers);
                let request = format!("{line} HTTP/1.1\r\nHost: localhost\r\n{authorization}{body}");
                let reply = send_raw(server.address, request.as_bytes());
                let what = format!("{line} after {bytes} {headers:?}");
                assert_eq!(reply.status, 400, "{what}: {}", reply.text());
                assert_eq!(reply.json()["error_description"], "The body could not be read", "{what}");
            }
        }
    }
    server.accepts(&token);
}

#[test]
fn a_token_behind_what_breaks_off_is_not_hidden() {
    let server = Server::start();
    let token = server.login("ada");
    // Within what is looked at for a token in the body, which this route does not read.
    let body = broken_after(100, FORM);
    let request = format!("GET /me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{body}");
    assert_refused(&send_raw(server.address, request.as_bytes()), "The body could not be read", "GET /me");
}

// H12
#[test]
fn a_logout_whose_body_breaks_off_does_not_seem_done() {
    let server = Server::start();
    let login = browser(&server);
    let token = cookie(&login);
    let request = format!(
        "POST /logout HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nCookie: __Host-refresh={token}\r\n{}",
        broken_after(0, FORM)
    );
    let reply = send_raw(server.address, request.as_bytes());
    assert_refused(&reply, "The body could not be read", "a logout");
    assert_eq!(reply.header("set-cookie"), None, "the browser keeps the cookie of a session that lives");
    assert_eq!(server.send(same_origin(by_cookie(&token))).status, 200);
}

/// The headers that decide something, and what a request without them would be.
const NEEDED: [&str; 10] = [
    "Authorization",
    "Content-Type",
    "Cookie",
    "Forwarded",
    "Host",
    "Origin",
    "Sec-Fetch-Site",
    "Transfer-Encoding",
    "X-Forwarded-For",
    "X-Real-IP",
];

// H13
#[test]
fn a_header_line_that_is_not_utf8_is_refused_by_name_if_it_could_decide_something() {
    let server = Server::start();
    let token = server.login("ada");
    for name in NEEDED {
        let request = Request::get("/me").bearer(&token).header(name, b"x=\xe9");
        let reply = server.send(request);
        // What is no coding at all ends before Rocket.
        if name == "Transfer-Encoding" {
            assert_eq!(reply.status, 400, "{name}");
            continue;
        }
        assert_refused(&reply, &format!("The header {name} is not UTF-8"), name);
    }
    for name in ["User-Agent", "Accept-Language", "Referer", "X-Request-Id", "If-None-Match", "X-Other"] {
        let reply = server.send(Request::get("/me").bearer(&token).header(name, b"x=\xe9"));
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
    }
    let form = [("username", "ada"), ("password", crate::server::PASSWORD)];
    let named = Request::post("/token").header("User-Agent", b"M\xfcller").form(&form);
    assert_eq!(server.send(named).status, 200);
}

// H13
#[test]
fn a_second_authorization_is_refused_whatever_it_is_made_of() {
    let server = Server::start();
    let token = server.login("ada");
    let good = format!("Bearer {token}").into_bytes();
    let bad = b"Bearer \xff\xfe".to_vec();
    for pair in [[&good, &bad], [&bad, &good], [&bad, &bad]] {
        let request =
            pair.iter().fold(Request::get("/me"), |request, value| request.header("Authorization", value));
        assert_refused(&server.send(request), "The header Authorization is not UTF-8", "two");
    }
    server.accepts(&token);
}

// H13
#[test]
fn a_foreign_cookie_does_not_let_a_logout_seem_done() {
    let server = Server::start();
    let token = cookie(&browser(&server));
    let ours = format!("__Host-refresh={token}");
    let logout = || same_origin(Request::post("/logout"));
    let in_one = [b"name=M\xfcller; ", ours.as_bytes()].concat();
    let in_two = logout().header("Cookie", b"name=M\xfcller").header("Cookie", &ours);
    for request in [logout().header("Cookie", in_one), in_two] {
        let reply = server.send(request);
        assert_refused(&reply, "The header Cookie is not UTF-8", "a logout");
        assert_eq!(reply.header("set-cookie"), None);
    }
    let rotated = server.send(same_origin(by_cookie(&token)));
    assert_eq!(rotated.status, 200, "the session lives");
    let ours = format!("__Host-refresh={}", cookie(&rotated));
    assert_eq!(server.send(logout().header("Cookie", ours)).status, 204);
}

#[test]
fn what_rocket_drops_of_one_request_is_not_taken_for_anothers() {
    let server = Server::start();
    let token = server.login("ada");
    // Rocket refuses this one before anybody else sees it.
    let unknown = b"BREW /me HTTP/1.1\r\nHost: localhost\r\nCookie: \xff\r\nConnection: close\r\n\r\n";
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let unknown = send_raw(server.address, unknown);
                    assert_eq!(unknown.status, 400, "{}", unknown.text());
                    let bad = server.send(Request::get("/me").bearer(&token).header("Cookie", b"\xff"));
                    assert_refused(&bad, "The header Cookie is not UTF-8", "bad");
                    server.accepts(&token);
                }
            });
        }
    });
}

// H14
#[test]
fn there_is_one_host() {
    let server = Server::start();
    let ask = |line: &str, hosts: &str| {
        send_raw(server.address, format!("{line}\r\n{hosts}Connection: close\r\n\r\n").as_bytes())
    };
    for path in ["/health/live", "/me", "/nowhere", "/.well-known/jwks.json"] {
        let line = format!("GET {path} HTTP/1.1");
        let is_there = |reply: Reply| assert_ne!(reply.status, 400, "{path}: {}", reply.text());
        for host in ["localhost", "login.example:8443", "[::1]:8000", "127.0.0.1", "my_service"] {
            is_there(ask(&line, &format!("Host: {host}\r\n")));
        }
        for hosts in ["Host: a\r\nHost: b\r\n", "Host: a\r\nhost: a\r\n", "Host: a\r\nX: y\r\nHost: a\r\n"] {
            assert_refused(&ask(&line, hosts), "There is more than one header Host", path);
        }
        for line in
            [line.clone(), format!("GET {path} HTTP/1.0"), format!("GET http://localhost{path} HTTP/1.1")]
        {
            assert_refused(&ask(&line, ""), "The header Host is missing", &line);
        }
        for host in ["a b", "a/b", "http://a", "a:b:c", "a?b"] {
            let reply = ask(&line, &format!("Host: {host}\r\n"));
            assert_refused(&reply, "The header Host is not a host", host);
        }
    }
}

#[test]
fn the_log_tells_of_a_refused_request_by_its_own_method() {
    let server = Server::start();
    let request = Request::new("PATCH", "/me").header("Cookie", b"\xff").header("X-Request-Id", "r-1");
    assert_eq!(server.send(request).status, 400);
    let line = r#"id=r-1 method=PATCH route="unmatched" status=400 "#;
    assert!(server.says(line), "{}", server.log());
}

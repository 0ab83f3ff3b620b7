//! The form of `POST /token`, and its answers.

use crate::{
    forge::Token,
    http::{Request, send_raw},
    server::{PASSWORD, Server},
};

const GOOD: &str = "username=ada&password=analytical-engine";
const FORM: &str = "application/x-www-form-urlencoded";

fn post(form: &str) -> Request {
    Request::post("/token").raw_form(form)
}

// T01
#[test]
fn only_post_gets_tokens() {
    let server = Server::start();
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let reply = server.send(Request::new(method, &format!("/token?{GOOD}")));
        assert_eq!(reply.status, 405, "{method}");
        assert_eq!(reply.header("allow"), Some("POST"));
        assert!(!reply.text().contains("access_token"), "{method}");
    }
    assert_eq!(server.send(post(GOOD)).status, 200);
}

// T02
#[test]
fn other_content_types_are_an_invalid_request() {
    let server = Server::start();
    let json = r#"{"username":"ada","password":"analytical-engine"}"#;
    for kind in
        ["application/json", "text/plain", "text/html", "application/x-www-form", "*/*", "rubbish", ""]
    {
        server.refuses_form(Request::post("/token").body(kind, json), "invalid_request");
        server.refuses_form(Request::post("/token").body(kind, GOOD), "invalid_request");
    }
    server.refuses_form(Request::post("/token"), "invalid_request");
    for kind in ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x"] {
        server.refuses_form(Request::post("/token").body(kind, GOOD), "invalid_request");
    }
    for kind in [FORM, "Application/X-WWW-Form-Urlencoded; charset=UTF-8"] {
        assert_eq!(server.send(Request::post("/token").body(kind, GOOD)).status, 200, "{kind}");
    }
}

// T03
#[test]
fn parameters_in_the_query_are_not_read() {
    let server = Server::start();
    for form in ["", "grant_type=password", "username=ada"] {
        let request = Request::post(&format!("/token?{GOOD}&grant_type=password")).raw_form(form);
        server.refuses_form(request, "invalid_request");
    }
}

// T04
#[test]
fn a_parameter_that_stands_twice_is_refused() {
    let server = Server::start();
    for twice in [
        "grant_type=password&grant_type=password",
        "username=ada",
        "password=analytical-engine",
        "scope=a&scope=a",
        "client_id=&client_id=",
        "client_secret=&client_secret=",
        "refresh_token=x&refresh_token=y",
        "%75sername=ada",
    ] {
        server.refuses_form(post(&format!("{GOOD}&{twice}")), "invalid_request");
    }
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body =
        |extra: &str| format!("{}{}{extra}--b--\r\n", part("username", "ada"), part("password", PASSWORD));
    let multipart = |body: String| Request::post("/token").body("multipart/form-data; boundary=b", body);
    server.refuses_form(multipart(body(&part("username", "ada"))), "invalid_request");
    assert_eq!(server.send(multipart(body(""))).status, 200);
}

// T05
#[test]
fn unknown_parameters_are_ignored() {
    let server = Server::start();
    for extra in ["x=1", "x=1&x=2", "access_token=abc", "nonce", "audience=other&resource=https://x"] {
        assert_eq!(server.send(post(&format!("{GOOD}&{extra}"))).status, 200, "{extra}");
    }
    // Rocket would take this one for the request's method.
    assert_eq!(server.send(post(&format!("_method=delete&{GOOD}"))).status, 200);
}

#[test]
fn a_file_that_nobody_asked_for_is_ignored_but_one_for_a_parameter_is_refused() {
    let server = Server::start();
    let part = |name: &str, file: &str, text: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{text}\r\n")
    };
    let post = |parts: &[String]| {
        let body = format!("{}--b--\r\n", parts.concat());
        server.send(Request::post("/token").body("multipart/form-data; boundary=b", body))
    };
    let (name, password) = (part("username", "", "ada"), part("password", "", "analytical-engine"));
    let file = "; filename=\"x\"\r\nContent-Type: image/png";
    assert_eq!(post(&[name.clone(), part("avatar", file, "\u{1F511}"), password]).status, 200);
    assert_eq!(post(&[name, part("password", file, "analytical-engine")]).status, 400);
}

#[test]
fn what_is_missing_is_named() {
    let server = Server::start();
    for form in ["username=ada", "password=analytical-engine", "username=ada&grant_type=password"] {
        let reply = server.refuses_form(post(form), "invalid_request");
        assert_eq!(reply.json()["error_description"], "The parameters username and password are needed");
    }
    let reply = server.refuses_form(post(""), "invalid_request");
    assert_eq!(reply.json()["error_description"], "The parameter grant_type is missing");
}

// T06
#[test]
fn an_empty_parameter_counts_as_left_out() {
    let server = Server::start();
    let empty = "grant_type=&scope=&client_id=&client_secret=&refresh_token=";
    assert_eq!(server.send(post(&format!("{GOOD}&{empty}"))).status, 200);
    for form in [
        "username=&password=analytical-engine",
        "username=ada&password=",
        "username&password=analytical-engine",
        "",
    ] {
        server.refuses_form(post(form), "invalid_request");
        server.refuses_form(post(&format!("{form}&grant_type=password")), "invalid_request");
    }
}

// T07
#[test]
fn the_grant_type_is_one_that_is_offered() {
    let server = Server::start();
    for unknown in
        ["Password", "password%00", "password%20", "authorization_code", "implicit", "urn:x", "%ef%bc%90"]
    {
        server.refuses_form(post(&format!("{GOOD}&grant_type={unknown}")), "unsupported_grant_type");
    }
    server.refuses_form(post("username=ada"), "invalid_request");
    server.refuses_form(post("grant_type=refresh_token"), "invalid_request");
    assert_eq!(server.send(post(&format!("{GOOD}&grant_type=password"))).status, 200);
}

// T08
#[test]
fn a_scope_is_well_formed_and_never_wider_than_granted() {
    let server = Server::start_with(&[("COUNTERSIGN_SCOPES", "reports:read items")]);
    server.user("ada", &[]);
    for scope in
        ["a++b", "+items", "items+", "%22items%22", "a%5Cb", "items%00", "items%0a", "%c3%a9", "a%09b"]
    {
        server.refuses_form(post(&format!("{GOOD}&scope={scope}")), "invalid_scope");
    }
    server.refuses_form(post(&format!("{GOOD}&scope=admin")), "invalid_scope");
    server.refuses_form(post(&format!("{GOOD}&scope=ITEMS")), "invalid_scope");
    let login = |scope: &str| server.send(post(&format!("{GOOD}&scope={scope}"))).json();
    assert_eq!(login("items+admin")["scope"], "items", "narrower, and said back");
    let granted = login("reports:read+items+offline_access");
    assert_eq!(granted["scope"], "items offline_access reports:read");
    let token = granted["refresh_token"].as_str().expect("a refresh token");
    let refresh =
        |scope: &str| post(&format!("grant_type=refresh_token&refresh_token={token}&scope={scope}"));
    server.refuses_form(refresh("items+admin"), "invalid_scope");
    assert_eq!(server.send(refresh("items")).json()["scope"], "items", "narrower on refresh is fine");
    let narrow = login("items+offline_access");
    let token = narrow["refresh_token"].as_str().expect("a refresh token");
    let form = format!("grant_type=refresh_token&refresh_token={token}&scope=items+reports:read");
    server.refuses_form(post(&form), "invalid_scope");
}

// T09
#[test]
fn a_client_is_known_and_named_in_one_way() {
    let server = Server::start();
    let basic = |value: &str| post(GOOD).header("Authorization", value);
    let unknown = |reply: crate::http::Reply| {
        assert_eq!(
            (reply.status, reply.json()["error"].as_str()),
            (401, Some("invalid_client")),
            "{reply:?}"
        );
        assert_eq!(reply.header("www-authenticate"), Some("Basic realm=\"countersign\""));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    };
    unknown(server.send(post(&format!("{GOOD}&client_id=other"))));
    unknown(server.send(post(&format!("{GOOD}&client_id=first-party&client_secret=x"))));
    for bad in
        ["Basic", "Basic !!!", "Basic YQ==", "Basic b3RoZXI6eA==", "Bearer abc", "Basic JWZmOng=", "Digest x"]
    {
        unknown(server.send(basic(bad)));
    }
    // first-party: (an empty secret)
    let named = || basic("Basic Zmlyc3QtcGFydHk6");
    let body = format!("{GOOD}&client_id=first-party");
    let both = post(&body).header("Authorization", "Basic Zmlyc3QtcGFydHk6");
    server.refuses_form(both, "invalid_request");
    server.refuses_form(named().header("Authorization", "Basic Zmlyc3QtcGFydHk6"), "invalid_request");
    for good in [named(), basic("Basic Og=="), post(&body), basic("basic Zmlyc3QtcGFydHk6")] {
        assert_eq!(server.send(good).status, 200);
    }
}

// T10
#[test]
fn a_body_that_is_too_long_is_refused_without_reading_on() {
    let server = Server::start();
    for size in [17 << 10, 33 << 10, 1 << 20] {
        let form = format!("{GOOD}&x={}", "x".repeat(size));
        let reply = server.send(post(&form));
        assert_eq!((reply.status, reply.json()["error"].as_str()), (413, Some("payload_too_large")));
    }
    let head = format!("POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n");
    let declared = format!("{head}Content-Length: {}\r\n\r\n{}", 1_u64 << 30, "x".repeat(64 << 10));
    assert_eq!(send_raw(server.address, declared.as_bytes()).status, 413);
    let endless = format!(
        "{head}Transfer-Encoding: chunked\r\n\r\n{}",
        format!("400\r\n{}\r\n", "x".repeat(1024)).repeat(256)
    );
    assert_eq!(send_raw(server.address, endless.as_bytes()).status, 413);
    assert_eq!(server.send(post(&format!("{GOOD}&x={}", "x".repeat(15 << 10)))).status, 200);
}

// T11
#[test]
fn text_that_is_not_utf8_is_refused_so_that_no_two_passwords_read_alike() {
    let server = Server::start();
    for bad in ["%", "%4", "%zz", "%ff", "%80", "%c0%af", "%ed%a0%80", "%f4%90%80%80", "%e9", "\u{0}%fe"] {
        server
            .refuses_form(post(&format!("username=ada&password=analytical-engine{bad}")), "invalid_request");
        server.refuses_form(post(&format!("username={bad}&password=analytical-engine")), "invalid_request");
    }
    let raw = Request::post("/token").raw_form([GOOD.as_bytes(), b"\xff"].concat());
    server.refuses_form(raw, "invalid_request");
    server.user("bob", &[]);
    server.cli(&["user", "set-password", "bob", "--password-stdin"], "replacement\u{fffd}");
    let login = |password: &str| server.send(post(&format!("username=bob&password={password}"))).status;
    assert_eq!(login("replacement%ef%bf%bd"), 200);
    assert_eq!((login("replacement%ff"), login("replacement%fe")), (400, 400));
}

// T12, T13
#[test]
fn success_says_what_rfc_6749_asks_and_nothing_of_the_login() {
    let server = Server::start();
    let reply = server.send(post(GOOD));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("pragma"), Some("no-cache"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    let body = reply.json();
    let mut names: Vec<_> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["access_token", "expires_in", "token_type"]);
    assert_eq!((&body["token_type"], &body["expires_in"]), (&"Bearer".into(), &900.into()));
    let token = Token::parse(body["access_token"].as_str().expect("a token"));
    let shown = format!("{:?}{:?}{:?}", token.header, token.claims, reply.headers);
    for secret in [PASSWORD, "argon2", "\"ada\""] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

// T13
#[test]
fn an_error_never_echoes_what_was_sent() {
    let server = Server::start();
    for form in [
        "grant_type=echo-echo&username=x&password=y",
        "username=echo-echo&password=echo-echo1",
        "username=ada&password=analytical-engine&scope=echo-echo",
    ] {
        let reply = server.send(post(form));
        assert_eq!(reply.status, 400);
        assert!(!format!("{reply:?} {}", reply.text()).contains("echo-echo"), "{}", reply.text());
    }
}

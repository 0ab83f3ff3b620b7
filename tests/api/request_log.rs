//! Each request has a name, one line in the log, and headers for browsers.

use crate::{http::Request, server::Server};

/// The one line of the request that is called so, once it is there.
fn line(server: &Server, id: &str) -> String {
    let mark = format!(" countersign::request: id={id} ");
    assert!(server.says(&mark), "no line for {id} in {}", server.log());
    let log = server.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains(&mark)).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines[0].to_owned()
}

#[test]
fn a_name_that_could_be_more_than_a_name_is_not_taken() {
    let server = Server::start();
    let long = "x".repeat(65);
    for bad in ["", " ", "a b", "a\u{e9}", "a=b", "a\"b", "<b>", "a;b", "../../x", "a,b", &long] {
        let reply = server.send(Request::get("/health/live").header("X-Request-Id", bad));
        let id = reply.header("x-request-id").expect("a name").to_owned();
        assert!(id != bad && id.len() == 36, "{bad:?} became {id:?}");
    }
    let twice = Request::get("/health/live").header("X-Request-Id", "one").header("X-Request-Id", "two");
    assert_eq!(server.send(twice).header("x-request-id").map(str::len), Some(36));
}

#[test]
fn a_request_keeps_its_name() {
    let server = Server::start();
    for path in ["/health/live", "/me", "/nowhere"] {
        let longest = format!("{}-._9", "x".repeat(60));
        let reply = server.send(Request::get(path).header("X-Request-Id", &longest));
        assert_eq!(reply.header("x-request-id"), Some(&*longest), "{path}");
    }
    let id = |reply: crate::http::Reply| reply.header("x-request-id").map(str::to_owned);
    let (one, other) = (id(server.send(Request::get("/me"))), id(server.send(Request::get("/me"))));
    assert!(one.is_some() && one != other);
}

#[test]
fn a_line_tells_what_happened_and_not_to_what() {
    let server = Server::start();
    let token = server.login("ada");
    let id = server.me(&token).json()["id"].as_str().expect("an id").to_owned();
    for (name, request, expected) in [
        (
            "r-1",
            Request::get("/me?secret=hidden").bearer(&token),
            r#"method=GET route="/me" status=200 duration_ms="#,
        ),
        ("r-2", Request::get("/me?access_token=hidden"), r#"method=GET route="/me" status=401 "#),
        (
            "r-3",
            Request::new("DELETE", "/sessions/hidden").bearer(&token),
            r#"method=DELETE route="/sessions/<id>" status=404 "#,
        ),
        ("r-4", Request::get("/hidden?hidden"), r#"method=GET route="unmatched" status=404 "#),
        ("r-5", Request::get("/health/live"), r#"method=GET route="/health/live" status=200 "#),
    ] {
        server.send(request.header("X-Request-Id", name).header("User-Agent", "hidden"));
        let line = line(&server, name);
        assert!(line.contains(expected), "{line}");
        assert!(!line.contains("hidden") && !line.contains(&id) && !line.contains("ada"), "{line}");
        let level = if name == "r-5" { "DEBUG" } else { "INFO" };
        assert!(line.contains(&format!(" {level} countersign::request:")), "{line}");
    }
    assert!(!server.log().contains("hidden"));
}

#[test]
fn the_same_user_is_called_the_same_as_in_the_audit_trail() {
    let server = Server::start();
    let token = server.login("ada");
    server.send(Request::get("/me").bearer(&token).header("X-Request-Id", "r-1"));
    server.send(Request::get("/me").header("X-Request-Id", "r-2"));
    let said = line(&server, "r-1");
    let user =
        said.split(" user=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a user").to_owned();
    assert!(user.starts_with("u_"), "{said}");
    let audited = |line: &str| line.contains(" countersign::audit: ") && line.contains(&user);
    assert!(server.log().lines().any(audited), "{user}");
    assert!(!line(&server, "r-2").contains("user="));
}

#[test]
fn an_answer_tells_a_browser_what_it_may_do_with_it() {
    let server = Server::start();
    for path in ["/health/live", "/me", "/nowhere"] {
        let reply = server.send(Request::get(path));
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{path}");
        }
    }
}

#[test]
fn only_developers_are_told_how_long_it_took() {
    let timing = |settings: &[(&str, &str)]| {
        let reply = Server::start_with(settings).send(Request::get("/health/live"));
        reply.header("server-timing").map(str::to_owned)
    };
    assert_eq!(timing(&[("ROCKET_PROFILE", "release")]), None);
    let said = timing(&[]).expect("the tests run in the debug profile");
    let number = said.strip_prefix("total;dur=").expect("a duration");
    assert!(number.parse::<f64>().is_ok(), "{said}");
}

#[test]
fn a_server_with_which_nothing_is_wrong_logs_no_error() {
    let server = Server::start();
    server.send(Request::get("/health/live").header("X-Request-Id", "the-first"));
    line(&server, "the-first");
    let log = server.log();
    let errors: Vec<_> = log.lines().filter(|line| line.contains(" ERROR ")).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

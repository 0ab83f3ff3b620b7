//! What is protected passes, and what is not fails.

use super::app;
use countersign::{
    CurrentUser,
    audit::Actor,
    grant::Authority,
    testing::{Answer, Protected, Report, assert_protected, assert_protected_async},
    web::guard::Rejection,
};
use rocket::{
    async_test, get,
    http::{ContentType, Method, Status},
    local::{asynchronous, blocking},
    request::{FromRequest, Outcome, Request},
    routes,
};
use std::{collections::HashSet, sync::Mutex};

fn client() -> blocking::Client {
    let routes =
        routes![open, optional, shut, hidden, basic, decided, anybody_s, presence, shape, kept, elsewhere];
    let app = app().mount("/wrong", routes).manage(Passed::default());
    blocking::Client::tracked(app).expect("a rocket that launches")
}

#[get("/open")]
fn open() -> &'static str {
    "Hello, whoever you are"
}

#[get("/optional")]
fn optional(user: Option<&CurrentUser>) -> String {
    user.map_or("nobody".into(), |user| user.username().to_string())
}

#[get("/shut")]
fn shut() -> Status {
    Status::Unauthorized
}

#[get("/hidden")]
fn hidden(user: Option<&CurrentUser>) -> Option<String> {
    user.map(|user| user.username().to_string())
}

#[get("/basic")]
fn basic(user: Option<&CurrentUser>) -> Result<String, Status> {
    user.map(|user| user.username().to_string()).ok_or(Status::Forbidden)
}

#[get("/decided")]
fn decided(user: Result<&CurrentUser, Rejection>) -> Result<String, Rejection> {
    user.map(|user| user.username().to_string())
}

#[get("/anybodys")]
fn anybody_s(user: &CurrentUser) -> String {
    user.username().to_string()
}

/// Somebody's own guard, which looks whether there is a token.
struct Presence;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Presence {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        match request.headers().get_one("Authorization") {
            Some(_) => Outcome::Success(Self),
            None => Outcome::Error((Status::Unauthorized, ())),
        }
    }
}

#[get("/presence")]
fn presence(_token: Presence) -> &'static str {
    "somebody"
}

/// One that reads the claims and checks no signature.
struct Shape;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Shape {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let value = request.headers().get_one("Authorization").unwrap_or_default();
        match value.strip_prefix("Bearer ey").map(|token| token.split('.').count()) {
            Some(3) => Outcome::Success(Self),
            _ => Outcome::Error((Status::Unauthorized, ())),
        }
    }
}

#[get("/shape")]
fn shape(_token: Shape) -> &'static str {
    "somebody"
}

/// One that lets in whatever it has let in before.
#[derive(Default)]
struct Passed(Mutex<HashSet<String>>);

struct Remembered;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Remembered {
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Rejection> {
        let passed = &request.rocket().state::<Passed>().expect("managed").0;
        let mut headers = request.headers().get("Authorization");
        if let (Some(header), None) = (headers.next(), headers.next())
            && !request.query_fields().any(|field| field.name == "access_token")
            && passed.lock().expect("a lock").contains(header)
        {
            return Outcome::Success(Self);
        }
        <&CurrentUser>::from_request(request).await.map(|_| {
            let header = request.headers().get_one("Authorization").unwrap_or_default();
            passed.lock().expect("a lock").insert(header.to_owned());
            Self
        })
    }
}

#[get("/kept")]
fn kept(_user: Remembered) -> &'static str {
    "somebody"
}

/// One that also takes tokens from where they should not stand, and believes what a proxy says.
struct Anywhere;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Anywhere {
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Rejection> {
        let elsewhere = request.query_fields().any(|field| field.name == "token")
            || request.cookies().get("token").is_some()
            || request.headers().contains("X-Access-Token")
            || request.headers().contains("X-User");
        if elsewhere {
            Outcome::Success(Self)
        } else {
            <&CurrentUser>::from_request(request).await.map(|_| Self)
        }
    }
}

#[get("/elsewhere")]
fn elsewhere(_user: Anywhere) -> &'static str {
    "somebody"
}

#[test]
fn a_token_that_is_remembered_after_it_was_revoked_is_noticed() {
    let report = report("/wrong/kept");
    let rows: Vec<_> = report.wrong().iter().map(|wrong| wrong.case.row()).collect();
    assert_eq!(rows, ["V04", "V01", "R11", "R09", "C11"], "{report}");
}

#[test]
fn a_token_that_is_taken_from_elsewhere_is_noticed() {
    let report = report("/wrong/elsewhere");
    let what: Vec<_> = report.wrong().iter().map(|wrong| wrong.case.what()).collect();
    let expected = [
        "the good token in the query as token",
        "the good token in the cookie token",
        "the good token in X-Access-Token",
        "a name in X-User instead of a token",
    ];
    assert_eq!(what, expected, "{report}");
}

#[test]
#[should_panic(expected = "no path of a route")]
fn what_is_no_path_is_refused() {
    Protected::new(Method::Get, "user").report(&client());
}

fn editors() -> Protected {
    Protected::new(Method::Post, "/articles").role("editor").header(ContentType::Plain).body("Hello")
}

fn drafts() -> Protected {
    Protected::new(Method::Delete, "/drafts").scope("orders:read").role("editor")
}

fn orders() -> Protected {
    Protected::new(Method::Get, "/orders").scope("orders:read")
}

#[test]
fn routes_with_our_guards_are_protected() {
    let client = client();
    assert_protected(&client, Method::Get, "/user");
    assert_protected(&client, Method::Get, "/claims");
    assert_protected(&client, Method::Get, "/claims?page=2");
    assert_protected(&client, Method::Get, "/wrong/anybodys");
    assert_protected(&client, Method::Get, "/wrong/decided");
    assert_protected(&client, Method::Get, "/me");
    editors().assert(&client);
    orders().assert(&client);
    drafts().assert(&client);
}

#[async_test]
async fn the_asynchronous_client_says_the_same() {
    let client = asynchronous::Client::tracked(app()).await.expect("a rocket that launches");
    assert_protected_async(&client, Method::Get, "/user").await;
    editors().assert_async(&client).await;
    drafts().assert_async(&client).await;
    let report = Protected::new(Method::Get, "/health/live").report_async(&client).await;
    assert!(report.wrong().len() > 300, "{report}");
}

/// What of a report was wrong, by the answer that it should have been.
fn wrong(report: &Report, answer: Answer) -> usize {
    report.wrong().iter().filter(|wrong| wrong.case.answer() == answer).count()
}

fn report(uri: &str) -> Report {
    Protected::new(Method::Get, uri).report(&client())
}

#[test]
fn a_route_that_lets_everybody_in_fails() {
    for uri in ["/wrong/open", "/wrong/optional"] {
        let report = report(uri);
        assert_eq!(wrong(&report, Answer::Accepted), 0, "{report}");
        assert!(wrong(&report, Answer::NoCredentials) > 10 && report.wrong().len() > 300, "{report}");
        assert!(report.wrong().iter().all(|wrong| wrong.let_in()), "{report}");
        assert!(report.to_string().contains("nobody has to log in"), "{report}");
    }
}

#[test]
fn a_route_that_refuses_everything_fails() {
    let report = report("/wrong/shut");
    assert_eq!((report.asked(), wrong(&report, Answer::Accepted)), (1, 1), "{report}");
    assert!(report.to_string().contains("a good token was refused"), "{report}");
}

#[test]
fn a_route_that_is_not_there_fails() {
    let report = report("/wrong/nowhere");
    assert_eq!((report.asked(), wrong(&report, Answer::Accepted)), (1, 1), "{report}");
    assert!(report.to_string().contains("nothing here takes this request"), "{report}");
    for (method, uri, hint) in [
        (Method::Put, "/user", "give it its method, headers and body"),
        (Method::Post, "/articles", "give it its method, headers and body"),
    ] {
        let report = Protected::new(method, uri).role("editor").report(&client());
        assert!(report.asked() == 1 && report.to_string().contains(hint), "{report}");
    }
}

#[test]
fn a_refusal_of_another_kind_fails() {
    for uri in ["/wrong/hidden", "/wrong/basic"] {
        let report = report(uri);
        assert_eq!(wrong(&report, Answer::Accepted), 0, "{report}");
        assert!(wrong(&report, Answer::InvalidToken) > 300, "{report}");
    }
}

#[test]
fn a_guard_that_only_looks_whether_there_is_a_token_fails() {
    for uri in ["/wrong/presence", "/wrong/shape"] {
        let report = report(uri);
        assert!(wrong(&report, Answer::InvalidToken) > 100, "{report}");
        let rows = |row| report.wrong().iter().any(|wrong| wrong.case.row() == row);
        for row in ["A01", "A07", "C01", "C09", "R09", "V01", "V04"] {
            assert!(rows(row), "{uri} {row}: {report}");
        }
    }
}

#[test]
fn a_route_that_wants_less_or_more_than_was_said_fails() {
    let client = client();
    let report = Protected::new(Method::Get, "/user").role("editor").report(&client);
    assert!(wrong(&report, Answer::Forbidden) >= 10, "{report}");
    assert_eq!(wrong(&report, Answer::Forbidden), report.wrong().len(), "{report}");

    assert!(report.to_string().contains("does not want the role"), "{report}");
    let two = editors().role("boss").report(&client);
    assert!(wrong(&two, Answer::Forbidden) >= 4 && two.wrong().len() < 20, "{two}");
    let two = orders().scope("offline_access").report(&client);
    assert!(wrong(&two, Answer::Forbidden) >= 3 && two.wrong().len() < 20, "{two}");

    let unnamed = Protected::new(Method::Post, "/articles").body("Hello").report(&client);
    assert!(wrong(&unnamed, Answer::Accepted) > 0, "{unnamed}");
    assert!(unnamed.to_string().contains("lacks a role or a scope"), "{unnamed}");
}

#[test]
fn the_report_is_a_table() {
    let report = report("/wrong/open").to_string();
    assert!(report.starts_with("GET /wrong/open: "), "{report}");
    let lines: Vec<_> = report.lines().collect();
    let at = |line: &str, text: &str| line.find(text).unwrap_or_else(|| panic!("{text} in {line}"));
    let head = lines[2];
    let none = lines.iter().find(|line| line.contains("alg none, no signature")).expect("a line");
    assert_eq!(at(head, "must get"), at(none, "401 invalid_token"), "{report}");
    assert_eq!(at(head, "got"), at(none, "200"), "{report}");
    assert!(none.ends_with("A01 RFC 8725 §3.2"), "{none}");
    assert!(!report.contains("eyJ"), "{report}");
}

#[test]
fn nobody_is_left_behind() {
    let client = client();
    editors().assert(&client);
    Protected::new(Method::Get, "/wrong/open").report(&client);
    let authority = client.rocket().state::<Authority>().expect("managed");
    let users = rocket::execute(authority.accounts(Actor::Server).list(None, 10)).expect("a list");
    assert_eq!(users, []);
}

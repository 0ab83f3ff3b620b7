//! A body, and its sender as they are once it has arrived.

use super::{Admin, App};
use countersign::{
    Authorized, Claims, CurrentUser, Rejection, Role, grant::Authority, store::Standing, testing::Protected,
};
use rocket::{
    Request, Route, async_test, async_trait,
    data::{self, Data, FromData, ToByteUnit},
    http::{Header, Method, Status},
    outcome::Outcome,
    post,
    request::{self, FromRequest},
    routes,
};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A body that says what happens to the user `root` while it arrives, past all revocation.
struct Fateful;

#[async_trait]
impl<'r> FromData<'r> for Fateful {
    type Error = &'static str;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> data::Outcome<'r, Self> {
        let body = data.open(1.kibibytes()).into_string().await.expect("a body").into_inner();
        let authority = request.rocket().state::<Authority>().expect("managed");
        let users = &authority.stores.users;
        let root =
            users.by_username(&"root".parse().expect("a name")).await.expect("asked").expect("root").id;
        let none = Standing::default();
        let standing = match &*body {
            "nothing" => none,
            "disable" => Standing { disabled: Some(true), ..none },
            "demote" => Standing { roles: Some([].into()), ..none },
            "delete" => {
                assert!(users.delete(root).await.expect("deleted"));
                none
            }
            "revoke" => {
                authority.revocations.user(root).await.expect("revoked");
                none
            }
            _ => return Outcome::Error((Status::ImATeapot, "no such fate")),
        };
        users.set_standing(root, &standing).await.expect("set");
        Outcome::Success(Self)
    }
}

#[post("/role", data = "<sent>")]
fn role(sent: Authorized<Role<Admin>, Fateful>) -> String {
    let Authorized { caller, body: Fateful } = sent;
    caller.username().to_string()
}

#[post("/user", data = "<sent>")]
fn user(sent: Authorized<CurrentUser, Fateful>) -> String {
    sent.caller.username().to_string()
}

#[post("/claims", data = "<sent>")]
fn claims(sent: Authorized<&Claims, Fateful>) -> &'static str {
    if sent.caller.is_service() { "a service" } else { "root" }
}

#[post("/optional", data = "<sent>")]
fn optional(sent: Authorized<Option<&CurrentUser>, Fateful>) -> String {
    sent.caller.map_or("nobody".into(), |user| user.username().to_string())
}

#[post("/result", data = "<sent>")]
fn result(sent: Authorized<Result<Claims, Rejection>, Fateful>) -> String {
    sent.caller.map_or_else(|rejection| rejection.to_string(), |_| "root".into())
}

/// What was lent before the body is still lent, and older than the other.
#[post("/beside", data = "<sent>")]
fn beside(before: &CurrentUser, sent: Authorized<&CurrentUser, Fateful>) -> String {
    if std::ptr::eq(before, sent.caller) { "stale".into() } else { before.username().to_string() }
}

#[post("/broken", data = "<sent>")]
fn broken(sent: Authorized<Role<Admin>, Result<Fateful, &'static str>>) -> String {
    sent.body.map_or_else(str::to_owned, |Fateful| sent.caller.username().to_string())
}

/// A guard of the app's own, made of one of ours.
struct Author(String);

#[async_trait]
impl<'r> FromRequest<'r> for Author {
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, Rejection> {
        <Role<Admin, &CurrentUser>>::from_request(request)
            .await
            .map(|admin| Self(admin.username().to_string()))
    }
}

#[post("/own", data = "<sent>")]
fn own(sent: Authorized<Author, Fateful>) -> String {
    sent.caller.0
}

fn all() -> Vec<Route> {
    routes![role, user, claims, optional, result, beside, broken, own]
}

async fn post(app: &App, path: &'static str, token: Option<&str>, body: &'static str) -> (u16, String) {
    let mut request = app.client.post(path).body(body);
    if let Some(token) = token {
        request.add_header(Header::new("Authorization", format!("Bearer {token}")));
    }
    let response = request.dispatch().await;
    (response.status().code, super::text(response).await)
}

#[async_test]
async fn what_counts_is_who_the_caller_is_when_the_body_has_arrived() {
    const REVOKED: &str = "the token was revoked";
    for (path, fate, status, answer) in [
        ("/role", "nothing", 200, "root"),
        ("/role", "disable", 401, ""),
        ("/role", "demote", 403, ""),
        ("/role", "delete", 401, ""),
        ("/role", "revoke", 401, ""),
        ("/own", "nothing", 200, "root"),
        ("/own", "disable", 401, ""),
        ("/own", "demote", 403, ""),
        ("/own", "revoke", 401, ""),
        ("/user", "nothing", 200, "root"),
        ("/user", "disable", 401, ""),
        ("/user", "demote", 200, "root"),
        ("/user", "delete", 401, ""),
        ("/claims", "nothing", 200, "root"),
        ("/claims", "disable", 200, "root"),
        ("/claims", "revoke", 401, ""),
        ("/optional", "nothing", 200, "root"),
        ("/optional", "disable", 200, "nobody"),
        ("/result", "nothing", 200, "root"),
        ("/result", "revoke", 200, REVOKED),
        ("/beside", "nothing", 200, "root"),
        ("/beside", "disable", 401, ""),
        ("/broken", "nothing", 200, "root"),
        ("/broken", "no fate", 200, "no such fate"),
        ("/broken", "disable", 401, ""),
        ("/role", "no fate", 418, ""),
    ] {
        let app = App::with(all()).await;
        let token = app.login("root").await;
        let got = post(&app, path, Some(&token), fate).await;
        assert_eq!(got.0, status, "{path} {fate}: {}", got.1);
        if status == 200 {
            assert_eq!(got.1, answer, "{path} {fate}");
        } else {
            let error: serde_json::Value = serde_json::from_str(&got.1).expect("JSON");
            let expected = match status {
                401 => "invalid_token",
                403 => "insufficient_scope",
                _ => "request_refused",
            };
            assert_eq!(error["error"], expected, "{path} {fate}: as the guard alone would have answered");
        }
    }
}

#[async_test]
async fn of_a_caller_who_is_refused_no_body_is_read() {
    for path in ["/role", "/own", "/user", "/claims", "/broken", "/beside"] {
        let app = App::with(all()).await;
        let (root, ada) = (app.login("root").await, app.login("ada").await);
        assert_eq!(post(&app, path, None, "revoke").await.0, 401, "{path}");
        assert_eq!(post(&app, path, Some("rubbish"), "revoke").await.0, 401, "{path}");
        if ["/role", "/own", "/broken"].contains(&path) {
            assert_eq!(post(&app, path, Some(&ada), "revoke").await.0, 403, "{path}");
        }
        assert_eq!(post(&app, path, Some(&root), "nothing").await.0, 200, "{path}: root was left alone");
    }
}

/// Accepts a caller once.
struct Fickle;

#[async_trait]
impl<'r> FromRequest<'r> for Fickle {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, ()> {
        let Asked(asked) = request.local_cache(|| Asked(AtomicBool::new(false)));
        if asked.swap(true, Relaxed) { Outcome::Forward(Status::NotFound) } else { Outcome::Success(Self) }
    }
}

struct Asked(AtomicBool);

#[post("/fickle", data = "<_sent>")]
fn fickle(_sent: Authorized<Fickle, String>) {}

#[post("/for-services", data = "<_sent>")]
fn for_services(_sent: Authorized<Never, String>) {}

#[post("/for-services", data = "<sent>", rank = 2)]
fn for_all(sent: Authorized<&CurrentUser, String>) -> String {
    sent.body
}

/// Leaves every request to another route.
struct Never;

#[async_trait]
impl<'r> FromRequest<'r> for Never {
    type Error = ();

    async fn from_request(_: &'r Request<'_>) -> request::Outcome<Self, ()> {
        Outcome::Forward(Status::NotFound)
    }
}

#[async_test]
async fn a_guard_may_forward_before_the_body_and_not_after_it() {
    let app = App::with(routes![fickle, for_services, for_all]).await;
    let root = app.login("root").await;
    assert_eq!(post(&app, "/for-services", Some(&root), "all of it").await, (200, "all of it".into()));
    assert_eq!(post(&app, "/fickle", Some(&root), "all of it").await.0, 404);
}

#[async_test]
async fn the_kit_of_bad_requests_finds_such_routes_protected() {
    let app = App::with(all()).await;
    for path in ["/user", "/claims", "/beside"] {
        Protected::new(Method::Post, path).body("nothing").assert_async(&app.client).await;
    }
    Protected::new(Method::Post, "/role").role("admin").body("nothing").assert_async(&app.client).await;
}

#[async_test]
async fn without_a_stage_such_a_route_aborts_the_launch() {
    let error = rocket::build().mount("/", routes![role]).ignite().await.expect_err("no launch");
    assert!(matches!(error.kind(), rocket::error::ErrorKind::SentinelAborts(_)), "{error}");
}

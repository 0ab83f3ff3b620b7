//! CORS and request names in an app's own routes.

use super::settings;
use countersign::{
    stage,
    store::{Stores, memory::MemoryStore},
    web::{RequestId, RequestLog},
};
use rocket::{
    Responder, async_test, get,
    http::{Header, Status},
    local::asynchronous::Client,
    options, routes,
};
use std::sync::Arc;

const APP: &str = "https://app.example";

#[get("/orders")]
fn orders(id: &RequestId) -> String {
    id.to_string()
}

#[derive(Responder)]
struct Open(&'static str, Header<'static>);

#[get("/open")]
fn open() -> Open {
    Open("for all", Header::new("Access-Control-Allow-Origin", "*"))
}

#[options("/own")]
fn own() -> Status {
    Status::Ok
}

async fn client() -> Client {
    let mut settings = settings();
    settings.origins = vec![APP.into()];
    let stage = stage().settings(settings).stores(Stores::of(Arc::new(MemoryStore::new())));
    let rocket = rocket::build().attach(RequestLog).attach(stage).mount("/", routes![orders, open, own]);
    Client::tracked(rocket).await.expect("a rocket that launches")
}

#[async_test]
async fn an_apps_own_routes_are_for_the_same_origins() {
    let client = client().await;
    for (origin, expected) in [(APP, Some(APP)), ("https://evil.example", None)] {
        let answer = client.get("/orders").header(Header::new("Origin", origin)).dispatch().await;
        assert_eq!(answer.headers().get_one("Access-Control-Allow-Origin"), expected);
        assert_eq!(answer.headers().get_one("Vary"), Some("Origin"));
    }
}

#[async_test]
async fn what_an_app_says_itself_is_left_alone() {
    let client = client().await;
    let answer = client.get("/open").header(Header::new("Origin", APP)).dispatch().await;
    let allowed: Vec<_> = answer.headers().get("Access-Control-Allow-Origin").collect();
    assert_eq!(allowed, ["*"]);
    assert_eq!(answer.headers().get_one("Access-Control-Allow-Credentials"), None, "never both");
    let preflight = client.options("/own").header(Header::new("Origin", "https://evil.example"));
    let preflight = preflight.header(Header::new("Access-Control-Request-Method", "GET")).dispatch().await;
    assert_eq!(preflight.status(), Status::Ok, "its own route has answered");
    assert_eq!(preflight.headers().get_one("Access-Control-Allow-Origin"), None);
}

#[async_test]
async fn a_route_can_tell_what_its_request_is_called() {
    let client = client().await;
    let answer = client.get("/orders").header(Header::new("X-Request-Id", "order-7")).dispatch().await;
    assert_eq!(answer.headers().get_one("X-Request-Id"), Some("order-7"));
    assert_eq!(answer.into_string().await.as_deref(), Some("order-7"));
}

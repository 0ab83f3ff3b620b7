//! Rocket's `_method` in an app that embeds the crate: it is the app's own on the app's routes.

use super::settings;
use countersign::{
    stage,
    store::{Stores, memory::MemoryStore},
    web::Stage,
};
use rocket::{
    async_test, delete,
    http::{ContentType, Method, Status},
    local::asynchronous::Client,
    routes,
};
use std::sync::Arc;

#[delete("/notes/<_id>")]
fn delete_note(_id: &str) -> &'static str {
    "deleted"
}

async fn app(stage: Stage) -> Client {
    let stage = stage.settings(settings()).stores(Stores::all_in(Arc::new(MemoryStore::new())));
    let rocket = rocket::build().attach(stage).mount("/", routes![delete_note]);
    Client::untracked(rocket).await.expect("a rocket that launches")
}

async fn status(client: &Client, method: Method, path: &str, form: &str) -> Status {
    client.req(method, path).header(ContentType::Form).body(form).dispatch().await.status()
}

#[async_test]
async fn an_app_keeps_its_own_and_ours_never_count() {
    for base in ["/", "/auth"] {
        let client = app(stage().mounted_at(base)).await;
        let post = async |path: &str, form: &str| status(&client, Method::Post, path, form).await;
        assert_eq!(post("/notes/1", "_method=DELETE").await, Status::Ok);
        assert_eq!(post("/notes/1", "x=y").await, Status::MethodNotAllowed);
        let at = |path: &str| format!("{}{path}", base.trim_end_matches('/'));
        for path in
            ["/sessions", "/sessions/x", "/admin/users/x", "/me", "/.well-known/jwks.json", "/account/x"]
        {
            for form in ["_method=DELETE", "&_method=GET", "_method=PATCH"] {
                assert_eq!(post(&at(path), form).await, Status::MethodNotAllowed, "{path} {form}");
            }
        }
        assert_eq!(post(&at("/token"), "_method=DELETE").await, Status::BadRequest);
    }
}

#[async_test]
async fn a_form_never_asks_for_an_answer_without_a_body() {
    let client = app(stage()).await;
    for path in ["/notes/1", "/nowhere", "/token"] {
        let request = client.post(path).header(ContentType::Form).body("_method=HEAD");
        let body = request.dispatch().await.into_string().await;
        assert!(body.is_some_and(|body| !body.is_empty()), "{path}");
    }
}

#[async_test]
async fn an_app_that_asks_for_it_is_held_to_http() {
    let client = app(stage().strict_http()).await;
    let request = client.post("/notes/1").header(rocket::http::Header::new("Host", "localhost"));
    let response = request.header(ContentType::Form).body("_method=DELETE").dispatch().await;
    assert_eq!(response.status(), Status::MethodNotAllowed);
    assert_eq!(status(&client, Method::Delete, "/notes/1", "").await, Status::BadRequest, "without a Host");
    let client = app(stage()).await;
    assert_eq!(status(&client, Method::Delete, "/notes/1", "").await, Status::Ok, "that is its own affair");
}

//! A client that calls in its own name (RFC 6749 §4.4): its token is good, but it is nobody.

use super::{Admin, App, Editor, all, refusal, with, without};
use countersign::{Claims, CurrentUser, Role, Scope, scopes};
use rocket::{async_test, get, http::Status, routes};
use serde_json::{Value, json};

scopes! { ReadReports = "reports:read"; }

#[get("/kind")]
fn kind(claims: &Claims) -> &'static str {
    if claims.is_service() { "service" } else { "person" }
}

#[get("/revision")]
fn revision(claims: &Claims) -> String {
    claims.client_revision().to_string()
}

#[get("/read")]
fn read(caller: Scope<ReadReports>) -> String {
    caller.subject().into()
}

#[get("/read-user")]
fn read_user(_user: Scope<ReadReports, &CurrentUser>) {}

#[get("/read-admin")]
fn read_admin(_admin: Role<Admin, Scope<ReadReports, CurrentUser>>) {}

#[get("/read-editor")]
fn read_editor(_editor: Role<Editor, Scope<ReadReports>>) {}

async fn app() -> App {
    let routes = routes![kind, revision, read, read_user, read_admin, read_editor];
    App::with([all(), routes].concat()).await
}

/// What the token of a service says.
async fn service(app: &App) -> Value {
    let person = app.claims_of("ada").await;
    let service = with(&with(&person, "sub", "reports-worker"), "client_id", "reports-worker");
    with(&with(&without(&service, "sid"), "crev", 3), "scope", "reports:read")
}

fn forbidden(text: &str) -> (u16, String, String) {
    let challenge = format!("Bearer error=\"insufficient_scope\", error_description=\"{text}\"");
    (403, challenge, json!({ "error": "insufficient_scope", "error_description": text }).to_string())
}

/// What wants a person.
const PERSONAL: [&str; 6] = ["/user", "/same", "/admin", "/admin-ref", "/read-user", "/read-admin"];

#[async_test]
async fn a_service_passes_where_the_token_counts() {
    let app = app().await;
    let service = app.sign(&service(&app).await);
    for path in ["/claims", "/claims-ref", "/read"] {
        assert_eq!(app.get(path, &service).await, (Status::Ok, "reports-worker".into()), "{path}");
    }
    assert_eq!(app.get("/kind", &service).await.1, "service");
    assert_eq!(app.get("/kind", &app.login("ada").await).await.1, "person");
}

#[async_test]
async fn a_service_is_refused_where_only_a_person_may_pass() {
    let app = app().await;
    let service = service(&app).await;
    for path in PERSONAL {
        let refused = refusal(&app, path, &app.sign(&service)).await;
        assert_eq!(refused, forbidden("Only a person may do this"), "{path}");
    }
    assert_eq!(app.get("/optional", &app.sign(&service)).await, (Status::Ok, "nobody".into()));
    let why = "a service called where only a person may";
    assert_eq!(app.get("/result", &app.sign(&service)).await, (Status::Ok, why.into()));
    // It has no roles to show either.
    for path in ["/editor", "/read-editor"] {
        let refused = refusal(&app, path, &app.sign(&service)).await;
        assert_eq!(refused, forbidden("This needs more than the access token allows"), "{path}");
    }
}

/// No record is asked for it, whichever there is under its name.
#[async_test]
async fn a_service_is_no_user_even_under_a_users_id() {
    let app = app().await;
    let root = app.claims_of("root").await;
    let ids = [root["sub"].clone(), json!("e58ed763-928c-4155-bee9-fdbaaadc15f3")];
    for id in ids {
        let named = with(&with(&root, "client_id", id.clone()), "sub", id.clone());
        let named = with(&named, "scope", "reports:read");
        for claims in [named.clone(), without(&named, "sid")] {
            for path in PERSONAL {
                let refused = refusal(&app, path, &app.sign(&claims)).await;
                assert_eq!(refused, forbidden("Only a person may do this"), "{path} {id}");
            }
        }
    }
}

#[async_test]
async fn where_no_store_keeps_clients_an_admin_finds_none() {
    let app = App::start().await;
    let (ada, root) = (app.login("ada").await, app.login("root").await);
    for path in ["/admin/clients", "/admin/clients/reports-worker"] {
        let (status, challenge, body) = refusal(&app, path, &root).await;
        assert_eq!((status, &*challenge), (404, ""), "{path}: {body}");
        assert!(body.contains("\"not_found\""), "{path}: {body}");
        assert_eq!(app.get(path, &ada).await.0, Status::Forbidden, "{path}");
    }
}

// C05
#[async_test]
async fn only_a_service_may_have_no_session() {
    let app = app().await;
    let service = service(&app).await;
    assert_eq!(app.get("/claims", &app.sign(&service)).await.0, Status::Ok);
    let ada = app.claims_of("ada").await;
    let refused = [
        ("a person", without(&ada, "sid")),
        ("another's client", with(&service, "client_id", "first-party")),
        ("another subject", with(&service, "sub", ada["sub"].clone())),
        ("in capitals", with(&service, "sub", "REPORTS-WORKER")),
        ("and a space", with(&service, "sub", "reports-worker ")),
        ("nobody", with(&with(&service, "sub", ""), "client_id", "")),
        ("no client", without(&service, "client_id")),
        ("no subject", without(&service, "sub")),
        ("neither", without(&without(&service, "client_id"), "sub")),
        ("null", with(&with(&service, "sub", Value::Null), "client_id", Value::Null)),
    ];
    for (what, claims) in refused {
        for path in ["/claims", "/read", "/user", "/editor"] {
            assert_eq!(app.get(path, &app.sign(&claims)).await.0, Status::Unauthorized, "{path}: {what}");
        }
    }
    for sid in
        [json!(""), Value::Null, json!(1), json!([]), json!(["s"]), json!({}), json!(true), json!("s\0")]
    {
        for claims in [&service, &ada] {
            let token = app.sign(&with(claims, "sid", sid.clone()));
            assert_eq!(app.get("/claims", &token).await.0, Status::Unauthorized, "{sid}");
        }
    }
}

#[async_test]
async fn a_client_revision_is_a_whole_number_or_absent() {
    let app = app().await;
    let (service, ada) = (service(&app).await, app.claims_of("ada").await);
    for claims in [&service, &ada] {
        assert_eq!(app.get("/revision", &app.sign(&without(&with(claims, "crev", 1), "crev"))).await.1, "0");
        for crev in [0, 1, u64::MAX] {
            let token = app.sign(&with(claims, "crev", crev));
            assert_eq!(app.get("/revision", &token).await, (Status::Ok, crev.to_string()));
        }
        let wrong = [
            Value::Null,
            json!("1"),
            json!(""),
            json!(-1),
            json!(1.5),
            json!(1.0),
            json!(1e300),
            json!([]),
            json!([1]),
            json!({}),
            json!(true),
        ];
        for crev in wrong {
            let token = app.sign(&with(claims, "crev", crev.clone()));
            assert_eq!(app.get("/revision", &token).await.0, Status::Unauthorized, "{crev}");
        }
    }
}

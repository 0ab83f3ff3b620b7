//! How the document and its page are served.

use super::{DOCS, NO_DOCS, answered, app, json_of, settings};
use countersign::{
    stage,
    store::{Stores, memory::MemoryStore},
    web::openapi::utoipa::{self, OpenApi},
};
use rocket::{async_test, http::Status, local::asynchronous::Client};
use serde_json::Value;
use std::sync::Arc;

async fn client(pairs: &[(&str, &str)], base: &str) -> Client {
    Client::tracked(app(&settings(pairs), base)).await.expect("a rocket")
}

#[async_test]
async fn what_is_served_is_the_document() {
    for base in ["/", "/auth"] {
        let client = client(&[DOCS], base).await;
        let path = format!("{}/openapi.json", base.trim_end_matches('/'));
        let answer = client.get(path).dispatch().await;
        assert_eq!(answer.status(), Status::Ok);
        assert!(answer.headers().get_one("ETag").is_some());
        let served: Value = answered(answer).await;
        assert_eq!(served, json_of(&[DOCS], base));
    }
}

// The page would tell everybody what there is to attack.
#[async_test]
async fn nothing_is_served_where_docs_is_off() {
    let client = client(&[NO_DOCS], "/").await;
    for path in ["/openapi.json", "/docs", "/docs/", "/docs/index.html"] {
        assert_eq!(client.get(path).dispatch().await.status(), Status::NotFound, "{path}");
    }
}

#[async_test]
async fn the_page_has_no_inline_script_and_a_policy_that_allows_none() {
    let client = client(&[DOCS], "/auth").await;
    let answer = client.get("/auth/docs").dispatch().await;
    assert_eq!(answer.status(), Status::PermanentRedirect);
    assert_eq!(answer.headers().get_one("Location"), Some("docs/"), "right below any prefix");
    for file in ["", "index.html", "swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js"] {
        let answer = client.get(format!("/auth/docs/{file}")).dispatch().await;
        assert_eq!(answer.status(), Status::Ok, "{file}");
        let header =
            |name| answer.headers().get_one(name).unwrap_or_else(|| panic!("{file}: no {name}")).to_owned();
        let policy = header("Content-Security-Policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"), "{policy}");
        assert_eq!(header("X-Content-Type-Options"), "nosniff");
    }
    let initializer = client.get("/auth/docs/swagger-initializer.js").dispatch().await.into_string().await;
    assert!(initializer.expect("text").contains("\"../openapi.json\""));
    for absent in ["/auth/docs/nothing", "/auth/docs/../me", "/auth/docs/%2e%2e/me"] {
        let answer = client.get(absent).dispatch().await;
        assert_ne!(answer.status(), Status::Ok, "{absent}");
    }
}

/// Says hello.
#[utoipa::path(get, path = "/hello", responses((status = 200, description = "Hello")))]
#[expect(dead_code, reason = "only described")]
fn hello() {}

#[derive(utoipa::OpenApi)]
#[openapi(paths(hello), info(title = "Orders", version = "7"))]
struct Mine;

#[async_test]
async fn an_apps_own_document_and_ours_are_served_as_one() {
    let stores = Stores::of(Arc::new(MemoryStore::new()));
    let stage =
        stage().settings(settings(&[DOCS])).stores(stores).mounted_at("/auth").openapi(Mine::openapi());
    let client = Client::tracked(rocket::build().attach(stage)).await.expect("a rocket");
    let served: Value = answered(client.get("/auth/openapi.json").dispatch().await).await;
    assert_eq!((&served["info"]["title"], &served["info"]["version"]), (&"Orders".into(), &"7".into()));
    assert!(
        served["paths"]["/hello"]["get"].is_object() && served["paths"]["/auth/token"]["post"].is_object()
    );
    assert!(served["components"]["securitySchemes"]["countersign.login"].is_object());
}

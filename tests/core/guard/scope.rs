//! `Scope<S>`: alone, and with whatever else a caller has to be.

use super::{Admin, App, Editor, refusal, with};
use countersign::{
    Claims, CurrentUser, Rejection, Role, Scope, scopes, stage,
    web::guard::{HasRoles, HasScope},
};
use rocket::{Route, async_test, get, http::Status, routes};
use serde_json::{Value, json};

scopes! {
    ReadReports = "reports:read";
    WriteReports = "reports:write";
}

#[get("/read")]
fn read(caller: Scope<ReadReports>) -> String {
    caller.subject().into()
}

#[get("/read-ref")]
fn read_ref(caller: Scope<ReadReports, &Claims>) -> String {
    caller.into_inner().subject().into()
}

#[get("/same")]
fn same(claims: &Claims, caller: Scope<ReadReports, &Claims>) -> String {
    std::ptr::eq(claims, *caller).to_string()
}

#[get("/user")]
fn user(user: Scope<ReadReports, CurrentUser>) -> String {
    user.username().to_string()
}

#[get("/user-ref")]
fn user_ref(user: Scope<ReadReports, &CurrentUser>) -> String {
    user.username().to_string()
}

#[get("/scope-of-role")]
fn scope_of_role(admin: Scope<ReadReports, Role<Admin>>) -> String {
    admin.username().to_string()
}

#[get("/role-of-scope")]
fn role_of_scope(admin: Role<Admin, Scope<ReadReports, &CurrentUser>>) -> String {
    admin.into_inner().into_inner().username().to_string()
}

#[get("/editor")]
fn editor(editor: Role<Editor, Scope<ReadReports>>) -> String {
    editor.subject().into()
}

#[get("/both")]
fn both(caller: Scope<ReadReports, Scope<WriteReports>>) -> String {
    let all = ["reports:read", "reports:write"].iter().all(|name| caller.has_scope(name));
    format!("{all} {} {}", caller.has_scope("reports"), caller.has_role("editor"))
}

#[get("/roles")]
fn both_roles(caller: Role<Admin, Role<Editor, &Claims>>) -> String {
    caller.subject().into()
}

#[get("/optional")]
fn optional(caller: Option<Scope<ReadReports>>) -> String {
    caller.map_or("nobody".into(), |caller| caller.subject().to_owned())
}

#[get("/result")]
fn result(caller: Result<Scope<ReadReports, &CurrentUser>, Rejection>) -> String {
    caller.map_or_else(|rejection| rejection.to_string(), |user| user.username().to_string())
}

fn all() -> Vec<Route> {
    routes![
        read,
        read_ref,
        same,
        user,
        user_ref,
        scope_of_role,
        role_of_scope,
        editor,
        both,
        both_roles,
        optional,
        result
    ]
}

/// All that want `reports:read` and nothing that `root` lacks.
const READING: [&str; 8] =
    ["/read", "/read-ref", "/same", "/user", "/user-ref", "/scope-of-role", "/role-of-scope", "/editor"];

/// The status, the challenge and the body of who lacks that scope.
fn lacks(scope: &str) -> (u16, String, String) {
    let text = "This needs more than the access token allows";
    let challenge =
        format!("Bearer error=\"insufficient_scope\", error_description=\"{text}\", scope=\"{scope}\"");
    (403, challenge, json!({ "error": "insufficient_scope", "error_description": text }).to_string())
}

#[async_test]
async fn a_scope_lets_those_in_who_have_it() {
    let app = App::with(all()).await;
    let root = with(&app.claims_of("root").await, "scope", "reports:read");
    let subject = root["sub"].as_str().expect("a subject");
    for path in READING {
        let (status, body) = app.get(path, &app.sign(&root)).await;
        assert_eq!(status, Status::Ok, "{path}");
        assert!([subject, "root", "true"].contains(&&*body), "{path}: {body}");
    }
    assert_eq!(app.get("/same", &app.sign(&root)).await.1, "true", "verified once, not copied");
    assert_eq!(app.get("/optional", &app.sign(&root)).await.1, subject);
    assert_eq!(app.get("/result", &app.sign(&root)).await.1, "root");
}

// C13
#[async_test]
async fn a_scope_counts_only_when_it_is_spelled_and_shaped_exactly() {
    let app = App::with(all()).await;
    let root = app.claims_of("root").await;
    let exact = [
        "reports:read",
        "reports:write reports:read",
        "reports:read reports:write",
        "a reports:read z",
        "reports:read reports:read",
    ];
    for scope in exact {
        for path in READING {
            let token = app.sign(&with(&root, "scope", scope));
            assert_eq!(app.get(path, &token).await.0, Status::Ok, "{path}: {scope}");
        }
    }

    let others = [
        json!(""),
        json!(" "),
        json!("reports:write"),
        json!("reports"),
        json!("reports:"),
        json!("read"),
        json!("reports read"),
        json!("Reports:read"),
        json!("REPORTS:READ"),
        json!("reports:readx"),
        json!("xreports:read"),
        json!("reports:read,reports:write"),
        json!("reports:re\u{430}d"),
        json!("*"),
        json!("reports:*"),
        // What is no scope of RFC 6749 §3.3 gives nothing, whatever else stands in it.
        json!("reports:read\0"),
        json!("reports:read \0"),
        json!(" reports:read"),
        json!("reports:read "),
        json!("reports:write  reports:read"),
        json!("reports:read\treports:write"),
        json!("reports:read\n"),
        json!("reports:read \""),
        json!("reports:read \\"),
        json!("reports:read \u{e9}"),
        json!("\"reports:read\""),
        json!(["reports:read"]),
        json!([["reports:read"]]),
        json!("[\"reports:read\"]"),
        json!({ "reports:read": true }),
        json!({ "0": "reports:read" }),
        json!([]),
        json!({}),
        json!(0),
        json!(1),
        json!(true),
        Value::Null,
    ];
    for scope in others {
        for path in READING {
            let token = app.sign(&with(&root, "scope", scope.clone()));
            assert_eq!(refusal(&app, path, &token).await, lacks("reports:read"), "{path}: {scope}");
        }
    }
    let none = super::without(&root, "scope");
    assert_eq!(refusal(&app, "/read", &app.sign(&none)).await, lacks("reports:read"), "none");
    for name in ["scp", "Scope", "scopes", "permissions", "roles"] {
        for value in [json!("reports:read"), json!(["reports:read"])] {
            let token = app.sign(&with(&none, name, value));
            assert_eq!(refusal(&app, "/read", &token).await, lacks("reports:read"), "{name}");
        }
    }
}

#[async_test]
async fn a_scope_is_no_role_and_a_role_no_scope() {
    let app = App::with(all()).await;
    let ada = app.claims_of("ada").await;
    let as_scope = app.sign(&with(&ada, "scope", "reports:read admin editor"));
    for path in ["/scope-of-role", "/role-of-scope", "/editor"] {
        let (status, challenge, _) = refusal(&app, path, &as_scope).await;
        assert_eq!((status, challenge.contains("scope=")), (403, false), "{path}: {challenge}");
    }
    let as_role = app.sign(&with(&ada, "roles", json!(["reports:read"])));
    assert_eq!(refusal(&app, "/read", &as_role).await, lacks("reports:read"));
}

#[async_test]
async fn guards_within_guards_ask_for_all_of_it_and_the_inner_one_first() {
    let app = App::with(all()).await;
    let ada = app.claims_of("ada").await;
    let scoped = |scope: &str| app.sign(&with(&ada, "scope", scope));
    assert_eq!(refusal(&app, "/both", &scoped("")).await, lacks("reports:write"));
    assert_eq!(refusal(&app, "/both", &scoped("reports:read")).await, lacks("reports:write"));
    assert_eq!(refusal(&app, "/both", &scoped("reports:write")).await, lacks("reports:read"));
    let both = scoped("reports:read reports:write");
    assert_eq!(app.get("/both", &both).await, (Status::Ok, "true false false".into()));
    let editor =
        app.sign(&with(&with(&ada, "roles", json!(["editor"])), "scope", "reports:read reports:write"));
    assert_eq!(app.get("/both", &editor).await, (Status::Ok, "true false true".into()));

    let has_role = |roles: Value| app.sign(&with(&with(&ada, "roles", roles), "scope", "reports:read"));
    for roles in [json!([]), json!(["admin"]), json!(["editor"])] {
        assert_eq!(app.get("/roles", &has_role(roles.clone())).await.0, Status::Forbidden, "{roles}");
    }
    assert_eq!(app.get("/roles", &has_role(json!(["admin", "editor"]))).await.0, Status::Ok);
    // The token has the role, but the user no longer.
    for path in ["/scope-of-role", "/role-of-scope"] {
        assert_eq!(app.get(path, &has_role(json!(["admin"]))).await.0, Status::Forbidden, "{path}");
    }
    assert_eq!(app.get("/editor", &has_role(json!(["editor"]))).await.0, Status::Ok);
}

#[async_test]
async fn option_and_result_let_a_route_decide_about_a_scope() {
    let app = App::with(all()).await;
    let ada = app.sign(&with(&app.claims_of("ada").await, "scope", "reports:write"));
    assert_eq!(app.get("/optional", &ada).await, (Status::Ok, "nobody".into()));
    assert_eq!(app.get("/result", &ada).await, (Status::Ok, "the scope reports:read is missing".into()));
    assert_eq!(app.get("/optional", "rubbish").await, (Status::Ok, "nobody".into()));
    assert_eq!(app.get("/result", "rubbish").await.1, "invalid token: the token is malformed");
}

#[async_test]
async fn a_bad_token_is_bad_whatever_scope_it_claims() {
    let app = App::with(all()).await;
    let root = with(&app.claims_of("root").await, "scope", "reports:read");
    let late = app.sign(&with(&root, "exp", root["iat"].clone()));
    let unsigned = format!("{}A", app.sign(&root));
    for path in READING {
        for token in ["", "rubbish", &late, &unsigned] {
            let (status, challenge, _) = refusal(&app, path, token).await;
            assert_eq!(status, 401, "{path}: {token}");
            assert!(!challenge.contains("scope"), "{path}: {challenge}");
        }
        assert_eq!(app.client.get(path).dispatch().await.status(), Status::Unauthorized, "{path}");
    }
}

#[async_test]
async fn a_scope_without_the_stage_aborts_the_launch_however_deep_it_stands() {
    for route in all() {
        let name = route.name.clone();
        let error =
            rocket::build().mount("/", vec![route]).ignite().await.expect_err("the launch is aborted");
        let kind = format!("{:?}", error.kind());
        assert!(kind.contains("SentinelAborts"), "{name:?}: {kind}");
    }
    let staged = rocket::build().attach(stage().settings(super::settings()));
    assert!(staged.mount("/", all()).ignite().await.is_ok());
}

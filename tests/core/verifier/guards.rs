//! The guards in a Rocket that issues nothing: the same as in one that does.

use super::{AUDIENCE, ISSUER, Key, NOW, builder, claims, eventually, issuer::Answer, issuer::Issuer, log};
use countersign::{
    Claims, CurrentUser, Role, Scope, Verifier,
    clock::{ManualClock, UnixTime},
    config::{Environment, Settings},
    roles, scopes, stage,
    store::{Stores, memory::MemoryStore},
    verifier::Builder,
    web::guard::Rejection,
};
use rocket::{
    Build, Rocket, Route, State, async_test, get,
    http::{ContentType, Header, Status},
    local::asynchronous::{Client, LocalRequest},
    post, routes,
};
use serde_json::json;
use std::sync::Arc;

roles! {
    Admin = "admin";
    Editor = "editor";
}

scopes! {
    Read = "read";
    Delete = "reports:delete";
}

#[get("/claims")]
fn of_claims(claims: Claims) -> String {
    claims.subject().into()
}

#[post("/claims", data = "<_body>")]
fn with_body(claims: &Claims, _body: Vec<u8>) -> String {
    claims.subject().into()
}

#[get("/same")]
fn same(one: &Claims, other: &Claims, editor: Role<Editor, &Claims>) -> String {
    (std::ptr::eq(one, other) && std::ptr::eq(one, *editor)).to_string()
}

#[get("/optional")]
fn optional(claims: Option<&Claims>) -> String {
    claims.map_or("nobody".into(), |claims| claims.subject().to_owned())
}

#[get("/result")]
fn result(claims: Result<Claims, Rejection>) -> String {
    claims.map_or_else(|rejection| rejection.to_string(), |claims| claims.subject().into())
}

#[get("/editor")]
fn editor(editor: Role<Editor, Claims>) -> String {
    editor.into_inner().subject().into()
}

#[get("/admin")]
fn admin(_admin: Role<Admin, Claims>) -> &'static str {
    "admin"
}

#[get("/read")]
fn read(caller: Scope<Read>) -> String {
    caller.subject().into()
}

#[get("/read-editor")]
fn read_editor(editor: Scope<Read, Role<Editor, &Claims>>) -> String {
    editor.subject().into()
}

#[get("/delete")]
fn delete(_caller: Role<Editor, Scope<Delete, &Claims>>) {}

#[get("/kind")]
fn kind(claims: &Claims) -> &'static str {
    if claims.is_service() { "service" } else { "person" }
}

#[get("/ready")]
fn ready(verifier: &State<Verifier>) -> String {
    verifier.is_ready().to_string()
}

#[get("/user")]
fn user(_user: CurrentUser) {}

#[get("/user-ref")]
fn user_ref(_user: Option<&CurrentUser>) {}

#[get("/role")]
fn role(_role: Role<Admin>) {}

#[get("/role-ref")]
fn role_ref(_role: Result<Role<Admin, &CurrentUser>, Rejection>) {}

#[get("/scope")]
fn scope(_user: Scope<Read, &CurrentUser>) {}

#[get("/scope-of-role")]
fn scope_of_role(_admin: Scope<Read, Scope<Delete, Role<Admin>>>) {}

fn working() -> Vec<Route> {
    routes![of_claims, with_body, same, optional, result, editor, admin, read, read_editor, delete, kind]
}

fn needing_users() -> Vec<Route> {
    routes![user, user_ref, role, role_ref, scope, scope_of_role]
}

/// An app that takes that issuer's tokens.
pub async fn resource(issuer: &Issuer) -> Client {
    resource_of(builder(issuer)).await
}

pub async fn resource_of(builder: Builder) -> Client {
    log::keep();
    let verifier = builder.build().expect("a verifier");
    let rocket = rocket::build().attach(verifier.stage()).mount("/", working()).mount("/", routes![ready]);
    Client::tracked(rocket).await.expect("a rocket that launches")
}

fn settings() -> Settings {
    let environment = Environment::from_pairs([
        ("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1"),
        ("COUNTERSIGN_DATABASE_URL", "memory:"),
        ("COUNTERSIGN_ISSUER", ISSUER),
        ("COUNTERSIGN_AUDIENCE", AUDIENCE),
    ]);
    Settings::load(&rocket::Config::figment(), environment).expect("good settings")
}

/// An app that issues its tokens, with the same routes.
async fn issuing() -> Client {
    let store = Stores::of(Arc::new(MemoryStore::new()));
    let stage = stage().settings(settings()).stores(store).clock(ManualClock::new(UnixTime(NOW)));
    let rocket = rocket::build().attach(stage).mount("/", working());
    Client::tracked(rocket).await.expect("a rocket that launches")
}

/// Everything of an answer but what Rocket adds to each.
#[derive(Debug, PartialEq, Eq)]
pub struct Answered {
    pub status: u16,
    headers: Vec<String>,
    pub body: String,
}

async fn answered(request: LocalRequest<'_>) -> Answered {
    let response = request.dispatch().await;
    let status = response.status().code;
    let rockets = ["Server", "Permissions-Policy", "X-Content-Type-Options", "X-Frame-Options"];
    let headers = response.headers().iter().filter(|header| !rockets.contains(&header.name().as_str()));
    let mut headers: Vec<_> = headers.map(|header| header.to_string()).collect();
    headers.sort();
    Answered { status, headers, body: response.into_string().await.unwrap_or_default() }
}

fn bearer(token: &str) -> Header<'static> {
    Header::new("Authorization", format!("Bearer {token}"))
}

pub async fn get_with<'c>(client: &'c Client, path: &'c str, token: &str) -> Answered {
    answered(client.get(path).header(bearer(token))).await
}

#[async_test]
async fn the_guards_let_the_right_ones_in() {
    let key = Key::named("a");
    let client = resource(&Issuer::publishing(&key.jwks())).await;
    for path in ["/claims", "/editor", "/optional", "/result", "/read", "/read-editor"] {
        let answer = get_with(&client, path, &key.token()).await;
        assert_eq!((answer.status, &*answer.body), (200, "ada"), "{path}");
    }
    assert_eq!(get_with(&client, "/same", &key.token()).await.body, "true", "verified once, not copied");
    assert_eq!(answered(client.get("/optional")).await.body, "nobody");
    assert_eq!(answered(client.get("/result")).await.body, "no credentials");
    assert_eq!(get_with(&client, "/result", "x").await.body, "invalid token: the token is malformed");
}

#[async_test]
async fn each_refusal_has_its_exact_answer() {
    let (key, other) = (Key::named("a"), Key::named("b"));
    let issuer = Issuer::publishing(&key.jwks());
    let client = resource(&issuer).await;
    let problem = |status, challenge: Option<&str>, error: &str, description: &str| {
        let body = json!({ "error": error, "error_description": description }).to_string();
        let mut headers: Vec<String> =
            ["Cache-Control: no-store", "Content-Type: application/json", "Pragma: no-cache"]
                .map(Into::into)
                .into();
        headers.extend(challenge.map(|challenge| format!("WWW-Authenticate: {challenge}")));
        headers.extend((status == 503).then(|| "Retry-After: 1".into()));
        headers.sort();
        Answered { status, headers, body }
    };
    let nobody = problem(401, Some("Bearer"), "unauthorized", "An access token is needed");
    let text = "The access token is malformed, expired, revoked or not for this service";
    let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{text}\"");
    let invalid = problem(401, Some(&challenge), "invalid_token", text);
    let text = "This needs more than the access token allows";
    let challenge = format!("Bearer error=\"insufficient_scope\", error_description=\"{text}\"");
    let forbidden = problem(403, Some(&challenge), "insufficient_scope", text);
    let challenge = format!("{challenge}, scope=\"reports:delete\"");
    let unscoped = problem(403, Some(&challenge), "insufficient_scope", text);
    let text = "The service cannot answer right now; try again shortly";
    let unavailable = problem(503, None, "temporarily_unavailable", text);

    assert_eq!(answered(client.get("/claims")).await, nobody);
    assert_eq!(get_with(&client, "/admin", &key.token()).await, forbidden);
    assert_eq!(get_with(&client, "/delete", &key.token()).await, unscoped);
    let elsewhere = key.sign("at+jwt", &json!({ "aud": "https://other.example" }));
    for token in ["", "x", "a.b.c", &other.token(), &elsewhere] {
        for path in ["/claims", "/editor", "/admin", "/read", "/delete"] {
            assert_eq!(get_with(&client, path, token).await, invalid, "{token}");
        }
    }
    let down = resource(&Issuer::start(Answer::Hangup)).await;
    for token in ["x", &key.token(), &other.token()] {
        assert_eq!(get_with(&down, "/claims", token).await, unavailable, "{token}");
    }
    assert_eq!(answered(down.get("/claims")).await, nobody);
    // Whether there is such a key nobody can say while the issuer is down.
    let client = resource(&issuer).await;
    issuer.answer(Answer::Hangup);
    assert_eq!(get_with(&client, "/claims", &other.token()).await, unavailable);
    assert_eq!(get_with(&client, "/claims", &key.token()).await.status, 200);
}

/// A request that no server lets through, of each kind.
const BAD_REQUESTS: [&str; 13] = [
    "no token",
    "another scheme",
    "nothing behind the scheme",
    "rubbish",
    "rubbish for a role",
    "rubbish for a scope",
    "twice",
    "in the query too",
    "in the query only",
    "in the body too",
    "in the body only",
    "no such path",
    "no such method",
];

fn bad_request<'c>(kind: &str, client: &'c Client, token: &str) -> LocalRequest<'c> {
    let good = bearer(token);
    let form = || client.post("/claims").header(ContentType::Form).body(format!("a=b&access_token={token}"));
    match kind {
        "no token" => client.get("/claims"),
        "another scheme" => client.get("/claims").header(Header::new("Authorization", "Basic YWRhOmFkYQ==")),
        "nothing behind the scheme" => client.get("/claims").header(bearer("")),
        "rubbish" => client.get("/claims").header(bearer("rubbish")),
        "rubbish for a role" => client.get("/admin").header(bearer("rubbish")),
        "rubbish for a scope" => client.get("/read").header(bearer("rubbish")),
        "twice" => client.get("/claims").header(good.clone()).header(good),
        "in the query too" => client.get(format!("/claims?access_token={token}")).header(good),
        "in the query only" => client.get(format!("/claims?access_token={token}")),
        "in the body too" => form().header(good),
        "in the body only" => form(),
        "no such path" => client.get("/nowhere").header(good),
        "no such method" => client.delete("/claims").header(good),
        _ => panic!("{kind}?"),
    }
}

#[async_test]
async fn what_is_refused_is_refused_as_the_issuing_server_does() {
    let key = Key::named("a");
    let (ours, theirs) = (resource(&Issuer::publishing(&key.jwks())).await, issuing().await);
    for kind in BAD_REQUESTS {
        let answer = answered(bad_request(kind, &ours, &key.token())).await;
        assert_eq!(answer, answered(bad_request(kind, &theirs, &key.token())).await, "{kind}");
        assert!(answer.status >= 400, "{kind}: {answer:?}");
    }
}

#[async_test]
async fn keys_that_come_later_open_the_routes_without_a_restart() {
    let key = Key::named("a");
    let issuer = Issuer::start(Answer::status(503));
    let client = resource(&issuer).await;
    assert_eq!(answered(client.get("/ready")).await.body, "false");
    assert_eq!(get_with(&client, "/claims", &key.token()).await.status, 503);
    issuer.publish(&key.jwks());
    eventually("open", async || get_with(&client, "/claims", &key.token()).await.status == 200).await;
    assert_eq!(answered(client.get("/ready")).await.body, "true");
}

#[async_test]
async fn an_unknown_key_is_asked_for_and_a_rotation_is_noticed() {
    let (old, new) = (Key::named("old"), Key::named("new"));
    let issuer = Issuer::publishing(&old.jwks());
    let client = resource(&issuer).await;
    issuer.publish(&json!({ "keys": [old.jwk(), new.jwk()] }));
    let mut bob = claims();
    bob["sub"] = json!("bob");
    bob["roles"] = json!(["admin"]);
    assert_eq!(get_with(&client, "/claims", &new.sign("at+jwt", &bob)).await.body, "bob");
    assert_eq!(get_with(&client, "/admin", &new.sign("at+jwt", &bob)).await.body, "admin");
    assert_eq!(issuer.requests(), 2);
}

fn verifier() -> Verifier {
    let url = "https://login.example/jwks.json";
    Verifier::builder(url).issuer(ISSUER).audience(AUDIENCE).build().expect("a verifier")
}

#[async_test]
async fn a_guard_that_needs_users_aborts_the_launch_and_the_log_says_why() {
    log::keep();
    for route in needing_users() {
        let (name, path) = (route.name.clone(), route.uri.to_string());
        let rocket = rocket::build().attach(verifier().stage()).mount("/", vec![route]);
        let error = rocket.ignite().await.expect_err(&path);
        let kind = format!("{:?}", error.kind());
        assert!(kind.contains("SentinelAborts"), "{name:?}: {kind}");
    }
    assert!(!log::lines("there are no users here").is_empty());
    let rocket = rocket::build().attach(verifier().stage()).mount("/", working());
    assert!(rocket.ignite().await.is_ok());
}

#[async_test]
async fn a_rocket_has_one_of_the_two_stages_and_one_only() {
    log::keep();
    let memory = || stage().settings(settings()).stores(Stores::of(Arc::new(MemoryStore::new())));
    let pooled = || stage().settings(settings());
    let rockets: [(&str, Rocket<Build>); 6] = [
        ("the verifier's first", rocket::build().attach(verifier().stage()).attach(memory())),
        ("the verifier's last", rocket::build().attach(memory()).attach(verifier().stage())),
        ("pooled, first", rocket::build().attach(verifier().stage()).attach(pooled())),
        ("pooled, last", rocket::build().attach(pooled()).attach(verifier().stage())),
        ("two verifiers'", rocket::build().attach(verifier().stage()).attach(verifier().stage())),
        ("two issuing", rocket::build().attach(memory()).attach(memory().mounted_at("/other"))),
    ];
    for (what, rocket) in rockets {
        let error = rocket.ignite().await.expect_err(what);
        let kind = format!("{:?}", error.kind());
        assert!(kind.contains("FailedFairings"), "{what}: {kind}");
    }
    assert_eq!(log::lines("the stage of one Verifier can be attached").len(), 6);
}

#[async_test]
async fn an_app_keeps_its_own_catchers() {
    #[rocket::catch(default)]
    fn own() -> &'static str {
        "own"
    }
    let rocket = rocket::build().attach(verifier().stage()).mount("/", working());
    let client = Client::tracked(rocket.register("/", rocket::catchers![own])).await.expect("it launches");
    let answer = client.get("/claims").dispatch().await;
    assert_eq!(answer.headers().get_one("WWW-Authenticate"), Some("Bearer"));
    assert_eq!((answer.status(), answer.into_string().await), (Status::Unauthorized, Some("own".into())));
}

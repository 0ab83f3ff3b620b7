//! Guards in a Rocket of somebody's own, as an embedding app uses them.

mod authorized;
mod cross_origin;
mod error_pages;
mod form_method;
mod launching;
mod malformed;
mod scope;
mod service;

use crate::PASSWORD;
use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use countersign::{
    Claims, CurrentUser, Role,
    account::Accounts,
    audit::Actor,
    clock::{Clock, ManualClock, UnixTime},
    config::{Environment, Settings},
    grant::Authority,
    password::Password,
    roles, stage,
    store::{Standing, Stores, memory::MemoryStore},
    user::UserId,
    web::guard::Rejection,
};
use rocket::{
    Build, Rocket, Route, async_test, get,
    http::{ContentType, Header, Status},
    local::asynchronous::{Client, LocalResponse},
    routes,
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

roles! {
    Admin = "admin";
    Editor = "editor";
}

#[get("/claims")]
fn claims(claims: Claims) -> String {
    claims.subject().into()
}

#[get("/claims-ref")]
fn claims_ref(claims: &Claims) -> String {
    claims.subject().into()
}

#[get("/user")]
fn user(user: CurrentUser) -> String {
    user.username().to_string()
}

#[get("/same")]
fn same(one: &CurrentUser, other: &CurrentUser, claims: &Claims) -> String {
    format!("{}", std::ptr::eq(one, other) && one.claims() == claims)
}

#[get("/optional")]
fn optional(user: Option<&CurrentUser>) -> String {
    user.map_or("nobody".into(), |user| user.username().to_string())
}

#[get("/result")]
fn result(user: Result<CurrentUser, Rejection>) -> String {
    user.map_or_else(|rejection| rejection.to_string(), |user| user.username().to_string())
}

#[get("/admin")]
fn admin(admin: Role<Admin>) -> String {
    admin.username().to_string()
}

#[get("/editor")]
fn editor(editor: Role<Editor, Claims>) -> String {
    editor.into_inner().subject().into()
}

#[get("/admin-ref")]
fn admin_ref(admin: Role<Admin, &CurrentUser>) -> String {
    admin.username().to_string()
}

fn all() -> Vec<Route> {
    routes![claims, claims_ref, user, same, optional, result, admin, editor, admin_ref]
}

const KEY: &str = "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1";

fn settings() -> Settings {
    let environment = Environment::from_pairs([
        ("COUNTERSIGN_SIGNING_KEY", KEY),
        ("COUNTERSIGN_LEEWAY", "0"),
        ("COUNTERSIGN_DATABASE_URL", "memory:"),
    ]);
    Settings::load(&rocket::Config::figment(), environment).expect("good settings")
}

struct App {
    client: Client,
    clock: Arc<ManualClock>,
    accounts: Accounts,
}

impl App {
    async fn start() -> Self {
        Self::with(all()).await
    }

    async fn with(routes: Vec<Route>) -> Self {
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(UnixTime(1_000_000))));
        let stage = stage().settings(settings()).clock(clock.clone()).stores(Stores::of(store));
        let rocket = rocket::build().attach(stage).mount("/", routes);
        let client = Client::tracked(rocket).await.expect("a rocket that launches");
        let accounts = client.rocket().state::<Authority>().expect("managed").accounts(Actor::Server);
        let password = Password::parse(PASSWORD).expect("a password");
        for (name, roles) in [("ada", &[][..]), ("root", &["admin", "editor"])] {
            let roles = roles.iter().map(|role| role.parse().expect("a role")).collect();
            let name = name.parse().expect("a name");
            accounts.add(name, password.clone(), roles, UnixTime(0)).await.expect("added");
        }
        Self { client, clock, accounts }
    }

    async fn id_of(&self, name: &str) -> UserId {
        self.accounts.find(&name.parse().expect("a name")).await.expect("a user").id
    }

    async fn login(&self, name: &str) -> String {
        let request = self.client.post("/token").header(ContentType::Form);
        let response = request.body(format!("username={name}&password={PASSWORD}")).dispatch().await;
        assert_eq!(response.status(), Status::Ok);
        let body: serde_json::Value = serde_json::from_str(&text(response).await).expect("JSON");
        body["access_token"].as_str().expect("a token").into()
    }

    /// What a fresh token of theirs says.
    async fn claims_of(&self, name: &str) -> Value {
        let token = self.login(name).await;
        let payload = BASE64.decode(token.split('.').nth(1).expect("a payload")).expect("base64url");
        serde_json::from_slice(&payload).expect("claims")
    }

    /// A token that says this, signed apart from the code under test.
    fn sign(&self, claims: &Value) -> String {
        let ring = self.client.rocket().state::<Authority>().expect("managed").tokens.ring();
        let header = json!({ "alg": "HS256", "kid": ring.keys()[0].key().kid(), "typ": "at+jwt" });
        let message = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes()), message.as_bytes());
        format!("{message}.{}", BASE64.encode(tag))
    }

    async fn get(&self, path: &'static str, token: &str) -> (Status, String) {
        let header = Header::new("Authorization", format!("Bearer {token}"));
        let response = self.client.get(path).header(header).dispatch().await;
        (response.status(), text(response).await)
    }
}

fn with(claims: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims.clone();
    claims[name] = value.into();
    claims
}

fn without(claims: &Value, name: &str) -> Value {
    let mut claims = claims.clone();
    claims.as_object_mut().expect("an object").remove(name);
    claims
}

/// The status, the challenge and the body.
async fn refusal(app: &App, path: &'static str, token: &str) -> (u16, String, String) {
    let header = Header::new("Authorization", format!("Bearer {token}"));
    let response = app.client.get(path).header(header).dispatch().await;
    let status = response.status().code;
    let challenge = response.headers().get_one("WWW-Authenticate").unwrap_or_default().to_owned();
    (status, challenge, text(response).await)
}

async fn text(response: LocalResponse<'_>) -> String {
    response.into_string().await.unwrap_or_default()
}

#[async_test]
async fn guards_let_the_right_ones_in() {
    let app = App::start().await;
    let (ada, root) = (app.login("ada").await, app.login("root").await);
    assert_eq!(app.get("/user", &ada).await, (Status::Ok, "ada".into()));
    assert_eq!(
        app.get("/same", &ada).await,
        (Status::Ok, "true".into()),
        "one record, read once, not copied"
    );
    assert_eq!(app.get("/claims", &ada).await, app.get("/claims-ref", &ada).await);
    assert_eq!(app.get("/optional", &ada).await.1, "ada");
    assert_eq!(app.get("/result", &ada).await.1, "ada");
    for path in ["/admin", "/admin-ref", "/editor"] {
        assert_eq!(app.get(path, &ada).await.0, Status::Forbidden, "{path}");
        assert_eq!(app.get(path, &root).await.0, Status::Ok, "{path}");
    }
}

#[async_test]
async fn a_role_is_not_the_beginning_of_another() {
    let app = App::start().await;
    let editors =
        ["admins", "editors", "administrator", "edit", "adm"].map(|role| role.parse().expect("a role"));
    let (name, password) = ("eve".parse().expect("a name"), Password::parse(PASSWORD).expect("a password"));
    app.accounts.add(name, password, editors.into(), UnixTime(0)).await.expect("added");
    let eve = app.login("eve").await;
    assert_eq!(app.get("/user", &eve).await.0, Status::Ok);
    for path in ["/admin", "/admin-ref", "/editor"] {
        assert_eq!(app.get(path, &eve).await.0, Status::Forbidden, "{path}");
    }
}

#[async_test]
async fn option_and_result_let_a_route_decide() {
    let app = App::start().await;
    let response = app.client.get("/optional").dispatch().await;
    assert_eq!((response.status(), text(response).await), (Status::Ok, "nobody".into()));
    assert_eq!(app.get("/optional", "rubbish").await, (Status::Ok, "nobody".into()));
    let response = app.client.get("/result").dispatch().await;
    assert_eq!((response.status(), text(response).await), (Status::Ok, "no credentials".into()));
    assert_eq!(
        app.get("/result", "rubbish").await,
        (Status::Ok, "invalid token: the token is malformed".into())
    );
}

// C01
#[async_test]
async fn every_guard_refuses_from_the_second_of_exp_on() {
    let app = App::start().await;
    let root = app.login("root").await;
    app.clock.advance(Duration::from_secs(899));
    for path in ["/claims", "/user", "/admin", "/editor"] {
        assert_eq!(app.get(path, &root).await.0, Status::Ok, "{path}");
    }
    app.clock.advance(Duration::from_secs(1));
    for path in ["/claims", "/user", "/admin", "/editor"] {
        assert_eq!(app.get(path, &root).await.0, Status::Unauthorized, "{path}");
    }
}

#[async_test]
async fn the_record_counts_for_the_user_and_the_token_for_the_claims() {
    let app = App::start().await;
    let root = app.login("root").await;
    let users = &app.client.rocket().state::<Authority>().expect("managed").stores.users;
    let id = app.id_of("root").await;
    // Past the accounts, which would revoke the token: the guards alone have to see it.
    let standing = |roles: &[&str], disabled| Standing {
        roles: Some(roles.iter().map(|role| role.parse().expect("a role")).collect()),
        disabled: Some(disabled),
    };
    users.set_standing(id, &standing(&["editor"], false)).await.expect("set");
    assert_eq!(app.get("/admin", &root).await.0, Status::Forbidden, "the role was taken away");
    assert_eq!(app.get("/editor", &root).await.0, Status::Ok);
    users.set_standing(id, &standing(&["editor"], true)).await.expect("disabled");
    assert_eq!(app.get("/user", &root).await.0, Status::Unauthorized);
    users.set_standing(id, &standing(&["editor"], false)).await.expect("enabled");
    assert_eq!(app.get("/user", &root).await.0, Status::Ok);
    users.delete(id).await.expect("deleted");
    assert_eq!(app.get("/user", &root).await.0, Status::Unauthorized);
}

#[async_test]
async fn a_role_that_was_given_later_needs_a_new_token() {
    let app = App::start().await;
    let ada = app.login("ada").await;
    let users = &app.client.rocket().state::<Authority>().expect("managed").stores.users;
    let roles = Some(["admin".parse().expect("a role")].into());
    let standing = Standing { roles, ..Standing::default() };
    users.set_standing(app.id_of("ada").await, &standing).await.expect("set");
    assert_eq!(app.get("/admin", &ada).await.0, Status::Forbidden);
    let fresh = app.login("ada").await;
    assert_eq!(app.get("/admin", &fresh).await.0, Status::Ok);
}

#[async_test]
async fn a_guard_without_the_stage_aborts_the_launch() {
    for route in all() {
        let name = route.name.clone();
        let rocket: Rocket<Build> = rocket::build().mount("/", vec![route]);
        let error = rocket.ignite().await.expect_err("the launch is aborted");
        let kind = format!("{:?}", error.kind());
        assert!(kind.contains("SentinelAborts"), "{name:?}: {kind}");
    }
    assert!(rocket::build().attach(stage().settings(settings())).mount("/", all()).ignite().await.is_ok());
}

#[async_test]
async fn an_app_keeps_its_own_catchers_and_may_mount_us_elsewhere() {
    #[rocket::catch(default)]
    fn own() -> &'static str {
        "own"
    }
    let stage = stage().settings(settings()).mounted_at("/auth");
    let rocket = rocket::build().attach(stage).mount("/", all()).register("/", rocket::catchers![own]);
    let client = Client::tracked(rocket).await.expect("a rocket that launches");
    let response = client.get("/auth/me").dispatch().await;
    assert_eq!(response.headers().get_one("WWW-Authenticate"), Some("Bearer"));
    assert_eq!((response.status(), text(response).await), (Status::Unauthorized, "own".into()));
    assert_eq!(client.get("/me").dispatch().await.status(), Status::NotFound);
}

/// Accounts reach the tokens that are out there, with every guard and without a look-up.
#[async_test]
async fn what_is_taken_away_reaches_live_access_tokens_at_once() {
    let app = App::start().await;
    let id = app.id_of("root").await;
    let changes: [(&str, bool); 4] =
        [("roles", true), ("password", false), ("disable", false), ("delete", false)];
    for (change, session_goes_on) in changes {
        let token = app.login("root").await;
        assert_eq!(app.get("/claims", &token).await.0, Status::Ok, "{change}");
        let password = Password::parse(PASSWORD).expect("a password");
        let roles = ["editor"].iter().map(|role| role.parse().expect("a role")).collect();
        match change {
            "roles" => app.accounts.set_roles(id, &roles).await,
            "password" => app.accounts.set_password(id, password).await,
            "disable" => app.accounts.set_disabled(id, true).await,
            _ => app.accounts.delete(id).await,
        }
        .expect("changed");
        assert_eq!(app.get("/claims", &token).await.0, Status::Unauthorized, "{change}");
        let sessions = &app.client.rocket().state::<Authority>().expect("managed").stores.sessions;
        let live = sessions.sessions_of(id, app.clock.now()).await.expect("listed");
        assert_eq!(!live.is_empty(), session_goes_on, "{change}");
        if change == "disable" {
            app.accounts.set_disabled(id, false).await.expect("enabled");
            assert_eq!(
                app.get("/claims", &token).await.0,
                Status::Unauthorized,
                "a revoked token stays revoked"
            );
        }
    }
}

// R15
#[async_test]
async fn a_session_ends_at_the_exact_second_of_its_idle_and_its_absolute_lifetime() {
    const DAY: u64 = 86_400;
    let app = App::start().await;
    let refresh = async |token: &str| {
        let request = app.client.post("/token").header(ContentType::Form);
        let response =
            request.body(format!("grant_type=refresh_token&refresh_token={token}")).dispatch().await;
        let status = response.status();
        let body: serde_json::Value = serde_json::from_str(&text(response).await).expect("JSON");
        body["refresh_token"].as_str().map(str::to_owned).ok_or((status, body["error"].clone()))
    };
    let login = async || {
        let request = app.client.post("/token").header(ContentType::Form);
        let body = "username=ada&password=analytical-engine&scope=offline_access";
        let body = text(request.body(body).dispatch().await).await;
        let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        body["refresh_token"].as_str().expect("a refresh token").to_owned()
    };
    let over = Err((Status::BadRequest, serde_json::json!("invalid_grant")));
    let token = login().await;
    app.clock.advance(Duration::from_secs(14 * DAY - 1));
    let token = refresh(&token).await.expect("in its last second");
    app.clock.advance(Duration::from_secs(14 * DAY));
    assert_eq!(refresh(&token).await, over, "idle for 14 days");

    let mut token = login().await;
    for _ in 0..6 {
        app.clock.advance(Duration::from_secs(14 * DAY - 1));
        token = refresh(&token).await.expect("used in time");
    }
    app.clock.advance(Duration::from_secs(6 * DAY + 5));
    token = refresh(&token).await.expect("in the last second of its 90 days");
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(refresh(&token).await, over, "90 days old, however much it was used");
}

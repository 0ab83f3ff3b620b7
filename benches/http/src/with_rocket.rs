//! The Rocket: Countersign with everything in memory, and routes to hold it against.

use crate::fixture::{AUDIENCE, Caller, ISSUER, Key, NaiveClaims, REVOKED, Served, TOKENS};
use countersign::{
    Claims,
    clock::{Clock, SystemClock, UnixTime},
    grant::Authority,
    jwt::Issuance,
    password::PasswordHash,
    scope::Scope,
    stage,
    store::{Device, Insertion, Session, Stores, Transport, User, memory::MemoryStore},
    token::TokenId,
    user::{RoleName, UserId},
};
use rocket::{
    Config, Request, State,
    fairing::AdHoc,
    get,
    http::Status,
    request::{FromRequest, Outcome},
    routes,
    serde::json::Json,
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// The secret of HS256; any that is not weak.
const SECRET: &str = "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1";

#[get("/hello")]
fn hello() -> &'static str {
    "Hello, world!"
}

#[get("/static")]
fn fixed() -> Json<Caller<'static>> {
    Json(Caller { id: "e58ed763-928c-4155-bee9-fdbaaadc15f3", roles: vec!["editor"], scope: "read write" })
}

#[get("/claims")]
fn claims(claims: &Claims) -> Json<OwnedCaller<'_>> {
    Json(OwnedCaller { id: claims.subject(), roles: claims.roles(), scope: claims.scope() })
}

#[derive(serde::Serialize)]
struct OwnedCaller<'c> {
    id: &'c str,
    roles: &'c BTreeSet<RoleName>,
    scope: &'c Scope,
}

#[get("/naive")]
fn naive(caller: Naive) -> Json<OwnedNaive> {
    Json(OwnedNaive { id: caller.0.sub, roles: caller.0.roles, scope: caller.0.scope })
}

#[derive(serde::Serialize)]
struct OwnedNaive {
    id: String,
    roles: Vec<String>,
    scope: String,
}

/// The guard of many a tutorial: it knows nothing of what was revoked.
struct Naive(NaiveClaims);

struct NaiveKey(jsonwebtoken::DecodingKey, jsonwebtoken::Validation);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Naive {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let header = request.headers().get_one("Authorization");
        let Some(token) = header.and_then(|header| header.strip_prefix("Bearer ")) else {
            return Outcome::Error((Status::Unauthorized, ()));
        };
        let NaiveKey(key, validation) = request.rocket().state().expect("the key");
        match jsonwebtoken::decode::<NaiveClaims>(token, key, validation) {
            Ok(data) => Outcome::Success(Self(data.claims)),
            Err(_) => Outcome::Error((Status::Unauthorized, ())),
        }
    }
}

/// Serves until it is ended; says in one line what there is.
pub fn serve(algorithm: &str, log: &str) {
    let stores = Stores::all_in(Arc::new(MemoryStore::new()));
    let figment = Config::figment()
        .merge(("port", 0))
        .merge(("workers", 1))
        .merge(("log_level", log))
        .merge(("auth.issuer", ISSUER))
        .merge(("auth.audience", AUDIENCE))
        .merge(("auth.database_url", "memory:"));
    let figment = if algorithm == "HS256" { figment.merge(("auth.signing_key", SECRET)) } else { figment };
    let users = stores.clone();
    let algorithm = algorithm.to_owned();
    let rocket = rocket::custom(figment)
        .attach(stage().stores(stores))
        .mount("/", routes![hello, fixed, claims, naive])
        .attach(AdHoc::on_ignite("The key of others", move |rocket| async move {
            let authority: &Authority = rocket.state().expect("the stage");
            let key = match &*algorithm {
                "HS256" => Key::Secret(SECRET.into()),
                _ => Key::Jwks(
                    serde_json::from_str(&authority.tokens.ring().jwks(SystemClock.now())).expect("JSON"),
                ),
            };
            let (decoding, validation) = key.naive();
            rocket.manage(key).manage(NaiveKey(decoding, validation))
        }))
        .attach(AdHoc::on_liftoff("The tokens", move |rocket| {
            Box::pin(async move {
                let authority: &Authority = rocket.state().expect("the stage");
                let key: &State<Key> = State::get(rocket).expect("the key");
                let served = prepare(authority, &users, (**key).clone(), rocket.config().port).await;
                println!("{}", serde_json::to_string(&served).expect("JSON"));
            })
        }));
    rocket::execute(rocket.launch()).expect("it serves");
}

async fn prepare(authority: &Authority, stores: &Stores, key: Key, port: u16) -> Served {
    let now = SystemClock.now();
    let long_ago = now.minus(Duration::from_secs(86_400));
    let (mut good, mut expired, mut revoked) = (vec![], vec![], vec![]);
    for at in 0..TOKENS {
        let user = user(at, now);
        let inserted = stores.users.insert(&user).await.expect("a store");
        assert_eq!(inserted, Insertion::Inserted);
        let revision = authority.stores.sessions.revision(user.id).await.expect("a store");
        good.push(issued(authority, user.id, revision, now));
        expired.push(issued(authority, user.id, revision, long_ago));
    }
    for _ in 0..REVOKED {
        let session = session(UserId::random(), now);
        let revision = authority.stores.sessions.revision(session.user).await.expect("a store");
        authority.stores.sessions.create(&session, revision, 50).await.expect("a store");
        assert!(authority.revocations.session(session.id).await.expect("a store"));
        revoked.push(session.id.to_string());
    }
    // One that nobody presents, so that such a list is not empty either.
    authority.revocations.token(TokenId::random().expect("randomness")).await.expect("a store");
    let forged = good.iter().map(|token| forged(token)).collect();
    Served { address: format!("127.0.0.1:{port}"), good, expired, forged, key, revoked }
}

fn user(at: usize, now: UnixTime) -> User {
    User {
        id: UserId::random(),
        username: format!("user{at}").parse().expect("a name"),
        password: PasswordHash::from_stored("!".into()),
        roles: roles(),
        disabled: false,
        created_at: now,
    }
}

fn roles() -> BTreeSet<RoleName> {
    BTreeSet::from(["editor".parse().expect("a role")])
}

fn issued(authority: &Authority, user: UserId, revision: u64, now: UnixTime) -> String {
    let issuance = Issuance {
        subject: user.to_string(),
        client_id: "first-party",
        client_revision: 0,
        session_id: Some(countersign::session::SessionId::random().expect("randomness")),
        revision,
        roles: &roles(),
        scope: &"read write".parse().expect("a scope"),
        lifetime: Duration::from_secs(86_400),
        session_ends: UnixTime(u64::MAX),
    };
    authority.tokens.issue(&issuance, now).expect("a token")
}

fn session(user: UserId, now: UnixTime) -> Session {
    Session {
        id: countersign::session::SessionId::random().expect("randomness"),
        user,
        client_id: "first-party".into(),
        scope: Default::default(),
        transport: Transport::Cookie,
        created_at: now,
        last_used_at: now,
        expires_at: now.plus(Duration::from_secs(90 * 86_400)),
        idle: Duration::from_secs(14 * 86_400),
        generation: 0,
        salt: countersign::refresh_token::Salt::random().expect("randomness"),
        device: Device::default(),
    }
}

/// The token with another signature of the same length.
fn forged(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').expect("a token");
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{first}{}", &signature[1..])
}

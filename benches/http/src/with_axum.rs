//! The opponent: axum and jsonwebtoken, which ask for each request whether the session was revoked, in
//! Redis over one multiplexed connection or in a set in memory. On a runtime of one thread, since it
//! has one core and is fastest so.

use crate::fixture::{Key, NaiveClaims, Served};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    routing::get,
};
use redis::{AsyncCommands, aio::MultiplexedConnection};
use std::{
    collections::HashSet,
    sync::{Arc, RwLock},
};

#[derive(serde::Serialize)]
struct Caller {
    id: String,
    roles: Vec<String>,
    scope: String,
}

#[derive(Clone)]
enum Revoked {
    InMemory(Arc<RwLock<HashSet<String>>>),
    InRedis(MultiplexedConnection),
}

impl Revoked {
    async fn has(&self, session: &str) -> Result<bool, StatusCode> {
        match self {
            Self::InMemory(set) => Ok(set.read().expect("no panic").contains(session)),
            Self::InRedis(connection) => {
                let mut connection = connection.clone();
                let asked: redis::RedisResult<bool> = connection.exists(format!("revoked:{session}")).await;
                asked.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
            }
        }
    }
}

#[derive(Clone)]
struct App {
    key: Arc<(jsonwebtoken::DecodingKey, jsonwebtoken::Validation)>,
    revoked: Revoked,
}

async fn claims(State(app): State<App>, headers: HeaderMap) -> Result<Json<Caller>, StatusCode> {
    let header = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
    let token = header.and_then(|header| header.strip_prefix("Bearer ")).ok_or(StatusCode::UNAUTHORIZED)?;
    let (key, validation) = &*app.key;
    let data = jsonwebtoken::decode::<NaiveClaims>(token, key, validation);
    let claims = data.map_err(|_| StatusCode::UNAUTHORIZED)?.claims;
    if app.revoked.has(&claims.sid).await? {
        return Err(StatusCode::UNAUTHORIZED);
    }
    Ok(Json(Caller { id: claims.sub, roles: claims.roles, scope: claims.scope }))
}

/// Serves until it is ended; says in one line where.
pub fn serve(redis: Option<&str>, served: &Served) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let revoked = match redis {
            None => Revoked::InMemory(Arc::new(RwLock::new(served.revoked.iter().cloned().collect()))),
            Some(url) => {
                let client = redis::Client::open(url).expect("a URL");
                let mut connection = client.get_multiplexed_async_connection().await.expect("Redis");
                for session in &served.revoked {
                    let _: () = connection.set(format!("revoked:{session}"), 1).await.expect("Redis");
                }
                Revoked::InRedis(connection)
            }
        };
        let app = App { key: Arc::new(Key::naive(&served.key)), revoked };
        let router = Router::new()
            .route("/hello", get(|| async { "Hello, world!" }))
            .route("/claims", get(claims))
            .with_state(app);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("an address"));
        axum::serve(listener, router).await.expect("it serves");
    });
}

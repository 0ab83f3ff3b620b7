//! What a refresh costs beside what the store alone would: `cargo bench --bench refresh`
//!
//! On Redis 64 at a time, beside the same script called bare; on SQLite one at a time, beside the same
//! statement in a transaction of the same durability. By the store, by the grant, and over HTTP. All in
//! turn, ten rounds; medians. The servers are on one core and whoever asks on the other.

#[path = "../flood/connection.rs"]
mod connection;
mod grants;
mod over_http;
#[path = "../flood/process.rs"]
mod process;
mod redis_bare;
#[path = "../../tests/servers/mod.rs"]
mod servers;
mod sqlite_bare;

use countersign::{
    clock::{Clock, SystemClock},
    store::{Advance, Creation, Session, SessionStore, conformance, redis::RedisStore, sqlite::SqliteStore},
    user::UserId,
};
use grants::Grants;
use redis_bare::Bare as BareRedis;
use servers::Redis;
use sqlite_bare::Bare as BareSqlite;
use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

const PATIENT: Duration = Duration::from_secs(10);
const GRACE: Duration = Duration::from_secs(10);
const ROUNDS: usize = 10;
const IN_FLIGHT: usize = 64;

fn main() {
    pin(std::process::id(), "0");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(on_redis());
    runtime.block_on(on_sqlite());
}

async fn on_redis() {
    let redis = Redis::start();
    pin(redis.pid(), "1");
    let url = redis.url();
    let store = RedisStore::open(&url.parse().expect("a URL"), "refresh", PATIENT).await.expect("it opens");
    let store: Arc<dyn SessionStore> = Arc::new(store);
    store.begin_epoch(0).await.expect("an epoch");
    let bare = Arc::new(BareRedis::open(&url, "refresh").await);
    let grants = Arc::new(Grants::over(store.clone()).await);
    let http = over_http::Server::start(&[("COUNTERSIGN_REDIS_URL", &url)], "1");
    let mut found = vec![vec![]; 4];
    for _ in 0..ROUNDS {
        found[0].push(rate(&bare, 400, BareRedis::advance, &*store).await);
        found[1].push(rate(&store, 400, advance, &*store).await);
        found[2].push(rate(&grants, 60, Grants::refresh, &*store).await);
        found[3].push(http.rate(IN_FLIGHT, 30));
    }
    report(
        "redis, 64 at a time",
        &["the script alone", "advance", "Authority::token", "POST /token"],
        &found,
    );
}

async fn on_sqlite() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let path = folder.path().join("refresh.db");
    let store: Arc<dyn SessionStore> =
        Arc::new(SqliteStore::open(&path, 2, PATIENT).await.expect("it opens"));
    store.begin_epoch(0).await.expect("an epoch");
    let bare = Arc::new(BareSqlite::open(&path).await);
    let grants = Arc::new(Grants::over(store.clone()).await);
    let database = format!("sqlite:{}", folder.path().join("http.db").display());
    let http = over_http::Server::start(&[("COUNTERSIGN_DATABASE_URL", &database)], "1");
    let mut found = vec![vec![]; 4];
    for _ in 0..ROUNDS {
        found[0].push(one_by_one(&bare, BareSqlite::advance, &*store).await);
        found[1].push(one_by_one(&store, advance, &*store).await);
        found[2].push(one_by_one(&grants, Grants::refresh, &*store).await);
        found[3].push(http.rate(1, 200));
    }
    report(
        "sqlite, one at a time",
        &["the statement alone", "advance", "Authority::token", "POST /token"],
        &found,
    );
}

async fn advance(store: Arc<dyn SessionStore>, session: Session, times: u64) {
    for generation in 0..times {
        let answer = store.advance(session.id, generation, SystemClock.now(), GRACE).await.expect("advance");
        assert_eq!(answer, Advance::Advanced(generation + 1));
    }
}

/// A new session that has not ended yet.
async fn created(store: &dyn SessionStore, user: UserId) -> Session {
    let now = SystemClock.now();
    let session = Session {
        created_at: now,
        last_used_at: now,
        expires_at: now.plus(Duration::from_secs(90 * 86_400)),
        idle: Duration::from_secs(14 * 86_400),
        ..conformance::session(user)
    };
    let revision = store.revision(user).await.expect("revision");
    assert_eq!(store.create(&session, revision, 50).await.expect("create"), Creation::Created);
    session
}

/// Refreshes in a second, of as many sessions at once as there are in flight.
async fn rate<T: ?Sized + Send + Sync + 'static, F: Future<Output = ()> + Send + 'static>(
    by: &Arc<T>,
    times: u64,
    refresh: fn(Arc<T>, Session, u64) -> F,
    store: &dyn SessionStore,
) -> f64 {
    let mut sessions = vec![];
    for _ in 0..IN_FLIGHT {
        sessions.push(created(store, UserId::random()).await);
    }
    let started = Instant::now();
    let tasks: Vec<_> =
        sessions.into_iter().map(|session| tokio::spawn(refresh(by.clone(), session, times))).collect();
    for task in tasks {
        task.await.expect("a refresh");
    }
    (IN_FLIGHT as u64 * times) as f64 / started.elapsed().as_secs_f64()
}

async fn one_by_one<T: ?Sized + Send + Sync + 'static, F: Future<Output = ()>>(
    by: &Arc<T>,
    refresh: fn(Arc<T>, Session, u64) -> F,
    store: &dyn SessionStore,
) -> f64 {
    const TIMES: u64 = 200;
    let session = created(store, UserId::random()).await;
    let started = Instant::now();
    refresh(by.clone(), session, TIMES).await;
    TIMES as f64 / started.elapsed().as_secs_f64()
}

fn report(what: &str, names: &[&str], found: &[Vec<f64>]) {
    println!("\n{what:<22} {:>10} {:>14} {:>14}", "a second", "of the first", "times as long");
    for (name, rates) in names.iter().zip(found) {
        let ratio = median(rates.iter().zip(&found[0]).map(|(rate, bare)| rate / bare));
        println!("{name:<22} {:>10.0} {ratio:>14.3} {:>14.2}", median(rates.iter().copied()), 1.0 / ratio);
    }
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn pin(process: u32, core: &str) {
    let done = Command::new("taskset").args(["-apc", core, &process.to_string()]).output();
    assert!(done.expect("taskset").status.success());
}

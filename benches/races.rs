//! Ten thousand races of two refreshes with one token on each store: how long they take, and that
//! never both of them win. `cargo bench --bench races`

#[path = "../tests/servers/mod.rs"]
mod servers;

use countersign::{
    store::{
        Advance, Creation, SessionStore,
        conformance::{NOW, session},
        memory::MemoryStore,
        postgres::PostgresStore,
        redis::RedisStore,
        sqlite::SqliteStore,
    },
    user::UserId,
};
use servers::{Postgres, Redis};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const RACES: u64 = 10_000;
const GRACE: Duration = Duration::from_secs(10);
const PATIENT: Duration = Duration::from_secs(10);

type Store = Arc<dyn SessionStore>;

#[tokio::main]
async fn main() {
    let memory = Arc::new(MemoryStore::new());
    race("memory", memory.clone(), memory).await;

    let folder = tempfile::TempDir::new().expect("a folder");
    let path = folder.path().join("races.db");
    let sqlite = async || Arc::new(SqliteStore::open(&path, 2, PATIENT).await.expect("the file opens"));
    race("sqlite", sqlite().await, sqlite().await).await;

    let url = Postgres::shared().database();
    let postgres = async || Arc::new(PostgresStore::open(&url, 2, PATIENT).await.expect("it opens"));
    race("postgres", postgres().await, postgres().await).await;

    let url = Redis::shared().url().parse().expect("a URL");
    let redis = async || Arc::new(RedisStore::open(&url, "races", PATIENT).await.expect("it opens"));
    race("redis", redis().await, redis().await).await;
}

async fn race(name: &str, a: Store, b: Store) {
    a.begin_epoch(0).await.expect("begin_epoch");
    let session = session(UserId::random());
    let revision = a.revision(session.user).await.expect("revision");
    assert_eq!(a.create(&session, revision, 50).await.expect("create"), Creation::Created);
    let started = Instant::now();
    for generation in 0..RACES {
        let racers = [&a, &b].map(|store| {
            let (store, id) = (store.clone(), session.id);
            tokio::spawn(async move { store.advance(id, generation, NOW, GRACE).await.expect("advance") })
        });
        let mut outcomes = vec![];
        for racer in racers {
            outcomes.push(racer.await.expect("the task ends"));
        }
        outcomes.sort_by_key(|outcome| matches!(outcome, Advance::Repeated(_)));
        let next = generation + 1;
        assert_eq!(
            outcomes,
            [Advance::Advanced(next), Advance::Repeated(next)],
            "one wins, the other follows"
        );
    }
    let each = started.elapsed() / u32::try_from(RACES).expect("not that many");
    println!("{name:<9} {RACES} races, one winner each, {} \u{b5}s a race", each.as_micros());
}

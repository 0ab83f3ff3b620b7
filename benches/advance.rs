//! What it costs each store to take a refresh token for its successor, one at a time:
//! `cargo bench --bench advance`

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
use criterion::{Criterion, criterion_group, criterion_main};
use servers::{Postgres, Redis};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

const GRACE: Duration = Duration::from_secs(10);
const PATIENT: Duration = Duration::from_secs(10);

fn benches(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::TempDir::new().expect("a folder");
    let path = folder.path().join("advance.db");
    let postgres = Postgres::shared().database();
    let redis = Redis::shared().url().parse().expect("a URL");
    let stores: [(&str, Arc<dyn SessionStore>); 4] = runtime.block_on(async {
        [
            ("memory", Arc::new(MemoryStore::new()) as Arc<dyn SessionStore>),
            ("sqlite", Arc::new(SqliteStore::open(&path, 2, PATIENT).await.expect("the file opens"))),
            ("postgres", Arc::new(PostgresStore::open(&postgres, 2, PATIENT).await.expect("it opens"))),
            ("redis", Arc::new(RedisStore::open(&redis, "advance", PATIENT).await.expect("it opens"))),
        ]
    });
    let mut group = criterion.benchmark_group("advance");
    for (name, store) in &stores {
        group.bench_function(*name, |bencher| {
            bencher.to_async(&runtime).iter_custom(|times| {
                let store = store.clone();
                async move { advanced(&*store, times).await }
            });
        });
    }
}

/// How long so many take, of one session.
async fn advanced(store: &dyn SessionStore, times: u64) -> Duration {
    store.begin_epoch(0).await.expect("begin_epoch");
    let session = session(UserId::random());
    let revision = store.revision(session.user).await.expect("revision");
    assert_eq!(store.create(&session, revision, 50).await.expect("create"), Creation::Created);
    let started = Instant::now();
    for generation in 0..times {
        let answer = store.advance(session.id, generation, NOW, GRACE).await.expect("advance");
        assert_eq!(answer, Advance::Advanced(generation + 1));
    }
    started.elapsed()
}

criterion_group! {
    name = all;
    config = Criterion::default()
        .sample_size(20)
        .measurement_time(Duration::from_secs(3))
        .warm_up_time(Duration::from_millis(500));
    targets = benches
}
criterion_main!(all);

//! What nobody has to remember any more takes no room.

use super::NOW;
use crate::stores::{new_database, postgres, sqlite};
use countersign::{
    allowance::Allowance,
    clock::ManualClock,
    store::{
        Attempt, AttemptStore, Count, LocalAttempts, memory::MemoryStore, postgres::PostgresStore,
        sqlite::SqliteStore,
    },
};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;

/// One attempt of five that are free, each of which is forgotten after 864 seconds.
fn count(of: u8) -> Count {
    let allowance = Allowance::per_day(5, 100, Duration::from_secs(1), Duration::from_secs(900));
    Count { key: [of; 32], allowance }
}

#[tokio::test]
async fn what_is_forgotten_is_removed_as_many_at_a_time_as_asked_for_and_nothing_else() {
    let folder = TempDir::new().expect("a folder");
    let clock = Arc::new(ManualClock::new(NOW));
    let after = |seconds| clock.set(NOW.plus(Duration::from_secs(seconds)));
    let (sqlite, postgres) =
        (sqlite(&folder.path().join("attempts.db")).await, postgres(&new_database()).await);
    let stores: [(&str, Arc<dyn AttemptStore>); 4] = [
        ("local", Arc::new(LocalAttempts::new(clock.clone()))),
        ("memory", Arc::new(MemoryStore::with_clock(clock.clone()))),
        ("sqlite", Arc::new(SqliteStore::clone(&sqlite).with_clock(clock.clone()))),
        ("postgres", Arc::new(PostgresStore::clone(&postgres).with_clock(clock.clone()))),
    ];
    for (kind, store) in stores {
        after(0);
        for of in 0..5 {
            let attempt = store.attempt(&[count(of)]).await.expect("counted");
            assert!(matches!(attempt, Attempt::Counted), "{kind}");
        }
        after(800);
        store.attempt(&[count(0)]).await.expect("counted");
        let purge = async |limit| store.purge(limit).await.expect("purged");
        after(863);
        assert_eq!(purge(10).await, 0, "{kind}: all of them are remembered");
        after(864);
        assert_eq!(purge(3).await, 3, "{kind}");
        assert_eq!(purge(3).await, 1, "{kind}");
        assert_eq!(purge(3).await, 0, "{kind}: what is left is remembered");
        for of in 0..5 {
            let was_there = store.forget(&[of; 32]).await.expect("forgotten");
            assert_eq!(was_there, of == 0, "{kind}: {of}");
        }
    }
}

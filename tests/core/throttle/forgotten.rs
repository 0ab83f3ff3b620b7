//! What nobody has to remember any more takes no room.

use super::NOW;
use crate::stores::{new_database, postgres, sqlite};
use countersign::{
    allowance::Allowance,
    clock::UnixTime,
    store::{Attempt, AttemptStore, Count, LocalAttempts, memory::MemoryStore},
};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;

/// One attempt of five that are free, each of which is forgotten after 864 seconds.
fn count(of: u8) -> Count {
    let allowance = Allowance::per_day(5, 100, Duration::from_secs(1), Duration::from_secs(900));
    Count { key: [of; 32], allowance }
}

fn after(seconds: u64) -> UnixTime {
    NOW.plus(Duration::from_secs(seconds))
}

#[tokio::test]
async fn what_is_forgotten_is_removed_as_many_at_a_time_as_asked_for_and_nothing_else() {
    let folder = TempDir::new().expect("a folder");
    let stores: [(&str, Arc<dyn AttemptStore>); 4] = [
        ("local", Arc::new(LocalAttempts::default())),
        ("memory", Arc::new(MemoryStore::new())),
        ("sqlite", sqlite(&folder.path().join("attempts.db")).await),
        ("postgres", postgres(&new_database()).await),
    ];
    for (kind, store) in stores {
        for of in 0..5 {
            let attempt = store.attempt(&[count(of)], NOW).await.expect("counted");
            assert!(matches!(attempt, Attempt::Counted), "{kind}");
        }
        store.attempt(&[count(0)], after(800)).await.expect("counted");
        let purge = async |now, limit| store.purge(now, limit).await.expect("purged");
        assert_eq!(purge(after(863), 10).await, 0, "{kind}: all of them are remembered");
        assert_eq!(purge(after(864), 3).await, 3, "{kind}");
        assert_eq!(purge(after(864), 3).await, 1, "{kind}");
        assert_eq!(purge(after(864), 3).await, 0, "{kind}: what is left is remembered");
        for of in 0..5 {
            let was_there = store.forget(&[of; 32]).await.expect("forgotten");
            assert_eq!(was_there, of == 0, "{kind}: {of}");
        }
    }
}

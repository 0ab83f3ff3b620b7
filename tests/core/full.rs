//! One user who logs in without end.

use crate::stores::{new_database, new_namespace, postgres, redis, sqlite};
use countersign::{
    store::{
        Creation, SessionStore,
        conformance::{NOW, session},
        memory::MemoryStore,
    },
    user::UserId,
};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;

const CAP: u32 = 50;

/// So many logins, one each second: the cap holds, the oldest go, and all that is over is removed.
async fn stays_small(store: Arc<dyn SessionStore>, logins: u64) {
    store.begin_epoch(0).await.expect("an epoch");
    let user = UserId::random();
    let revision = store.revision(user).await.expect("a revision");
    let (mut now, mut ids) = (NOW, vec![]);
    for at in 0..logins {
        now = NOW.plus(Duration::from_secs(at));
        let template = session(user);
        let new = countersign::store::Session {
            created_at: now,
            last_used_at: now,
            expires_at: now.plus(Duration::from_secs(1_000_000)),
            idle: Duration::from_secs(1_000_000),
            ..template
        };
        assert_eq!(store.create(&new, revision, CAP).await.expect("created"), Creation::Created);
        ids.push(new.id);
        if at % 500 == 499 {
            store.purge(now, now, 1_000).await.expect("purged");
            while store.trim(now, 500).await.expect("trimmed") == 500 {}
        }
    }
    let mut live: Vec<_> =
        store.sessions_of(user, now).await.expect("sessions").iter().map(|session| session.id).collect();
    live.reverse();
    assert!(live == ids[ids.len() - CAP as usize..], "the newest {CAP} are left");

    let end = now.plus(Duration::from_secs(1_000_000));
    let mut removed = 0;
    while let some @ 1.. = store.purge(end, end, 1_000).await.expect("purged") {
        removed += some;
    }
    while store.trim(end, 500).await.expect("trimmed") == 500 {}
    // What had been evicted since the last purge, and what was live.
    assert!((u64::from(CAP)..=u64::from(CAP) + 501).contains(&removed), "{removed} were left");
    assert_eq!(store.revocations(0, 100).await.expect("a list").lines.len(), 1, "but for the last line");
}

// D05: of 10⁵ logins there are as many as each store does in seconds; what is left does not grow
#[tokio::test]
async fn a_user_who_logs_in_without_end_does_not_fill_the_memory() {
    stays_small(Arc::new(MemoryStore::new()), 5_000).await;
}

// D05
#[tokio::test]
async fn a_user_who_logs_in_without_end_does_not_fill_a_file() {
    let folder = TempDir::new().expect("a folder");
    stays_small(sqlite(&folder.path().join("users.db")).await, 1_000).await;
}

// D05
#[tokio::test]
async fn a_user_who_logs_in_without_end_does_not_fill_a_database() {
    stays_small(postgres(&new_database()).await, 1_000).await;
}

// D05
#[tokio::test]
async fn a_user_who_logs_in_without_end_does_not_fill_redis() {
    stays_small(redis(&new_namespace()).await, 2_000).await;
}

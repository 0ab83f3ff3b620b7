//! Spent assertions once they are over: what a store may do, and what each of ours does.

use crate::stores::{new_database, postgres, sqlite};
use countersign::{
    clock::UnixTime,
    store::{AssertionId, ClientStore, memory::MemoryStore},
};
use tempfile::TempDir;

const END: UnixTime = UnixTime(1_700_000_000);
const LATER: UnixTime = UnixTime(END.0 + 100);

async fn spend(store: &dyn ClientStore, number: u8, until: UnixTime, now: UnixTime) -> bool {
    let id: AssertionId = [number; 32];
    store.spend(&id, until, now).await.expect("spend")
}

/// Whoever presents it then is refused for its time.
async fn at_its_end_one_is_as_good_as_new(store: &dyn ClientStore) {
    let just_before = UnixTime(END.0 - 1);
    for number in 0..3 {
        assert!(spend(store, number, END, UnixTime(0)).await);
        assert!(!spend(store, number, END, just_before).await);
    }
    for (number, now) in [(0, END), (1, UnixTime(END.0 + 1)), (2, UnixTime(LATER.0 - 1))] {
        assert!(spend(store, number, LATER, now).await, "at {now}");
        assert!(!spend(store, number, LATER, now).await, "at {now}, again");
        assert!(!spend(store, number, LATER, just_before).await, "by a clock that is behind");
        assert!(!spend(store, number, LATER, UnixTime(LATER.0 - 1)).await, "until its new end");
    }
    // What is over from the start is not worth remembering.
    for _ in 0..2 {
        assert!(spend(store, 9, END, LATER).await);
    }
}

#[tokio::test]
async fn at_its_end_an_assertion_is_as_good_as_new_in_every_store() {
    at_its_end_one_is_as_good_as_new(&MemoryStore::new()).await;
    let folder = TempDir::new().expect("a folder");
    at_its_end_one_is_as_good_as_new(&*sqlite(&folder.path().join("clients.db")).await).await;
    at_its_end_one_is_as_good_as_new(&*postgres(&new_database()).await).await;
}

/// However many there were in the meantime; `count` says how many the store still remembers.
async fn what_is_over_does_not_pile_up(store: &dyn ClientStore, count: impl AsyncFn() -> i64) {
    assert_eq!(count().await, 250);
    for number in 1..=3 {
        assert!(spend(store, number, LATER, END).await);
    }
    assert_eq!(count().await, 3, "those that were spent last");
    assert!(!spend(store, 3, LATER, END).await);
}

#[tokio::test]
async fn what_is_over_does_not_pile_up_in_sqlite() {
    let folder = TempDir::new().expect("a folder");
    let store = sqlite(&folder.path().join("clients.db")).await;
    let many = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 250)
                INSERT INTO spent_assertions (id, spent_until) SELECT randomblob(32), ? - n + 1 FROM numbers";
    sqlx::query(many).bind(END.0 as i64).execute(store.writer()).await.expect("planted");
    let count = async || {
        let count = sqlx::query_scalar("SELECT count(*) FROM spent_assertions");
        count.fetch_one(store.reader()).await.expect("a count")
    };
    what_is_over_does_not_pile_up(&*store, count).await;
}

#[tokio::test]
async fn what_is_over_does_not_pile_up_in_postgres() {
    let store = postgres(&new_database()).await;
    let many = "INSERT INTO spent_assertions (id, spent_until)
                SELECT sha256(n::text::bytea), $1 - n + 1 FROM generate_series(1, 250) AS n";
    sqlx::query(many).bind(END.0 as i64).execute(store.pool()).await.expect("planted");
    let count = async || {
        let count = sqlx::query_scalar("SELECT count(*) FROM spent_assertions");
        count.fetch_one(store.pool()).await.expect("a count")
    };
    what_is_over_does_not_pile_up(&*store, count).await;
}

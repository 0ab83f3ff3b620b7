//! Assertions that are spent where others hold on to them.

use super::{Database, LIMIT, NOW, PATIENT, SHORT};
use crate::servers::{Postgres, eventually};
use countersign::{
    clock::{Clock, SystemClock, UnixTime},
    store::{AssertionId, ClientStore, StoreError},
};
use sqlx::Executor;
use std::{collections::BTreeSet, time::Duration};
use tokio::time::timeout;

const LATER: UnixTime = UnixTime(NOW.0 + 100);

fn assertion(number: u8) -> AssertionId {
    [number; 32]
}

// F05
#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_that_is_held_is_an_error_at_the_deadline_and_not_spent_after_all() {
    let database = Database::new();
    let store = database.open(1, SHORT).await;
    store.spend(&assertion(1), NOW, UnixTime(0)).await.expect("spent");
    let mut holder = database.somebody().await;
    holder.execute("BEGIN; UPDATE spent_assertions SET spent_until = spent_until").await.expect("held");
    let answer = timeout(LIMIT, store.spend(&assertion(1), LATER, NOW)).await.expect("not for ever");
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    assert!(store.spend(&assertion(2), LATER, NOW).await.expect("another is nobody's"), "it is the first");

    eventually("nobody waits for the lock", || database.connections("wait_event_type = 'Lock'") == 0);
    holder.execute("COMMIT").await.expect("let go");
    assert!(store.spend(&assertion(1), LATER, NOW).await.expect("spent"), "nobody went on to spend it");
    assert!(!store.spend(&assertion(1), LATER, NOW).await.expect("spent already"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_many_spend_again_while_others_forget_it_is_spent_once_and_nothing_deadlocks() {
    let database = Database::new();
    let stores = [database.open(8, PATIENT).await, database.open(8, PATIENT).await];
    // More than are forgotten at a time, so that several forget some each, and then spend others'.
    let all_over = "INSERT INTO spent_assertions (id, spent_until)
                    SELECT decode(repeat(lpad(to_hex(n), 2, '0'), 32), 'hex'), $1 FROM generate_series(0, 249) AS n
                    ON CONFLICT (id) DO UPDATE SET spent_until = excluded.spent_until";
    for round in 0..20_u8 {
        sqlx::query(all_over).bind(NOW.0 as i64).execute(stores[0].pool()).await.expect("planted");
        let spend = |n: u8| {
            let store = stores[usize::from(n % 2)].clone();
            tokio::spawn(async move {
                let mut won = vec![];
                for step in 0..10 {
                    let number = (round + 50 * (n % 4) + (n + step) * 7 % 20) % 250;
                    if store.spend(&assertion(number), LATER, NOW).await.expect("spend") {
                        won.push(number);
                    }
                }
                won
            })
        };
        let spending: Vec<_> = (0..16).map(spend).collect();
        let mut won = vec![];
        for task in spending {
            won.extend(task.await.expect("nothing failed"));
        }
        let once: BTreeSet<_> = won.iter().collect();
        assert!(once.len() == won.len() && won.len() >= 40, "round {round}: {won:?}");
    }
    // The store would have tried again after one.
    assert!(!Postgres::shared().process().log().contains("deadlock detected"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_clock_is_ahead_lets_no_assertion_be_spent_twice() {
    let database = Database::new();
    let store = database.open(1, PATIENT).await;
    let now = SystemClock.now();
    let [until, ahead] = [100, 100 * 86_400].map(|seconds| now.plus(Duration::from_secs(seconds)));
    assert!(store.spend(&assertion(1), until, now).await.expect("spent"));
    assert!(store.spend(&assertion(2), ahead, ahead).await.expect("spent"), "and nothing is forgotten");
    assert!(!store.spend(&assertion(1), until, now).await.expect("spent already"));
    assert!(!store.spend(&assertion(1), until, ahead).await.expect("spent already"));
}

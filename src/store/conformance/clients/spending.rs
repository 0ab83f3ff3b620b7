//! How assertions are spent.

use super::*;
use crate::store::AssertionId;

/// An assertion that nobody else has.
fn assertion() -> AssertionId {
    let mut id = [0; 32];
    getrandom::fill(&mut id).expect("randomness");
    id
}

fn later(seconds: u64) -> UnixTime {
    NOW.plus(Duration::from_secs(seconds))
}

async fn spend(store: &dyn ClientStore, id: &AssertionId, until: UnixTime, now: UnixTime) -> bool {
    store.spend(id, until, now).await.expect("spend")
}

pub(super) async fn an_assertion_is_spent_once(a: &dyn ClientStore, b: &dyn ClientStore) {
    let (one, mut other) = (assertion(), assertion());
    assert!(spend(a, &one, later(100), NOW).await, "the first use is the first");
    for store in [a, b] {
        assert!(!spend(store, &one, later(100), NOW).await, "the second is not");
    }
    assert!(spend(b, &other, later(100), NOW).await, "no other assertion is touched");
    other[31] ^= 1;
    assert!(spend(a, &other, later(100), NOW).await, "however alike");
}

pub(super) async fn a_spent_assertion_is_remembered_until_its_end(a: &dyn ClientStore, b: &dyn ClientStore) {
    for until in [later(1), later(100), UnixTime(i64::MAX as u64), UnixTime(u64::MAX)] {
        let id = assertion();
        assert!(spend(a, &id, until, NOW).await, "it may be for ever");
        let last = until.min(later(1_000_000)).minus(Duration::from_secs(1));
        for now in [NOW, last, last, NOW] {
            assert!(!spend(b, &id, until, now).await, "until {until} it is remembered, at {now} too");
        }
    }
}

pub(super) async fn a_refused_call_changes_nothing(a: &dyn ClientStore, b: &dyn ClientStore) {
    let id = assertion();
    assert!(spend(a, &id, later(100), NOW).await);
    for until in [later(10), NOW, UnixTime(0)] {
        assert!(!spend(b, &id, until, NOW).await);
    }
    assert!(!spend(a, &id, later(100), later(99)).await, "a refused call does not have it forgotten earlier");
}

pub(super) async fn what_is_forgotten_takes_nothing_else_along(a: &dyn ClientStore, b: &dyn ClientStore) {
    let (over, live): (Vec<_>, Vec<_>) = (0..20).map(|_| (assertion(), assertion())).unzip();
    for (over, live) in over.iter().zip(&live) {
        assert!(spend(a, over, later(10), NOW).await && spend(b, live, later(20), NOW).await);
    }
    for _ in 0..3 {
        assert!(spend(a, &assertion(), later(100), later(10)).await);
    }
    for id in &live {
        assert!(!spend(b, id, later(20), later(19)).await, "what is not over is not forgotten");
    }
}

pub(super) async fn of_many_calls_for_one_assertion_exactly_one_spends_it(a: &Store, b: &Store) {
    for _ in 0..8 {
        let id = assertion();
        let spend = |at: usize| {
            let store = if at.is_multiple_of(2) { a } else { b }.clone();
            // Each sees a clock of its own.
            let now = later(at as u64 % 3);
            tokio::spawn(async move { store.spend(&id, later(100), now).await.expect("spend") })
        };
        only_winner((0..32).map(spend), "of 32 calls for one assertion exactly one spends it").await;
        let again = |at: usize| {
            let store = if at.is_multiple_of(2) { a } else { b }.clone();
            tokio::spawn(async move { store.spend(&id, later(200), later(100)).await.expect("spend") })
        };
        let again: Vec<_> = (0..32).map(again).collect();
        let mut winners = 0;
        for racer in again {
            winners += usize::from(racer.await.expect("the task ends"));
        }
        assert!(winners <= 1, "from its end on it may be forgotten, and is spent once again: {winners}");
    }
}

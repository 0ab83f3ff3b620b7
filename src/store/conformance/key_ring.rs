//! The suite for [`KeyRingStore`].

use crate::store::{KeptRing, KeyRingStore};
use std::{iter::zip, sync::Arc};

type Store = Arc<dyn KeyRingStore>;

/// Everything that [`KeyRingStore`] asks for. `a` and `b` are two handles on the same store, which
/// has to be new, and holds bytes that are no keys afterwards.
pub async fn key_ring(a: Store, b: Store) {
    nothing_is_there_and_nothing_replaced_at_first(&*a, &*b).await;
    of_many_first_rings_exactly_one_is_kept(&a, &b).await;
    a_second_first_ring_is_refused_and_changes_nothing(&*a, &*b).await;
    only_the_version_that_is_there_is_replaced(&*a, &*b).await;
    any_bytes_are_kept_as_they_are(&*a, &*b).await;
    of_many_replacements_of_one_version_exactly_one_wins(&a, &b).await;
}

async fn loaded(store: &dyn KeyRingStore) -> KeptRing {
    store.load().await.expect("load").expect("there is a ring")
}

async fn replace(store: &dyn KeyRingStore, seen: Option<u64>, bytes: &[u8]) -> bool {
    store.replace(seen, bytes).await.expect("replace")
}

async fn nothing_is_there_and_nothing_replaced_at_first(a: &dyn KeyRingStore, b: &dyn KeyRingStore) {
    for seen in [0, 1, u64::MAX] {
        assert!(!replace(a, Some(seen), b"ring").await, "where there is no ring, no version is replaced");
    }
    for store in [a, b] {
        assert_eq!(store.load().await.expect("load"), None, "nothing is there at first");
    }
}

/// Of many that put a ring of their own in the place of `seen`, one does, and it is what is kept.
async fn one_wins(a: &Store, b: &Store, seen: Option<u64>, round: usize) {
    let ring = move |at: usize| format!("ring {at} of round {round}").into_bytes();
    let race = |at: usize| {
        let store = if at.is_multiple_of(2) { a } else { b }.clone();
        tokio::spawn(async move { store.replace(seen, &ring(at)).await.expect("replace") })
    };
    let racers: Vec<_> = (0..32).map(race).collect();
    let mut winners = vec![];
    for (at, racer) in racers.into_iter().enumerate() {
        winners.extend(racer.await.expect("the task ends").then_some(at));
    }
    let &[winner] = &winners[..] else {
        panic!("of 32 replacements of one version exactly one wins, not {winners:?}")
    };
    for store in [a, b] {
        assert_eq!(*loaded(&**store).await.bytes, ring(winner), "what is kept is the winner's");
    }
}

async fn of_many_first_rings_exactly_one_is_kept(a: &Store, b: &Store) {
    one_wins(a, b, None, 0).await;
}

async fn of_many_replacements_of_one_version_exactly_one_wins(a: &Store, b: &Store) {
    for round in 1..9 {
        let seen = loaded(&**b).await.version;
        one_wins(a, b, Some(seen), round).await;
    }
}

async fn a_second_first_ring_is_refused_and_changes_nothing(a: &dyn KeyRingStore, b: &dyn KeyRingStore) {
    let kept = loaded(a).await;
    for store in [a, b] {
        assert!(!replace(store, None, b"another").await, "a ring that is there is not replaced unseen");
        assert_eq!(loaded(store).await, kept, "a refused replacement changes nothing");
    }
}

async fn only_the_version_that_is_there_is_replaced(a: &dyn KeyRingStore, b: &dyn KeyRingStore) {
    let mut past: Vec<u64> = vec![];
    for (number, (one, other)) in zip([a, b, a, b], [b, a, b, a]).enumerate() {
        let kept = loaded(one).await;
        assert!(!past.contains(&kept.version), "the version changes with each replacement");
        for seen in past.iter().copied().chain([kept.version ^ 1, !kept.version, u64::MAX]) {
            assert!(!replace(other, Some(seen), b"another").await, "another version is not replaced");
            assert_eq!(loaded(one).await, kept, "a refused replacement changes nothing");
        }
        past.push(kept.version);
        let next = format!("next {number}");
        assert!(replace(other, Some(kept.version), next.as_bytes()).await, "the version that is there is");
        assert_eq!(*loaded(one).await.bytes, next.as_bytes());
        assert_eq!(loaded(one).await, loaded(other).await, "both handles see one ring");
    }
}

async fn any_bytes_are_kept_as_they_are(a: &dyn KeyRingStore, b: &dyn KeyRingStore) {
    let every: Vec<u8> = (0..=u8::MAX).collect();
    let long = every.repeat(400);
    assert_eq!(long.len(), 100 * 1024);
    for bytes in [&b""[..], b"\0", b"text\n", &every, &long, b""] {
        let seen = loaded(a).await.version;
        assert!(replace(b, Some(seen), bytes).await);
        for store in [a, b] {
            let kept = loaded(store).await;
            assert!(*kept.bytes == bytes, "{} bytes are kept as they are", bytes.len());
            assert_ne!(kept.version, seen, "the version changes with each replacement");
        }
    }
}

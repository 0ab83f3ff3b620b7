//! The suite for [`AuditStore`].

use crate::{
    clock::UnixTime,
    store::{AuditLine, AuditStore},
};
use std::sync::Arc;

type Store = Arc<dyn AuditStore>;

/// Everything that [`AuditStore`] asks for. `a` and `b` are two handles on the same store, which has to
/// be new, and is empty afterwards.
pub async fn audit(a: Store, b: Store) {
    all_have_one_key(&a, &b).await;
    lines_are_read_in_the_order_in_which_they_were_appended(&*a, &*b).await;
    only_what_is_older_is_removed(&*a, &*b).await;
    whoever_reads_along_misses_nothing_that_others_append(&a, &b).await;
    empty(&*a).await;
}

fn line(at: u64, text: &str) -> AuditLine {
    AuditLine { at: UnixTime(at), text: text.to_owned() }
}

async fn read(store: &dyn AuditStore, after: u64, limit: u32) -> Vec<(u64, AuditLine)> {
    store.read(after, limit).await.expect("read")
}

async fn empty(store: &dyn AuditStore) {
    while store.remove(UnixTime(1_000_000), 1_000).await.expect("remove") > 0 {}
    assert_eq!(read(store, 0, 10).await, []);
}

async fn all_have_one_key(a: &Store, b: &Store) {
    let askers = (0..16).map(|at: usize| {
        let store = if at.is_multiple_of(2) { a } else { b }.clone();
        tokio::spawn(async move { store.pseudonym_key().await.expect("a key") })
    });
    let key = a.pseudonym_key().await.expect("a key");
    assert!(key.iter().any(|byte| *byte != key[0]), "it is random");
    for asker in askers.collect::<Vec<_>>() {
        assert_eq!(asker.await.expect("the task ends"), key, "whoever asks first, there is one key");
    }
}

async fn lines_are_read_in_the_order_in_which_they_were_appended(a: &dyn AuditStore, b: &dyn AuditStore) {
    assert_eq!((read(a, 0, 10).await, read(b, 0, 10).await), (vec![], vec![]), "nothing is there at first");
    a.append(&[]).await.expect("nothing is no line");
    let texts = ["{}", "{\"event\":\"login\"}", "", "\u{e9}\u{1f511}'\"\\;--", "the last"];
    // The times of clocks that differ.
    a.append(&[line(5, texts[0]), line(3, texts[1])]).await.expect("appended");
    b.append(&[line(9, texts[2])]).await.expect("appended");
    a.append(&[line(4, texts[3]), line(4, texts[4])]).await.expect("appended");
    for store in [a, b] {
        let all = read(store, 0, 10).await;
        let times: Vec<_> = all.iter().map(|(_, line)| line.at.0).collect();
        assert_eq!(all.iter().map(|(_, line)| &*line.text).collect::<Vec<_>>(), texts);
        assert_eq!(times, [5, 3, 9, 4, 4]);
        assert!(all.is_sorted_by(|(one, _), (other, _)| one < other), "positions grow");
        assert_eq!(read(store, all[1].0, 2).await, all[2..4], "a page behind a position");
        assert_eq!(read(store, all[4].0, 2).await, []);
        assert_eq!(read(store, 0, 0).await, []);
    }
}

async fn only_what_is_older_is_removed(a: &dyn AuditStore, b: &dyn AuditStore) {
    let before = read(a, 0, 10).await.last().map_or(0, |(position, _)| *position);
    empty(a).await;
    a.append(&[line(10, "one"), line(11, "two"), line(12, "three"), line(13, "four")])
        .await
        .expect("appended");
    let positions: Vec<_> = read(a, 0, 10).await.into_iter().map(|(position, _)| position).collect();
    assert!(positions[0] > before, "no position comes twice");
    assert_eq!(b.remove(UnixTime(10), 10).await.expect("remove"), 0, "the very second is kept");
    assert_eq!(b.remove(UnixTime(13), 2).await.expect("remove"), 2, "no more than asked for");
    assert_eq!(b.remove(UnixTime(13), 10).await.expect("remove"), 1);
    assert_eq!(read(a, 0, 10).await, [(positions[3], line(13, "four"))]);
}

async fn whoever_reads_along_misses_nothing_that_others_append(a: &Store, b: &Store) {
    const WRITERS: usize = 8;
    const LINES: usize = 25;
    empty(&**a).await;
    let writers = (0..WRITERS).map(|writer| {
        let store = if writer.is_multiple_of(2) { a } else { b }.clone();
        tokio::spawn(async move {
            for number in 0..LINES {
                store.append(&[line(1, &format!("{writer} {number}"))]).await.expect("appended");
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let (mut after, mut seen) = (0, vec![]);
    while seen.len() < WRITERS * LINES {
        let page = read(&**b, after, 7).await;
        let done = writers.iter().all(|writer| writer.is_finished());
        assert!(
            !(page.is_empty() && done && read(&**b, after, 1).await.is_empty()),
            "{} lines were missed",
            WRITERS * LINES - seen.len()
        );
        for (position, line) in page {
            after = position;
            seen.push(line.text);
        }
        tokio::task::yield_now().await;
    }
    for writer in 0..WRITERS {
        let own = seen.iter().filter(|text| text.starts_with(&format!("{writer} ")));
        let expected: Vec<_> = (0..LINES).map(|number| format!("{writer} {number}")).collect();
        assert!(own.eq(expected.iter()), "each writer's lines are in order");
    }
}

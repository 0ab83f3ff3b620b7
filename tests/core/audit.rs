//! The audit trail below HTTP: what waits, what is lost, and that nobody changes what is written.

use crate::stores::{new_database, postgres, sqlite};
use async_trait::async_trait;
use countersign::{
    allowance::Allowance,
    audit::{Action, Event, NOTHING_TO_END, Outcome, TOO_MANY, Trail},
    clock::{Clock, ManualClock, SystemClock, UnixTime},
    grant::GrantError,
    session::SessionId,
    store::{AuditLine, AuditStore, StoreError, memory::MemoryStore},
    throttle::TooMany,
    user::UserId,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;

/// A store that can be down.
#[derive(Default)]
struct Store {
    memory: MemoryStore,
    is_down: AtomicBool,
}

impl Store {
    async fn texts(&self) -> Vec<String> {
        let lines = self.memory.read(0, 100_000).await.expect("read");
        lines.into_iter().map(|(_, line)| line.text).collect()
    }
}

#[async_trait]
impl AuditStore for Store {
    async fn pseudonym_key(&self) -> Result<[u8; 32], StoreError> {
        self.memory.pseudonym_key().await
    }

    async fn append(&self, lines: &[AuditLine]) -> Result<(), StoreError> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("down".into()));
        }
        self.memory.append(lines).await
    }

    async fn read(&self, after: u64, limit: u32) -> Result<Vec<(u64, AuditLine)>, StoreError> {
        self.memory.read(after, limit).await
    }

    async fn remove(&self, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        AuditStore::remove(&self.memory, before, limit).await
    }
}

fn event(number: usize) -> Event {
    Event::new(Action::UserImport).detail(number)
}

#[tokio::test]
async fn what_happens_while_the_store_is_down_is_written_afterwards_in_order_and_once() {
    let store = Arc::new(Store::default());
    let trail = Trail::open(Some(store.clone()), Arc::new(SystemClock)).await.expect("a trail");
    store.is_down.store(true, Ordering::Relaxed);
    for number in 0..1_200 {
        trail.record(&event(number));
    }
    assert!(trail.flush().await.is_err() && trail.flush().await.is_err());
    assert_eq!(store.texts().await, [""; 0]);
    store.is_down.store(false, Ordering::Relaxed);
    let (one, other) = tokio::join!(trail.flush(), trail.flush());
    assert!(one.is_ok() && other.is_ok());
    let texts = store.texts().await;
    assert_eq!(texts.len(), 1_200);
    for (number, text) in texts.iter().enumerate() {
        assert!(text.contains(&format!(r#""detail":"{number}""#)), "{number}: {text}");
    }
}

#[tokio::test]
async fn a_store_that_stays_down_takes_no_memory_without_end() {
    let store = Arc::new(Store::default());
    let trail = Trail::open(Some(store.clone()), Arc::new(SystemClock)).await.expect("a trail");
    for number in 0..10_100 {
        trail.record(&event(number));
    }
    trail.flush().await.expect("written");
    assert_eq!(store.texts().await.len(), 10_000);
    trail.record(&event(10_100));
    trail.flush().await.expect("written");
    assert!(store.texts().await.last().is_some_and(|text| text.contains("10100")), "and there is room again");
}

#[test]
fn what_anybody_can_cause_as_often_as_they_like_is_cheap_and_nothing_else() {
    let user = UserId::random();
    let refused =
        |reason| Event { outcome: Outcome::Refused, reason: Some(reason), ..Event::new(Action::Login) };
    assert!(refused(TOO_MANY).user(user).is_cheap(), "nobody has looked at it");
    assert!(refused("invalid_request").is_cheap(), "it is about nobody");
    assert!(Event { outcome: Outcome::Failed, ..event(1).user(user) }.is_cheap());
    assert!(Event { reason: Some(NOTHING_TO_END), ..Event::new(Action::Revocation) }.is_cheap());
    assert!(!refused("wrong_password").user(user).is_cheap());
    assert!(!Event::new(Action::Login).user(user).is_cheap() && !event(1).is_cheap());
    let second = Duration::from_secs(1);
    let allowance = Allowance::per_day(5, 100, second, second);
    let too_many = TooMany { limit: "account", allowance, wait: second };
    assert_eq!(GrantError::TooMany(too_many).public().0, TOO_MANY, "by it such a login is known");
}

#[tokio::test]
async fn refreshes_of_a_session_in_a_short_time_are_one_line_with_a_count() {
    let (store, clock) = (Arc::new(Store::default()), Arc::new(ManualClock::new(UnixTime(1_000_000))));
    let trail = Trail::open(Some(store.clone()), clock.clone()).await.expect("a trail");
    let at = |seconds: u64| clock.set(UnixTime(1_000_000 + seconds));
    let lines = async || {
        trail.flush().await.expect("written");
        let lines = store.texts().await.into_iter().map(|text| {
            let line: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let at = line["at"].as_u64().expect("a time") - 1_000_000;
            (line["event"].as_str().expect("a word").to_owned(), at, line["times"].as_u64().unwrap_or(1))
        });
        lines.collect::<Vec<_>>()
    };
    let line = |event: &str, at: u64, times: u64| (event.to_owned(), at, times);
    let user = UserId::random();
    let of = |action, session| Event::new(action).user(user).session(session);
    let [one, other] = [1, 2].map(|number| SessionId::from_bytes([number; 16]));

    for seconds in 0..40 {
        at(seconds);
        trail.record(&of(Action::Refresh, one));
    }
    trail.record(&of(Action::Refresh, other));
    let mut expected = vec![line("refresh", 0, 1), line("refresh", 39, 1)];
    assert_eq!(lines().await, expected, "the first of each session at once");

    at(41);
    let reuse = Event { outcome: Outcome::Refused, reason: Some("invalid_grant"), ..of(Action::Reuse, one) };
    trail.record(&reuse);
    expected.extend([line("refresh", 39, 39), line("reuse", 41, 1)]);
    assert_eq!(lines().await, expected, "the others before whatever comes next of their session");

    at(50);
    let moved =
        Event { address: Some("198.51.100.7".parse().expect("an address")), ..of(Action::Refresh, other) };
    trail.record(&of(Action::Refresh, other));
    trail.record(&moved);
    trail.record(&moved);
    expected.extend([line("refresh", 50, 1), line("refresh", 50, 1)]);
    assert_eq!(lines().await, expected, "another address is another line");

    at(349);
    assert_eq!(lines().await, expected);
    at(350);
    expected.push(line("refresh", 50, 1));
    assert_eq!(lines().await, expected, "after five minutes there is a line in any case");
    trail.record(&moved);
    trail.record(&moved);
    trail.record(&Event { outcome: Outcome::Refused, ..moved.clone() });
    trail.record(&Event { outcome: Outcome::Refused, ..moved.clone() });
    expected.extend([350_u64; 4].map(|at| line("refresh", at, 1)));
    assert_eq!(lines().await, expected, "refusals have a line each");

    trail.record(&moved);
    trail.record(&moved);
    trail.end().await;
    expected.extend([350_u64; 2].map(|at| line("refresh", at, 1)));
    assert_eq!(lines().await, expected, "the end of the program leaves none out");
    let counted: u64 = trail
        .counts()
        .into_iter()
        .filter(|((action, ..), _)| *action == Action::Refresh)
        .map(|(_, count)| count)
        .sum();
    let recorded: u64 =
        expected.iter().filter(|(event, ..)| event == "refresh").map(|(.., times)| times).sum();
    assert_eq!(recorded, counted, "each is in exactly one line");
}

#[tokio::test]
async fn what_is_older_than_it_is_kept_for_is_removed() {
    let (store, clock) = (Arc::new(Store::default()), Arc::new(ManualClock::new(UnixTime(1_000_000))));
    let trail = Trail::open(Some(store.clone()), clock.clone()).await.expect("a trail");
    for number in 0..700 {
        trail.record(&event(number));
    }
    trail.flush().await.expect("written");
    let day = Duration::from_secs(86_400);
    clock.set(UnixTime(1_000_000).plus(day));
    trail.record(&event(700));
    trail.flush().await.expect("written");
    assert_eq!(trail.forget(day).await.expect("removed"), 0, "a day old to the second");
    clock.set(UnixTime(1_000_001).plus(day));
    assert_eq!(trail.forget(day).await.expect("removed"), 700);
    assert_eq!(store.texts().await.len(), 1);
}

/// Whoever has the database's own rights can still drop the triggers; nobody does so by mistake, and no
/// statement of ours can.
#[tokio::test]
async fn no_statement_changes_a_line_or_removes_a_fresh_one() {
    let line = AuditLine { at: SystemClock.now(), text: "{}".into() };
    let folder = TempDir::new().expect("a folder");
    let store = sqlite(&folder.path().join("users.db")).await;
    store.append(std::slice::from_ref(&line)).await.expect("appended");
    for statement in ["UPDATE audit SET line = ''", "UPDATE audit SET at = 0", "DELETE FROM audit"] {
        let error = sqlx::query(statement).execute(store.writer()).await.expect_err(statement);
        assert!(error.to_string().contains("append-only"), "{error}");
    }
    assert!(AuditStore::remove(&*store, UnixTime(u64::MAX >> 1), 10).await.is_err());
    assert_eq!(store.read(0, 10).await.expect("read"), [(1, line.clone())]);

    let store = postgres(&new_database()).await;
    store.append(std::slice::from_ref(&line)).await.expect("appended");
    for statement in ["UPDATE audit SET line = ''", "UPDATE audit SET at = 0", "DELETE FROM audit"] {
        let error = sqlx::query(statement).execute(store.pool()).await.expect_err(statement);
        assert!(error.to_string().contains("append-only"), "{error}");
    }
    // An error, or none where the statement before still holds its lock; a line that is removed never.
    let removed = AuditStore::remove(&*store, UnixTime(u64::MAX >> 1), 10).await;
    assert!(!matches!(removed, Ok(1..)), "{removed:?}");
    assert_eq!(store.read(0, 10).await.expect("read"), [(1, line)]);
}

//! The audit trail below HTTP: what waits, what is lost, and that nobody changes what is written.

use crate::stores::{new_database, postgres, sqlite};
use async_trait::async_trait;
use countersign::{
    allowance::Allowance,
    audit::{Action, Event, NOTHING_TO_END, Outcome, TOO_MANY, Trail},
    clock::{Clock, ManualClock, SystemClock, UnixTime},
    grant::GrantError,
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

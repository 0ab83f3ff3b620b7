//! The audit trail: who did what, when, and what came of it.
//!
//! An [`Event`] is one structured line in the log (target `countersign::audit`) at once, and a moment
//! later the same line in the store of the trail, which is append-only. It tells people, sessions and
//! addresses by pseudonyms alone: the same one for the same thing, and no way back without the store's
//! key. The trail keeps nobody waiting: while its store does not answer, up to 10,000 lines wait, and of what
//! is more the log says how many only it has.

mod event;
mod pseudonym;
mod refreshes;
mod tally;
mod witness;

pub use event::{Action, Actor, Event, NOTHING_TO_END, Outcome, TOO_MANY};
pub use pseudonym::Pseudonyms;
pub use tally::Kind;
pub use witness::{Told, Witness};

use crate::{
    clock::{Clock, UnixTime},
    store::{AuditLine, AuditStore, StoreError, causes, random_key},
};
use refreshes::{Due, Refreshes};
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tally::Tally;
use tokio::sync::Notify;

/// How many lines wait for the store at most.
const MOST_WAITING: usize = 10_000;
/// How many are appended in one step, or removed.
const BATCH: usize = 500;
/// How often events that cost nothing are told.
const NOW_AND_THEN: Duration = Duration::from_secs(1);
/// How long the end of the program waits for the store.
const LAST: Duration = Duration::from_secs(2);
/// How long lines are collected before they are appended together.
const COLLECT: Duration = Duration::from_millis(100);
/// How often it is looked whether collected refreshes are to be recorded.
const TICK: Duration = Duration::from_secs(10);

/// Writes the trail. Cheap to clone; clones write the same one.
#[derive(Clone)]
pub struct Trail(Arc<Inner>);

struct Inner {
    store: Option<Arc<dyn AuditStore>>,
    clock: Arc<dyn Clock>,
    pseudonyms: Pseudonyms,
    waiting: Mutex<Waiting>,
    cheap: Mutex<Cheap>,
    refreshes: Mutex<Refreshes>,
    tally: Tally,
    more: Notify,
    /// Held while lines are appended, so that none is twice.
    writing: tokio::sync::Mutex<()>,
}

/// Events that cost whoever causes them nothing.
#[derive(Default)]
struct Cheap {
    /// When one was told.
    last: Option<Instant>,
    /// How many were not told since.
    untold: u64,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<AuditLine>,
    /// How many found no place since the log was told of some.
    lost: u64,
    /// How many ever did.
    ever_lost: u64,
}

/// What of the trail its store does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many lines wait for the store.
    pub waiting: usize,
    /// For how long the first of them has waited, in whole seconds.
    pub oldest: Duration,
    /// How many lines found no place to wait, since this process began: they are in the log alone.
    pub lost: u64,
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trail").field("kept", &self.0.store.is_some()).finish_non_exhaustive()
    }
}

impl Trail {
    /// A trail that is kept in this store, or without one in the log alone, by pseudonyms of this process.
    ///
    /// # Errors
    /// When the store does not say its key, or there is no randomness for one.
    pub async fn open(store: Option<Arc<dyn AuditStore>>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let key = match &store {
            Some(store) => store.pseudonym_key().await?,
            None => random_key()?,
        };
        Ok(Self(Arc::new(Inner {
            store,
            clock,
            pseudonyms: Pseudonyms::new(&key),
            waiting: Mutex::default(),
            cheap: Mutex::default(),
            refreshes: Mutex::default(),
            tally: Tally::default(),
            more: Notify::new(),
            writing: tokio::sync::Mutex::default(),
        })))
    }

    /// What its pseudonyms are made by.
    pub fn pseudonyms(&self) -> &Pseudonyms {
        &self.0.pseudonyms
    }

    /// Notes that this has happened. No I/O but the log's.
    ///
    /// What anybody can make happen as often as they like is told once a second at most, with how often it
    /// happened: see [`Event::is_cheap`]. Refreshes of one session that follow each other within five
    /// minutes, and differ in nothing else, are one line for the first and one with a count for the others.
    /// That line is recorded before any other event of the session, after these minutes, or by
    /// [`end`](Self::end). No other event is counted together with another.
    pub fn record(&self, event: &Event) {
        self.0.tally.count(event);
        let now = self.0.clock.now();
        let (due, is_recorded_now) = self.refreshes().take(event, now);
        if let Some(due) = due {
            self.write(&due.event, due.at, due.times);
        }
        if is_recorded_now && let Some(times) = self.times(event) {
            self.write(event, now, times);
        }
    }

    fn write(&self, event: &Event, at: UnixTime, times: u64) {
        let line = event.line(&self.0.pseudonyms, at, times);
        line.log();
        if self.0.store.is_none() {
            return;
        }
        let mut waiting = self.waiting();
        if waiting.lines.len() < MOST_WAITING {
            waiting.lines.push_back(AuditLine { at, text: line.json() });
        } else {
            waiting.lost += 1;
            waiting.ever_lost += 1;
        }
        drop(waiting);
        self.0.more.notify_one();
    }

    /// How often what was recorded, since this process began.
    pub fn counts(&self) -> BTreeMap<Kind, u64> {
        self.0.tally.counts()
    }

    /// What its store does not have yet, or will not have.
    pub fn backlog(&self) -> Backlog {
        let now = self.0.clock.now();
        let waiting = self.waiting();
        let oldest = waiting.lines.front().map_or(0, |line| now.0.saturating_sub(line.at.0));
        Backlog { waiting: waiting.lines.len(), oldest: Duration::from_secs(oldest), lost: waiting.ever_lost }
    }

    /// Appends all lines that wait, and those of refreshes that are no longer collected.
    ///
    /// # Errors
    /// When the store fails. Then they go on waiting; what it did with the first of them is unknown, so a
    /// line may come to be there twice.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let ended = self.refreshes().ended(self.0.clock.now());
        self.write_all(ended);
        let Some(store) = &self.0.store else { return Ok(()) };
        let _writing = self.0.writing.lock().await;
        loop {
            let batch: Vec<_> = self.waiting().lines.iter().take(BATCH).cloned().collect();
            if batch.is_empty() {
                return Ok(());
            }
            store.append(&batch).await?;
            let mut waiting = self.waiting();
            waiting.lines.drain(..batch.len());
            let lost = std::mem::take(&mut waiting.lost);
            drop(waiting);
            if lost > 0 {
                tracing::error!(
                    "{lost} events are in the log alone: too many waited for the audit trail's store"
                );
            }
        }
    }

    /// Appends lines soon after they are recorded, for ever.
    pub async fn follow(&self) {
        let mut failing = false;
        loop {
            if tokio::time::timeout(TICK, self.0.more.notified()).await.is_ok() {
                tokio::time::sleep(COLLECT).await;
            }
            while let Err(error) = self.flush().await {
                if !failing {
                    tracing::error!("the audit trail cannot be written, its lines wait: {}", causes(&error));
                }
                failing = true;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            if std::mem::take(&mut failing) {
                tracing::info!("the audit trail is written again");
            }
        }
    }

    /// Appends what waits or is collected before the program ends; waits for no store that does not answer.
    pub async fn end(&self) {
        let all = self.refreshes().all();
        self.write_all(all);
        let ended = tokio::time::timeout(LAST, self.flush()).await;
        if !matches!(ended, Ok(Ok(()))) {
            let waiting = self.waiting().lines.len();
            tracing::error!(
                "the last {waiting} events are in the log alone: the audit trail's store does not answer"
            );
        }
    }

    /// Removes what is older than this, in small steps; says how many lines.
    pub async fn forget(&self, retention: Duration) -> Result<u64, StoreError> {
        let Some(store) = &self.0.store else { return Ok(0) };
        let before = self.0.clock.now().minus(retention);
        let mut removed = 0;
        loop {
            let batch = store.remove(before, BATCH as u32).await?;
            removed += batch;
            if batch < BATCH as u64 {
                return Ok(removed);
            }
        }
    }

    /// For how many like it this event is told; `None` if it is for a later one to tell.
    fn times(&self, event: &Event) -> Option<u64> {
        if !event.is_cheap() {
            return Some(1);
        }
        let mut cheap = self.0.cheap.lock().unwrap_or_else(PoisonError::into_inner);
        cheap.untold += 1;
        if cheap.last.is_some_and(|last| last.elapsed() < NOW_AND_THEN) {
            return None;
        }
        cheap.last = Some(Instant::now());
        Some(std::mem::take(&mut cheap.untold))
    }

    fn write_all(&self, all: Vec<Due>) {
        for Due { event, at, times } in all {
            self.write(&event, at, times);
        }
    }

    fn refreshes(&self) -> MutexGuard<'_, Refreshes> {
        self.0.refreshes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Attempts in this process's memory, for stores that do not count any.

use crate::{
    allowance::{Attempts, ms},
    clock::UnixTime,
    store::{Attempt, AttemptKey, AttemptStore, Count, StoreError},
};
use async_trait::async_trait;
use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How many keys are remembered. Beyond it, those go first that would be forgotten first.
const MOST: usize = 100_000;

/// Counts the attempts that this process sees, at no more than 100,000 keys.
#[derive(Default)]
pub struct LocalAttempts(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    kept: HashMap<AttemptKey, Attempts>,
    /// The same keys by when there is nothing left to remember.
    ends: BTreeSet<(u64, AttemptKey)>,
}

impl Counted {
    fn of(&self, count: &Count) -> Attempts {
        self.kept.get(&count.key).copied().unwrap_or_default()
    }

    fn put(&mut self, key: AttemptKey, attempts: Attempts) {
        self.remove(&key);
        if self.kept.len() >= MOST
            && let Some((_, first)) = self.ends.pop_first()
        {
            self.kept.remove(&first);
        }
        self.kept.insert(key, attempts);
        self.ends.insert((attempts.ends_at(), key));
    }

    fn remove(&mut self, key: &AttemptKey) -> bool {
        let removed = self.kept.remove(key);
        removed.is_some_and(|attempts| self.ends.remove(&(attempts.ends_at(), *key)))
    }
}

#[async_trait]
impl AttemptStore for LocalAttempts {
    async fn attempt(&self, counts: &[Count], now: UnixTime) -> Result<Attempt, StoreError> {
        let mut counted = self.counted();
        let found: Vec<_> = counts.iter().map(|count| counted.of(count)).collect();
        match Attempt::at(&found, counts, now) {
            Ok(more) => {
                counts.iter().zip(more).for_each(|(count, attempts)| counted.put(count.key, attempts));
                Ok(Attempt::Counted)
            }
            Err(refused) => Ok(refused),
        }
    }

    async fn take_back(&self, counts: &[Count], now: UnixTime) -> Result<(), StoreError> {
        let mut counted = self.counted();
        for count in counts.iter().filter(|count| counted.kept.contains_key(&count.key)).collect::<Vec<_>>() {
            let less = counted.of(count).without_one(&count.allowance, now);
            counted.put(count.key, less);
        }
        Ok(())
    }

    async fn forget(&self, key: &AttemptKey) -> Result<bool, StoreError> {
        Ok(self.counted().remove(key))
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let mut counted = self.counted();
        let mut removed = 0;
        while removed < u64::from(limit)
            && let Some((end, key)) = counted.ends.first().copied()
            && end <= ms(now)
        {
            counted.remove(&key);
            removed += 1;
        }
        Ok(removed)
    }
}

impl LocalAttempts {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        // Nothing here panics half-way through a change, so what a poisoned lock guards is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LocalAttempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalAttempts").field("keys", &self.counted().kept.len()).finish()
    }
}

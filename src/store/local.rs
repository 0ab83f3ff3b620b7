//! Attempts in this process's memory, for stores that do not count any.

use crate::{
    allowance::Attempts,
    clock::{Clock, SystemClock},
    store::{Attempt, AttemptKey, AttemptStore, Count, StoreError},
};
use async_trait::async_trait;
use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How many keys are remembered. Beyond it, those go first that would be forgotten first.
const MOST: usize = 100_000;

/// Counts the attempts that this process sees, at no more than 100,000 keys, by its own clock.
pub struct LocalAttempts {
    counted: Mutex<Counted>,
    clock: Arc<dyn Clock>,
}

impl Default for LocalAttempts {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

#[derive(Default)]
struct Counted {
    kept: HashMap<AttemptKey, Attempts>,
    /// The same keys by when there is nothing left to remember.
    ends: BTreeSet<(u64, AttemptKey)>,
}

impl Counted {
    fn of(&self, key: &AttemptKey) -> Attempts {
        self.kept.get(key).copied().unwrap_or_default()
    }

    fn of_each(&self, counts: &[Count]) -> Vec<Attempts> {
        counts.iter().map(|count| self.of(&count.key)).collect()
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
    async fn attempt(&self, counts: &[Count]) -> Result<Attempt, StoreError> {
        let (mut counted, now) = self.counted();
        match Attempt::at(&counted.of_each(counts), counts, now) {
            Ok(more) => {
                counts.iter().zip(more).for_each(|(count, attempts)| counted.put(count.key, attempts));
                Ok(Attempt::Counted)
            }
            Err(refused) => Ok(refused),
        }
    }

    async fn fail(&self, counts: &[Count]) -> Result<(), StoreError> {
        let (mut counted, now) = self.counted();
        for Count { key, allowance } in counts {
            let more = counted.of(key).with_one(allowance, now);
            counted.put(*key, more);
        }
        Ok(())
    }

    async fn take_back(&self, counts: &[Count], own: Option<&AttemptKey>) -> Result<(), StoreError> {
        let (mut counted, now) = self.counted();
        let failed = own.map(|own| counted.of(own)).unwrap_or_default();
        let less = Attempt::taken_back(&counted.of_each(counts), failed, counts, now);
        for (count, attempts) in counts.iter().zip(less) {
            if counted.kept.contains_key(&count.key) {
                counted.put(count.key, attempts);
            }
        }
        own.map(|own| counted.remove(own));
        Ok(())
    }

    async fn forget(&self, key: &AttemptKey) -> Result<bool, StoreError> {
        Ok(self.counted().0.remove(key))
    }

    async fn purge(&self, limit: u32) -> Result<u64, StoreError> {
        let (mut counted, now) = self.counted();
        let mut removed = 0;
        while removed < u64::from(limit)
            && let Some((end, key)) = counted.ends.first().copied()
            && end <= now
        {
            counted.remove(&key);
            removed += 1;
        }
        Ok(removed)
    }
}

impl LocalAttempts {
    /// Counts by this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { counted: Mutex::default(), clock }
    }

    /// What is counted, locked, and the time since then.
    fn counted(&self) -> (MutexGuard<'_, Counted>, u64) {
        // Nothing here panics half-way through a change, so what a poisoned lock guards is whole.
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        (counted, self.clock.now_ms())
    }
}

impl fmt::Debug for LocalAttempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalAttempts").field("keys", &self.counted().0.kept.len()).finish()
    }
}

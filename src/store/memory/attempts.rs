//! Attempts in memory.

use super::MemoryStore;
use crate::{
    clock::UnixTime,
    store::{Attempt, AttemptKey, AttemptStore, Count, StoreError},
};
use async_trait::async_trait;

#[async_trait]
impl AttemptStore for MemoryStore {
    async fn attempt(&self, counts: &[Count], now: UnixTime) -> Result<Attempt, StoreError> {
        self.attempts.attempt(counts, now).await
    }

    async fn take_back(&self, counts: &[Count], now: UnixTime) -> Result<(), StoreError> {
        self.attempts.take_back(counts, now).await
    }

    async fn forget(&self, key: &AttemptKey) -> Result<bool, StoreError> {
        self.attempts.forget(key).await
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.attempts.purge(now, limit).await
    }
}

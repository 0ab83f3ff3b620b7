//! Attempts in memory.

use super::MemoryStore;
use crate::store::{Attempt, AttemptKey, AttemptStore, Count, StoreError};
use async_trait::async_trait;

#[async_trait]
impl AttemptStore for MemoryStore {
    async fn attempt(&self, counts: &[Count]) -> Result<Attempt, StoreError> {
        self.attempts.attempt(counts).await
    }

    async fn fail(&self, counts: &[Count]) -> Result<(), StoreError> {
        self.attempts.fail(counts).await
    }

    async fn take_back(&self, counts: &[Count], own: Option<&AttemptKey>) -> Result<(), StoreError> {
        self.attempts.take_back(counts, own).await
    }

    async fn forget(&self, key: &AttemptKey) -> Result<bool, StoreError> {
        self.attempts.forget(key).await
    }

    async fn purge(&self, limit: u32) -> Result<u64, StoreError> {
        self.attempts.purge(limit).await
    }
}

//! The audit trail in memory: the newest lines of it.

use super::{
    MemoryStore,
    sync::{MutexGuard, PoisonError},
};
use crate::{
    clock::UnixTime,
    store::{AuditLine, AuditStore, StoreError, random_key},
};
use async_trait::async_trait;
use std::collections::VecDeque;

/// Beyond it the oldest go: memory is not for keeping.
const MOST: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Trail {
    key: Option<[u8; 32]>,
    lines: VecDeque<AuditLine>,
    /// How many have gone from the front.
    gone: u64,
}

#[async_trait]
impl AuditStore for MemoryStore {
    async fn pseudonym_key(&self) -> Result<[u8; 32], StoreError> {
        let mut trail = self.trail();
        match trail.key {
            Some(key) => Ok(key),
            None => Ok(*trail.key.insert(random_key()?)),
        }
    }

    async fn append(&self, lines: &[AuditLine]) -> Result<(), StoreError> {
        let mut trail = self.trail();
        trail.lines.extend(lines.iter().cloned());
        let over = trail.lines.len().saturating_sub(MOST);
        trail.lines.drain(..over);
        trail.gone += over as u64;
        Ok(())
    }

    async fn read(&self, after: u64, limit: u32) -> Result<Vec<(u64, AuditLine)>, StoreError> {
        let trail = self.trail();
        let numbered = trail.lines.iter().cloned().zip(trail.gone + 1..).map(|(line, number)| (number, line));
        Ok(numbered.filter(|(number, _)| *number > after).take(limit as usize).collect())
    }

    async fn remove(&self, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let mut trail = self.trail();
        // The order is that of the clocks, more or less; what is kept a little longer is no harm.
        let old = trail.lines.iter().take(limit as usize).take_while(|line| line.at < before).count();
        trail.lines.drain(..old);
        trail.gone += old as u64;
        Ok(old as u64)
    }
}

impl MemoryStore {
    fn trail(&self) -> MutexGuard<'_, Trail> {
        self.trail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

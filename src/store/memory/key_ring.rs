//! The key ring in memory.

use super::{
    MemoryStore,
    sync::{MutexGuard, PoisonError},
};
use crate::store::{KeptRing, KeyRingStore, StoreError};
use async_trait::async_trait;

#[async_trait]
impl KeyRingStore for MemoryStore {
    async fn load(&self) -> Result<Option<KeptRing>, StoreError> {
        Ok(self.key_ring().clone())
    }

    async fn replace(&self, seen: Option<u64>, bytes: &[u8]) -> Result<bool, StoreError> {
        let mut kept = self.key_ring();
        let is_seen = kept.as_ref().map(|ring| ring.version) == seen;
        if is_seen {
            *kept = Some(KeptRing::of(bytes.to_vec().into()));
        }
        Ok(is_seen)
    }
}

impl MemoryStore {
    fn key_ring(&self) -> MutexGuard<'_, Option<KeptRing>> {
        self.key_ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Clients in memory.

use super::{
    MemoryStore,
    sync::{MutexGuard, PoisonError},
};
use crate::{
    client::ClientId,
    clock::UnixTime,
    store::{AssertionId, Client, ClientStore, Insertion, StoreError},
};
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
};

#[derive(Debug, Default)]
pub(super) struct Clients {
    kept: BTreeMap<ClientId, Client>,
    /// Until when to remember.
    spent: HashMap<AssertionId, UnixTime>,
}

#[async_trait]
impl ClientStore for MemoryStore {
    async fn insert(&self, client: &Client) -> Result<Insertion, StoreError> {
        let kept = &mut self.clients().kept;
        if kept.keys().any(|id| id.is_same_but_for_case(&client.id)) {
            return Ok(Insertion::NameTaken);
        }
        kept.insert(client.id.clone(), client.clone());
        Ok(Insertion::Inserted)
    }

    async fn by_id(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        Ok(self.clients().kept.get(id).cloned())
    }

    async fn list(&self, after: Option<&ClientId>, limit: u32) -> Result<Vec<Client>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let clients = self.clients();
        let rest = clients.kept.range::<ClientId, _>((from, Bound::Unbounded));
        Ok(rest.take(limit as usize).map(|(_, client)| client.clone()).collect())
    }

    async fn replace(&self, client: &Client) -> Result<bool, StoreError> {
        let mut clients = self.clients();
        let kept = clients.kept.get_mut(&client.id).filter(|kept| kept.revision == client.revision);
        Ok(kept.map(|kept| *kept = Client { revision: kept.revision + 1, ..client.clone() }).is_some())
    }

    async fn delete(&self, id: &ClientId, revision: u64) -> Result<bool, StoreError> {
        let kept = &mut self.clients().kept;
        let is_there = kept.get(id).is_some_and(|client| client.revision == revision);
        Ok(is_there && kept.remove(id).is_some())
    }

    async fn spend(
        &self,
        assertion: &AssertionId,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let spent = &mut self.clients().spent;
        spent.retain(|_, until| now < *until);
        let is_first = !spent.contains_key(assertion);
        spent.entry(*assertion).or_insert(until);
        Ok(is_first)
    }
}

impl MemoryStore {
    fn clients(&self) -> MutexGuard<'_, Clients> {
        // Nothing here panics half-way through a change, so what a poisoned lock guards is whole.
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Stores of clients that each look first and act then in one place.

use async_trait::async_trait;
use countersign::{
    client::ClientId,
    clock::UnixTime,
    store::{AssertionId, Client, ClientStore, Insertion, StoreError, conformance, memory::MemoryStore},
};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Insert,
    Case,
    Replace,
    Spend,
}

struct Racy {
    place: Place,
    store: MemoryStore,
    spent: Mutex<HashSet<AssertionId>>,
}

/// Whoever looks first and acts then leaves others the time to do so too.
async fn moment() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

#[async_trait]
impl ClientStore for Racy {
    async fn insert(&self, client: &Client) -> Result<Insertion, StoreError> {
        if self.place == Place::Case {
            return self.insert_if_none_looks_like_it(client).await;
        }
        if self.place != Place::Insert || self.alike(&client.id).await?.is_some() {
            return self.store.insert(client).await;
        }
        moment().await;
        self.store.delete(&client.id, client.revision).await?;
        self.store.insert(client).await.map(|_| Insertion::Inserted)
    }
    async fn by_id(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        self.store.by_id(id).await
    }
    async fn list(&self, after: Option<&ClientId>, limit: u32) -> Result<Vec<Client>, StoreError> {
        self.store.list(after, limit).await
    }
    async fn replace(&self, client: &Client) -> Result<bool, StoreError> {
        let found = self.store.by_id(&client.id).await?;
        let is_there = found.is_some_and(|found| found.revision == client.revision);
        if self.place != Place::Replace || !is_there {
            return self.store.replace(client).await;
        }
        moment().await;
        self.store.delete(&client.id, client.revision).await?;
        let next = Client { revision: client.revision + 1, ..client.clone() };
        self.store.insert(&next).await.map(|_| true)
    }
    async fn delete(&self, id: &ClientId, revision: u64) -> Result<bool, StoreError> {
        self.store.delete(id, revision).await
    }
    async fn spend(
        &self,
        assertion: &AssertionId,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        if self.place != Place::Spend {
            return self.store.spend(assertion, until, now).await;
        }
        if self.spent.lock().expect("the lock").contains(assertion) {
            return Ok(false);
        }
        moment().await;
        self.spent.lock().expect("the lock").insert(*assertion);
        Ok(true)
    }
}

impl Racy {
    /// A client of this id, be it in other case.
    async fn alike(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        let all = self.store.list(None, u32::MAX).await?;
        Ok(all.into_iter().find(|kept| kept.id.is_same_but_for_case(id)))
    }

    /// A client in other case that it has not seen is lost.
    async fn insert_if_none_looks_like_it(&self, client: &Client) -> Result<Insertion, StoreError> {
        if self.alike(&client.id).await?.is_some() {
            return Ok(Insertion::NameTaken);
        }
        moment().await;
        if let Some(other) = self.alike(&client.id).await?.filter(|other| other.id != client.id) {
            self.store.delete(&other.id, other.revision).await?;
            return self.store.insert(client).await.map(|_| Insertion::Inserted);
        }
        self.store.insert(client).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_of_clients_that_look_first_and_act_then_fail_the_suite() {
    for (place, rule) in [
        (Place::Insert, "of 32 insertions of one id exactly one wins"),
        (Place::Case, "of 32 insertions of ids that differ only by case exactly one wins"),
        (Place::Replace, "of 32 replacements of one revision exactly one wins"),
        (Place::Spend, "of 32 calls for one assertion exactly one spends it"),
    ] {
        let (store, spent) = (MemoryStore::new(), Mutex::default());
        let store = Arc::new(Racy { place, store, spent });
        let suite = tokio::spawn(conformance::clients(store.clone(), store));
        let panic = suite.await.expect_err("the suite must fail").into_panic();
        let text = panic.downcast_ref::<String>().expect("a message");
        assert!(text.contains(rule), "{text}");
    }
}

//! Users in memory.

use super::{
    MemoryStore,
    sync::{MutexGuard, PoisonError},
};
use crate::{
    password::PasswordHash,
    store::{Insertion, Standing, StoreError, User, UserStore},
    user::{NamePart, UserId, Username},
};
use async_trait::async_trait;
use std::{collections::BTreeMap, ops::Bound};

#[async_trait]
impl UserStore for MemoryStore {
    async fn insert(&self, user: &User) -> Result<Insertion, StoreError> {
        let mut users = self.users();
        if users.contains_key(&user.username) {
            return Ok(Insertion::NameTaken);
        }
        users.insert(user.username.clone(), user.clone());
        Ok(Insertion::Inserted)
    }

    async fn by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.users().values().find(|user| user.id == id).cloned())
    }

    async fn by_username(&self, username: &Username) -> Result<Option<User>, StoreError> {
        Ok(self.users().get(username).cloned())
    }

    async fn list(&self, after: Option<&Username>, limit: u32) -> Result<Vec<User>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let users = self.users();
        let rest = users.range::<Username, _>((from, Bound::Unbounded));
        Ok(rest.take(limit as usize).map(|(_, user)| user.clone()).collect())
    }

    async fn search(
        &self,
        part: &NamePart,
        after: Option<&Username>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let users = self.users();
        let found = users.range::<Username, _>((from, Bound::Unbounded)).filter(|(name, _)| part.is_in(name));
        Ok(found.take(limit as usize).map(|(_, user)| user.clone()).collect())
    }

    async fn replace_password(
        &self,
        id: UserId,
        expected: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let mut users = self.users();
        let is_meant = |user: &User| user.id == id && user.password == *expected && !user.disabled;
        let user = users.values_mut().find(|user| is_meant(user));
        Ok(user.map(|user| user.password = new.clone()).is_some())
    }

    async fn set_password(&self, id: UserId, new: &PasswordHash) -> Result<bool, StoreError> {
        Ok(self.change(id, |user| user.password = new.clone()).is_some())
    }

    async fn set_standing(&self, id: UserId, standing: &Standing) -> Result<Option<Standing>, StoreError> {
        Ok(self.change(id, |user| {
            let changed = standing.changed_from(&user.roles, user.disabled);
            if let Some(roles) = &changed.roles {
                user.roles.clone_from(roles);
            }
            user.disabled = changed.disabled.unwrap_or(user.disabled);
            changed
        }))
    }

    async fn delete(&self, id: UserId) -> Result<bool, StoreError> {
        let mut users = self.users();
        let before = users.len();
        users.retain(|_, user| user.id != id);
        Ok(users.len() < before)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

impl MemoryStore {
    fn users(&self) -> MutexGuard<'_, BTreeMap<Username, User>> {
        // Nothing here panics half-way through a change, so a poisoned map is whole.
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, id: UserId, change: impl FnOnce(&mut User) -> T) -> Option<T> {
        self.users().values_mut().find(|user| user.id == id).map(change)
    }
}

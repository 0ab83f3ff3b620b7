//! A store of users over one in memory, that does no more than a store has to.

use async_trait::async_trait;
use countersign::{
    password::PasswordHash,
    store::{Insertion, Standing, StoreError, User, UserStore, memory::MemoryStore},
    user::{UserId, Username},
};

/// Where the users are, and what is peculiar to a store of them.
#[async_trait]
pub trait Users: Send + Sync + 'static {
    fn memory(&self) -> &MemoryStore;

    async fn added(&self, user: &User) -> Result<Insertion, StoreError> {
        UserStore::insert(self.memory(), user).await
    }

    async fn stood(&self, id: UserId, standing: &Standing) -> Result<Option<Standing>, StoreError> {
        self.memory().set_standing(id, standing).await
    }

    async fn found(&self, username: &Username) -> Result<Option<User>, StoreError> {
        self.memory().by_username(username).await
    }
}

impl Users for MemoryStore {
    fn memory(&self) -> &MemoryStore {
        self
    }
}

pub struct Plain<U>(pub U);

#[async_trait]
impl<U: Users> UserStore for Plain<U> {
    async fn insert(&self, user: &User) -> Result<Insertion, StoreError> {
        self.0.added(user).await
    }
    async fn by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        UserStore::by_id(self.0.memory(), id).await
    }
    async fn by_username(&self, username: &Username) -> Result<Option<User>, StoreError> {
        self.0.found(username).await
    }
    async fn list(&self, after: Option<&Username>, limit: u32) -> Result<Vec<User>, StoreError> {
        UserStore::list(self.0.memory(), after, limit).await
    }
    async fn replace_password(
        &self,
        id: UserId,
        expected: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        self.0.memory().replace_password(id, expected, new).await
    }
    async fn set_password(&self, id: UserId, new: &PasswordHash) -> Result<bool, StoreError> {
        self.0.memory().set_password(id, new).await
    }
    async fn set_standing(&self, id: UserId, standing: &Standing) -> Result<Option<Standing>, StoreError> {
        self.0.stood(id, standing).await
    }
    async fn delete(&self, id: UserId) -> Result<bool, StoreError> {
        UserStore::delete(self.0.memory(), id).await
    }
    async fn ping(&self) -> Result<(), StoreError> {
        UserStore::ping(self.0.memory()).await
    }
}

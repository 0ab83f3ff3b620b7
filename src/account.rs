//! What administrators do to accounts; the command line and the admin routes both call this.

use crate::{
    clock::UnixTime,
    password::{Hasher, HasherError, Password},
    store::{Insertion, StoreError, User, UserStore},
    user::{RoleName, UserId, Username},
};
use std::{collections::BTreeSet, sync::Arc};
use thiserror::Error;

/// The accounts of a store.
#[derive(Clone)]
pub struct Accounts {
    users: Arc<dyn UserStore>,
    hasher: Hasher,
}

/// Why an account was not changed.
#[derive(Debug, Error)]
pub enum AccountError {
    /// Somebody has that name already.
    #[error("there is a user of that name already")]
    NameTaken,
    /// There is nobody of that name.
    #[error("there is no user of that name")]
    Unknown,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HasherError),
}

impl Accounts {
    /// The accounts of this store.
    pub fn new(users: Arc<dyn UserStore>, hasher: Hasher) -> Self {
        Self { users, hasher }
    }

    /// Adds a user.
    pub async fn add(
        &self,
        username: Username,
        password: Password,
        roles: BTreeSet<RoleName>,
        now: UnixTime,
    ) -> Result<User, AccountError> {
        let password = self.hasher.hash(password).await?;
        let user = User { id: UserId::random(), username, password, roles, disabled: false, created_at: now };
        match self.users.insert(&user).await? {
            Insertion::Inserted => Ok(user),
            Insertion::NameTaken => Err(AccountError::NameTaken),
        }
    }

    /// Up to `limit` users whose names come after `after`, in the order of their names.
    pub async fn list(&self, after: Option<&Username>, limit: u32) -> Result<Vec<User>, AccountError> {
        Ok(self.users.list(after, limit).await?)
    }

    /// The user of that name.
    pub async fn find(&self, username: &Username) -> Result<User, AccountError> {
        self.users.by_username(username).await?.ok_or(AccountError::Unknown)
    }

    /// Gives a user another password.
    pub async fn set_password(&self, username: &Username, password: Password) -> Result<(), AccountError> {
        let user = self.find(username).await?;
        let hash = self.hasher.hash(password).await?;
        known(self.users.set_password(user.id, &hash).await?)
    }

    /// Replaces all roles of a user.
    pub async fn set_roles(
        &self,
        username: &Username,
        roles: &BTreeSet<RoleName>,
    ) -> Result<(), AccountError> {
        let user = self.find(username).await?;
        known(self.users.set_roles(user.id, roles).await?)
    }

    /// Shuts a user out, or lets them in again.
    pub async fn set_disabled(&self, username: &Username, disabled: bool) -> Result<(), AccountError> {
        let user = self.find(username).await?;
        known(self.users.set_disabled(user.id, disabled).await?)
    }

    /// Removes a user.
    pub async fn delete(&self, username: &Username) -> Result<(), AccountError> {
        let user = self.find(username).await?;
        known(self.users.delete(user.id).await?)
    }
}

fn known(found: bool) -> Result<(), AccountError> {
    if found { Ok(()) } else { Err(AccountError::Unknown) }
}

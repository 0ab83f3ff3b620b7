//! The record of a user, and what a store of users must do.

use super::{Connections, Finding, StoreError};
use crate::{
    clock::UnixTime,
    password::PasswordHash,
    user::{NamePart, RoleName, UserId, Username},
};
use async_trait::async_trait;
use std::{collections::BTreeSet, time::Duration};

/// A user as the stores keep them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Who this is, for ever.
    pub id: UserId,
    /// What they log in as; no two users share one.
    pub username: Username,
    /// What proves that it is they.
    pub password: PasswordHash,
    /// What they may do.
    pub roles: BTreeSet<RoleName>,
    /// Whether they are shut out: no login, no refresh, no live access token.
    pub disabled: bool,
    /// When the account was made.
    pub created_at: UnixTime,
}

/// What a user is to be from now on; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What they may do, all of it.
    pub roles: Option<BTreeSet<RoleName>>,
    /// Whether they are shut out.
    pub disabled: Option<bool>,
}

impl Standing {
    /// The parts of it that a user with these roles, disabled or not, does not have yet.
    pub fn changed_from(&self, roles: &BTreeSet<RoleName>, disabled: bool) -> Self {
        Self {
            roles: self.roles.clone().filter(|new| new != roles),
            disabled: self.disabled.filter(|new| *new != disabled),
        }
    }
}

/// What became of an insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insertion {
    /// The user is there now.
    Inserted,
    /// Somebody has that name; nothing was changed.
    NameTaken,
}

/// Keeps users.
///
/// Each method is one atomic step: of two calls at the same time, in whatever processes, one
/// happens before the other. Three promises are critical to security: insertion under one name is won
/// by exactly one caller, [`replace_password`](Self::replace_password) changes nothing that has changed
/// meanwhile, and [`set_standing`](Self::set_standing) knows what it changed.
#[async_trait]
pub trait UserStore: Send + Sync + 'static {
    /// Adds a user, unless the name is taken. Never replaces anybody.
    async fn insert(&self, user: &User) -> Result<Insertion, StoreError>;

    /// Adds users, each unless the name is taken, and says what became of each, in their order; of
    /// two with one name in it the first is added. Each is atomic by itself: after an error some of
    /// them may be there. One by one, unless the store can do better.
    async fn insert_all(&self, users: &[User]) -> Result<Vec<Insertion>, StoreError> {
        let mut all = Vec::with_capacity(users.len());
        for user in users {
            all.push(self.insert(user).await?);
        }
        Ok(all)
    }

    /// The user with this id.
    async fn by_id(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user with this name.
    async fn by_username(&self, username: &Username) -> Result<Option<User>, StoreError>;

    /// Up to `limit` users whose names come after `after`, by the bytes of their names.
    async fn list(&self, after: Option<&Username>, limit: u32) -> Result<Vec<User>, StoreError>;

    /// The same of those in whose names `part` stands. Looks through all names, page by page, and so
    /// not in one step, unless the store can do better.
    async fn search(
        &self,
        part: &NamePart,
        after: Option<&Username>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        const PAGE: u32 = 1_000;
        let (mut found, mut after) = (vec![], after.cloned());
        while found.len() < limit as usize {
            let page = self.list(after.as_ref(), PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            after = page.last().map(|user| user.username.clone());
            found.extend(page.into_iter().filter(|user| part.is_in(&user.username)));
            if is_last {
                break;
            }
        }
        found.truncate(limit as usize);
        Ok(found)
    }

    /// Replaces the password hash if it still is `expected` and the user is enabled; returns whether it
    /// did. Both are decided in the step that replaces it.
    async fn replace_password(
        &self,
        id: UserId,
        expected: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError>;

    /// Sets the password hash whatever it was. `false`: there is no such user.
    async fn set_password(&self, id: UserId, new: &PasswordHash) -> Result<bool, StoreError>;

    /// Replaces all roles, disables or enables a user, or both at once. Returns the parts that were
    /// different until this step ([`Standing::changed_from`]), or `None` if there is no such user. Of
    /// concurrent calls that set the same standing exactly one returns that it changed.
    async fn set_standing(&self, id: UserId, standing: &Standing) -> Result<Option<Standing>, StoreError>;

    /// Removes a user. `false`: there was no such user.
    async fn delete(&self, id: UserId) -> Result<bool, StoreError>;

    /// Whether the store answers, and takes changes as far as it can tell without making one.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Returns the store's own clock, in milliseconds since 1970; `None` if it has no other than this
    /// machine's.
    async fn own_clock(&self) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    /// The connections that it keeps, of each pool that it has.
    fn connections(&self) -> Vec<Connections> {
        vec![]
    }

    /// What there is to say about how it is set up; `leeway` is how far clocks may be apart.
    async fn checkup(&self, _now: UnixTime, _leeway: Duration) -> Result<Vec<Finding>, StoreError> {
        Ok(vec![])
    }
}

//! What is done to accounts; the command line, the admin routes and the users' own call this.

use crate::{
    audit::{Action, Event, Outcome, Told, Witness},
    clock::UnixTime,
    password::{Hasher, HasherError, Password, Requester, Verdict},
    revocation::{Owed, Revocations},
    session::SessionId,
    store::{Insertion, Standing, StoreError, User, UserStore},
    user::{NamePart, RoleName, UserId, Username},
};
use std::{
    collections::{BTreeSet, HashMap},
    future::ready,
    sync::Arc,
};
use thiserror::Error;

/// The accounts of a store. Whatever takes something away from a user also reaches the sessions
/// and access tokens that they have: see [`Revocations`].
///
/// Sessions may live in another store than users, so revocation comes first: if it fails, nothing is
/// changed. It is repeated after the change, for logins and refreshes in between that went by the
/// former record. If the second one fails the error is [`AccountError::NotRevoked`], and it is
/// [retried](Revocations::retry); so it is when the outcome of the change is unknown.
#[derive(Clone)]
pub struct Accounts {
    users: Arc<dyn UserStore>,
    hasher: Hasher,
    revocations: Arc<Revocations>,
    witness: Witness,
}

/// How many roles a user may have: so many, each as long as may be, fit into an access token.
pub const MAX_ROLES: usize = 64;

/// How often a change of password is tried while others change the same one.
const TRIES: usize = 4;

/// How many costs of hashes are told apart.
const MOST_KINDS: usize = 64;

/// Why an account was not changed.
#[derive(Debug, Error)]
pub enum AccountError {
    /// Somebody has that name already.
    #[error("there is a user of that name already")]
    NameTaken,
    /// There is nobody of that name.
    #[error("there is no user of that name")]
    Unknown,
    /// The current password is not the one given.
    #[error("the password is wrong")]
    WrongPassword,
    /// The user is disabled.
    #[error("the user is disabled")]
    Disabled,
    /// Others kept changing the password.
    #[error("the password was changed by others meanwhile; try again")]
    Contended,
    /// The change was made. Sessions and tokens from before could not all be revoked yet.
    #[error("the change was made, but not all sessions and tokens from before it are revoked yet")]
    NotRevoked(#[source] StoreError),
    /// More roles than [`MAX_ROLES`].
    #[error("a user has at most {MAX_ROLES} roles")]
    TooManyRoles,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HasherError),
}

/// What became of a user who was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// The user is there now.
    Added,
    /// There was one of this name with this password hash; nothing was changed.
    ThereAlready,
    /// Somebody else has that name, or a password since; nothing was changed.
    NameTaken,
}

impl Told for AccountError {
    fn told(&self) -> (Outcome, &'static str) {
        match self {
            Self::NameTaken => (Outcome::Refused, "name_taken"),
            Self::Unknown => (Outcome::Refused, "no_such_user"),
            Self::WrongPassword => (Outcome::Refused, "wrong_password"),
            Self::TooManyRoles => (Outcome::Refused, "too_many_roles"),
            Self::Disabled => (Outcome::Refused, "disabled"),
            Self::NotRevoked(_) => (Outcome::Done, "not_revoked"),
            Self::Contended | Self::Store(_) | Self::Hashing(_) => {
                (Outcome::Failed, "temporarily_unavailable")
            }
        }
    }
}

impl Accounts {
    /// The accounts of this store, whose changes this witness tells of.
    pub fn new(
        users: Arc<dyn UserStore>,
        hasher: Hasher,
        revocations: Arc<Revocations>,
        witness: Witness,
    ) -> Self {
        Self { users, hasher, revocations, witness }
    }

    /// The same accounts, with hashes that count as this requester's: see [`Hasher::for_requester`].
    #[must_use]
    pub fn for_requester(self, requester: Requester) -> Self {
        Self { hasher: self.hasher.for_requester(requester), ..self }
    }

    /// Adds a user, with at most [`MAX_ROLES`] roles.
    pub async fn add(
        &self,
        username: Username,
        password: Password,
        roles: BTreeSet<RoleName>,
        now: UnixTime,
    ) -> Result<User, AccountError> {
        let id = UserId::random();
        let added = async {
            fit(&roles)?;
            let password = self.hasher.hash(password).await?;
            let user = User { id, username, password, roles, disabled: false, created_at: now };
            match self.users.insert(&user).await? {
                Insertion::Inserted => Ok(user),
                Insertion::NameTaken => Err(AccountError::NameTaken),
            }
        };
        self.witness.note(Event::new(Action::UserAdd).user(id), added).await
    }

    /// Adds users as they are, with the hashes that they bring, and says what became of each, in
    /// their order. Doing so again changes nothing. That they have no more than [`MAX_ROLES`] roles is for
    /// whoever calls to see to.
    pub async fn import(&self, users: &[User]) -> Result<Vec<Imported>, AccountError> {
        let mut all = Vec::with_capacity(users.len());
        for (user, insertion) in users.iter().zip(self.users.insert_all(users).await?) {
            all.push(match insertion {
                Insertion::Inserted => Imported::Added,
                Insertion::NameTaken => self.compared(user).await?,
            });
        }
        let added = all.iter().filter(|imported| **imported == Imported::Added).count();
        if added > 0 {
            self.witness.tell(Event::new(Action::UserImport).detail(added));
        }
        Ok(all)
    }

    /// What would become of them, each by itself, if they were imported.
    pub async fn would_import(&self, users: &[User]) -> Result<Vec<Imported>, AccountError> {
        let mut all = Vec::with_capacity(users.len());
        for user in users {
            all.push(self.compared(user).await?);
        }
        Ok(all)
    }

    async fn compared(&self, user: &User) -> Result<Imported, AccountError> {
        Ok(match self.users.by_username(&user.username).await? {
            None => Imported::Added,
            Some(found) if found.password == user.password => Imported::ThereAlready,
            Some(_) => Imported::NameTaken,
        })
    }

    /// Up to `limit` users whose names come after `after`, in the order of their names.
    pub async fn list(&self, after: Option<&Username>, limit: u32) -> Result<Vec<User>, AccountError> {
        Ok(self.users.list(after, limit).await?)
    }

    /// The same of those in whose names this part stands.
    pub async fn search(
        &self,
        part: &NamePart,
        after: Option<&Username>,
        limit: u32,
    ) -> Result<Vec<User>, AccountError> {
        Ok(self.users.search(part, after, limit).await?)
    }

    /// Looks through all users for hashes of another cost than new ones, and lets every failed login take
    /// as long as with the slowest of them. Says how many kinds there are.
    pub async fn set_floor(&self) -> Result<usize, AccountError> {
        const PAGE: u32 = 1_000;
        let mut kinds = HashMap::new();
        let mut after = None;
        loop {
            let page = self.users.list(after.as_ref(), PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            after = page.last().map(|user| user.username.clone());
            for User { password, .. } in page {
                // Whoever plants hashes of ever other costs must not keep the threads busy with them.
                if !self.hasher.is_usual(&password)
                    && kinds.len() < MOST_KINDS
                    && let Some(cost) = password.cost()
                {
                    kinds.entry(cost).or_insert(password);
                }
            }
            if is_last {
                break;
            }
        }
        let count = kinds.len();
        self.hasher.set_floor(kinds.into_values().collect()).await?;
        Ok(count)
    }

    /// The user of that name.
    pub async fn find(&self, username: &Username) -> Result<User, AccountError> {
        self.users.by_username(username).await?.ok_or(AccountError::Unknown)
    }

    /// The user with that id.
    pub async fn find_by_id(&self, id: UserId) -> Result<User, AccountError> {
        self.users.by_id(id).await?.ok_or(AccountError::Unknown)
    }

    /// Gives a user another password and ends all their sessions.
    pub async fn set_password(&self, id: UserId, password: Password) -> Result<(), AccountError> {
        self.witness
            .note(Event::new(Action::UserPassword).user(id), self.replace_password(id, password))
            .await
    }

    async fn replace_password(&self, id: UserId, password: Password) -> Result<(), AccountError> {
        let hash = self.hasher.hash(password).await?;
        known(self.ending_sessions(id, self.users.set_password(id, &hash)).await?)
    }

    /// The same for users themselves, who have to know the current one and must not be disabled. The
    /// hash that was verified is the one that is replaced: a password that was set meanwhile stays.
    pub async fn change_password(
        &self,
        id: UserId,
        current: Password,
        new: Password,
    ) -> Result<(), AccountError> {
        let changed = async {
            let mut hash = None;
            for _ in 0..TRIES {
                let user = self.find_by_id(id).await?;
                if user.disabled {
                    return Err(AccountError::Disabled);
                }
                match self.hasher.verify(current.clone(), Some(user.password.clone())).await? {
                    Verdict::Match | Verdict::MatchOutdated => {}
                    Verdict::Mismatch | Verdict::Unusable => return Err(AccountError::WrongPassword),
                }
                let hash = match &hash {
                    Some(hash) => hash,
                    None => hash.insert(self.hasher.hash(new.clone()).await?),
                };
                let replaced = self.users.replace_password(id, &user.password, hash);
                if self.ending_sessions(id, replaced).await? {
                    return Ok(());
                }
                // Another password, the same one hashed anew by a login, or the user is disabled or gone.
            }
            Err(AccountError::Contended)
        };
        self.witness.note(Event::new(Action::UserPassword).user(id), changed).await
    }

    /// Makes a change that ends all sessions of a user; returns whether it was made.
    async fn ending_sessions(
        &self,
        id: UserId,
        change: impl Future<Output = Result<bool, StoreError>>,
    ) -> Result<bool, AccountError> {
        self.revocations.user(id).await?;
        let promise = self.revocations.promise(Owed::User(id));
        // An error leaves it unknown whether the change was made, so the promise stands.
        if change.await? {
            promise.keep(self.revocations.user(id)).await.map_err(AccountError::NotRevoked)?;
            Ok(true)
        } else {
            promise.release();
            Ok(false)
        }
    }

    /// Replaces all roles of a user, of which there are at most [`MAX_ROLES`]. Access tokens that tell of
    /// the old ones are revoked; the sessions go on.
    pub async fn set_roles(&self, id: UserId, roles: &BTreeSet<RoleName>) -> Result<(), AccountError> {
        self.set_standing(id, &Standing { roles: Some(roles.clone()), ..Standing::default() }).await
    }

    /// Shuts a user out and ends all their sessions, or lets them in again.
    pub async fn set_disabled(&self, id: UserId, disabled: bool) -> Result<(), AccountError> {
        self.set_standing(id, &Standing { disabled: Some(disabled), ..Standing::default() }).await
    }

    /// Both in one step. Roles that the user has already, which the store's own step decides, revoke
    /// nothing and are no event of the audit log.
    pub async fn set_standing(&self, id: UserId, standing: &Standing) -> Result<(), AccountError> {
        let mut has_new_roles = standing.roles.is_some();
        let set = self.replace_standing(id, standing, &mut has_new_roles).await;
        let roles = has_new_roles.then_some(Action::UserRoles);
        let disabled =
            standing.disabled.map(|disabled| if disabled { Action::UserDisable } else { Action::UserEnable });
        let events = roles.into_iter().chain(disabled).map(|action| Event::new(action).user(id));
        self.witness.note_all(events, ready(set)).await
    }

    /// Says in `has_new_roles` whether the roles were changed, if that is known.
    async fn replace_standing(
        &self,
        id: UserId,
        standing: &Standing,
        has_new_roles: &mut bool,
    ) -> Result<(), AccountError> {
        standing.roles.as_ref().map_or(Ok(()), fit)?;
        if standing.disabled == Some(true) {
            let change = async {
                let changed = self.users.set_standing(id, standing).await?;
                *has_new_roles = changed.as_ref().is_some_and(|changed| changed.roles.is_some());
                Ok(changed.is_some())
            };
            return known(self.ending_sessions(id, change).await?);
        }
        let user = self.find_by_id(id).await?;
        // Only to revoke first; what is changed the store says.
        if standing.changed_from(&user.roles, user.disabled).roles.is_some() {
            self.revocations.access(id).await?;
        }
        let promise = standing.roles.as_ref().map(|_| self.revocations.promise(Owed::Access(id)));
        let changed = self.users.set_standing(id, standing).await?;
        *has_new_roles = changed.as_ref().is_some_and(|changed| changed.roles.is_some());
        match promise {
            Some(promise) if *has_new_roles => {
                promise.keep(self.revocations.access(id)).await.map_err(AccountError::NotRevoked)?;
            }
            Some(promise) => promise.release(),
            None => {}
        }
        known(changed.is_some())
    }

    /// Removes a user and ends all their sessions.
    pub async fn delete(&self, id: UserId) -> Result<(), AccountError> {
        let deleted = async { known(self.ending_sessions(id, self.users.delete(id)).await?) };
        self.witness.note(Event::new(Action::UserDelete).user(id), deleted).await
    }

    /// Ends one session of a user. `false`: it was over already.
    pub async fn end_session(&self, id: UserId, session: SessionId) -> Result<bool, AccountError> {
        let ended = self.revocations.session(session).await?;
        if ended {
            self.witness.tell(Event::new(Action::SessionEnd).user(id).session(session));
        }
        Ok(ended)
    }

    /// Ends all sessions of a user; says how many.
    pub async fn end_sessions(&self, id: UserId) -> Result<u64, AccountError> {
        let ended = self.revocations.user(id).await?;
        self.witness.tell(Event::new(Action::SessionsEnd).user(id).detail(ended));
        Ok(ended)
    }
}

fn fit(roles: &BTreeSet<RoleName>) -> Result<(), AccountError> {
    if roles.len() <= MAX_ROLES { Ok(()) } else { Err(AccountError::TooManyRoles) }
}

fn known(found: bool) -> Result<(), AccountError> {
    if found { Ok(()) } else { Err(AccountError::Unknown) }
}

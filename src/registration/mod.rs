//! What is done to clients; the command line and the admin routes call this.

mod limits;
pub(crate) mod refusal;

pub use limits::Limits;

use crate::{
    audit::{Action, Event, Outcome, Told, Witness},
    client::{ClientId, GrantType, SecretHash},
    clock::UnixTime,
    jwt::{KeySet, KeySetError, MAX_LEEWAY},
    revocation::{Owed, Revocations},
    scope::Scope,
    store::{Authentication, Client, ClientStore, Insertion, KeptSecret, Lifetimes, StoreError},
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use thiserror::Error;

/// How often a change is tried while others change the same client.
const TRIES: usize = 8;

/// The clients of a store. Whatever takes something away from a client also reaches the access
/// tokens that it got: see [`Revocations`].
///
/// These may live in another store, so revocation comes first: if it fails, nothing is changed. It is
/// repeated after the change, for what the client got in between. If the second one fails the error is
/// [`ClientError::NotRevoked`], and it is [retried](Revocations::retry); so it is when the outcome of the
/// change is unknown.
#[derive(Clone)]
pub struct Clients {
    store: Arc<dyn ClientStore>,
    revocations: Arc<Revocations>,
    limits: Limits,
    witness: Witness,
}

/// A client to be registered.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Which client it is to be.
    pub id: ClientId,
    /// How it is to prove who it is.
    pub proof: Proof,
    /// What it may do.
    pub terms: Terms,
}

/// How a new client is to prove who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Not at all: a front end, which cannot keep a secret.
    Public,
    /// By a secret, which was made for it.
    Secret(SecretHash),
    /// By a signature (RFC 7523): a JWK Set with its public keys.
    Keys(String),
}

/// What becomes of a client's present secret when it gets another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It stays good for so long, in whole seconds.
    Overlap(Duration),
    /// It ends now, and so does any other, and so do all access tokens of the client: for one that
    /// somebody else may have.
    AtOnce,
    /// It ends now, since it never reached the client. One that it was to replace keeps its time.
    ReplaceNewest,
}

impl Rotation {
    /// After an overlap of so many seconds; none is [`AtOnce`](Self::AtOnce).
    pub fn after(seconds: u64) -> Self {
        if seconds == 0 { Self::AtOnce } else { Self::Overlap(Duration::from_secs(seconds)) }
    }
}

/// What a client may do, and what people call it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// What people call it.
    pub name: Option<String>,
    /// How it may get tokens.
    pub grants: BTreeSet<GrantType>,
    /// What its tokens may be used for at most.
    pub scope: Scope,
    /// How long what it gets is good for, where that is less than the server's own settings.
    pub lifetimes: Lifetimes,
    /// Whether it may ask about other clients' tokens.
    pub introspects: bool,
    /// Whether it is shut out: no token, no live access token.
    pub disabled: bool,
}

/// Why a client was not registered or changed.
#[derive(Debug, Error)]
pub enum ClientError {
    /// There is a client of that id, or of one that differs only by case.
    #[error("there is a client of that id already, or of one that differs only by upper and lower case")]
    IdTaken,
    /// There is no client of that id.
    #[error("there is no client of that id")]
    Unknown,
    /// A field has what it cannot have; the text names it.
    #[error("{0}")]
    Refused(&'static str),
    /// The keys cannot be used.
    #[error("jwks: {0}")]
    Keys(#[from] KeySetError),
    /// Two of its secrets are good.
    #[error(
        "two secrets are good already: wait until the older one has ended, replace the newest if it never \
         reached the client, or end both with an overlap of 0"
    )]
    TwoSecrets,
    /// The change was made. Access tokens from before could not be revoked yet.
    #[error("the change was made, but the access tokens from before it are not revoked yet")]
    NotRevoked(#[source] StoreError),
    /// Others kept changing it.
    #[error("the client was changed by somebody else meanwhile; try again")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Told for ClientError {
    fn told(&self) -> (Outcome, &'static str) {
        match self {
            Self::IdTaken => (Outcome::Refused, "id_taken"),
            Self::Unknown => (Outcome::Refused, "no_such_client"),
            Self::Refused(_) | Self::Keys(_) | Self::TwoSecrets => (Outcome::Refused, "not_allowed"),
            Self::NotRevoked(_) => (Outcome::Done, "not_revoked"),
            Self::Contended | Self::Store(_) => (Outcome::Failed, "temporarily_unavailable"),
        }
    }
}

impl Proof {
    /// What a client with this proof usually is for: people who log in, or itself.
    pub fn usual_grants(&self) -> BTreeSet<GrantType> {
        match self {
            Self::Public => [GrantType::Password, GrantType::RefreshToken].into(),
            Self::Secret(_) | Self::Keys(_) => [GrantType::ClientCredentials].into(),
        }
    }
}

impl Terms {
    /// Those of a client.
    pub fn of(client: &Client) -> Self {
        let Client { name, grants, scope, lifetimes, introspects, disabled, .. } = client.clone();
        Self { name, grants, scope, lifetimes, introspects, disabled }
    }
}

impl Clients {
    /// The clients of this store, whose changes this witness tells of.
    pub fn new(
        store: Arc<dyn ClientStore>,
        revocations: Arc<Revocations>,
        limits: Limits,
        witness: Witness,
    ) -> Self {
        Self { store, revocations, limits, witness }
    }

    /// Registers a client.
    pub async fn add(&self, registration: Registration, now: UnixTime) -> Result<Client, ClientError> {
        let event = Event::new(Action::ClientAdd).client(&registration.id);
        self.witness.note(event, self.register(registration, now)).await
    }

    async fn register(&self, registration: Registration, now: UnixTime) -> Result<Client, ClientError> {
        let Registration { id, proof, terms } = registration;
        if id.is_same_but_for_case(&ClientId::first_party()) {
            return Err(ClientError::Refused(refusal::BUILT_IN));
        }
        let authentication = match proof {
            Proof::Public => Authentication::None,
            Proof::Secret(hash) => {
                Authentication::Secrets(vec![KeptSecret { hash, created_at: now, ends_at: None }])
            }
            Proof::Keys(keys) => {
                KeySet::registered(&keys)?;
                Authentication::Keys(keys)
            }
        };
        let Terms { name, grants, scope, lifetimes, introspects, disabled } = terms;
        let mut client = Client {
            id,
            name,
            authentication,
            grants,
            scope,
            lifetimes,
            introspects,
            disabled,
            created_at: now,
            revision: Client::first_revision(now),
        };
        self.limits.check(&client, None)?;
        for _ in 0..TRIES {
            let beginning = self.beginning(&client.id, now).await?;
            (client.revision, client.created_at) = beginning;
            if self.store.insert(&client).await? == Insertion::NameTaken {
                return Err(ClientError::IdTaken);
            }
            // Whoever had the id may have been removed between the two.
            if self.beginning(&client.id, now).await? == beginning {
                return Ok(client);
            }
            if !self.store.delete(&client.id, client.revision).await? {
                break;
            }
        }
        Err(ClientError::Contended)
    }

    /// The first revision of a client that is registered now, and when it begins: behind all tokens and
    /// sessions of one that had its id until a moment ago. Since a session counts as its own that looks
    /// a leeway older, it begins that much later.
    async fn beginning(&self, id: &ClientId, now: UnixTime) -> Result<(u64, UnixTime), ClientError> {
        let first = Client::first_revision(now);
        let Some((first_good, last)) = self.revocations.last_of(id).await? else { return Ok((first, now)) };
        let behind = last.plus(MAX_LEEWAY + Duration::from_secs(1));
        Ok((first.max(first_good), now.max(behind)))
    }

    /// Up to `limit` clients whose ids come after `after`, in the order of their ids.
    pub async fn list(&self, after: Option<&ClientId>, limit: u32) -> Result<Vec<Client>, ClientError> {
        Ok(self.store.list(after, limit).await?)
    }

    /// The client of that id.
    pub async fn find(&self, id: &ClientId) -> Result<Client, ClientError> {
        self.store.by_id(id).await?.ok_or(ClientError::Unknown)
    }

    /// Changes what a client may do, in one step. If that is another thing than before, access tokens
    /// from before are revoked; sessions go on, by what is allowed now.
    pub async fn set_terms(
        &self,
        id: &ClientId,
        change: impl Fn(&mut Terms) + Send + Sync,
    ) -> Result<Client, ClientError> {
        let event = Event::new(Action::ClientChange).client(id);
        self.witness.note(event, self.replace_terms(id, change)).await
    }

    async fn replace_terms(
        &self,
        id: &ClientId,
        change: impl Fn(&mut Terms) + Send + Sync,
    ) -> Result<Client, ClientError> {
        let present = self.find(id).await?;
        let mut terms = Terms::of(&present);
        change(&mut terms);
        if terms == Terms::of(&present) {
            // It may have been changed by somebody who could not revoke what it got until then.
            self.revocations.client(id, present.revision).await?;
            return Ok(present);
        }
        let change = |client: &mut Client| {
            let mut terms = Terms::of(client);
            change(&mut terms);
            let before = client.clone();
            let Terms { name, grants, scope, lifetimes, introspects, disabled } = terms;
            *client = Client { name, grants, scope, lifetimes, introspects, disabled, ..before.clone() };
            self.limits.check(client, Some(&before))
        };
        self.take_away(id, change).await
    }

    /// Gives a client that signs other keys, a JWK Set of public ones; to change over without a
    /// break, one with the present and the next. Its access tokens stay good.
    pub async fn set_keys(&self, id: &ClientId, keys: &str) -> Result<Client, ClientError> {
        KeySet::registered(keys)?;
        let change = |client: &mut Client| match &mut client.authentication {
            Authentication::Keys(kept) => {
                keys.clone_into(kept);
                Ok(())
            }
            _ => Err(ClientError::Refused(refusal::SIGNS_NOT)),
        };
        self.witness.note(Event::new(Action::ClientSecret).client(id), self.change(id, change)).await
    }

    /// Gives a client another secret. While two are good there is no third, since nobody can tell
    /// which of them is in use.
    pub async fn rotate_secret(
        &self,
        id: &ClientId,
        secret: SecretHash,
        rotation: Rotation,
        now: UnixTime,
    ) -> Result<Client, ClientError> {
        let new = KeptSecret { hash: secret, created_at: now, ends_at: None };
        let change = |client: &mut Client| {
            let Authentication::Secrets(kept) = &mut client.authentication else {
                return Err(ClientError::Refused(refusal::NO_SECRET));
            };
            match rotation {
                Rotation::AtOnce => kept.clear(),
                Rotation::ReplaceNewest => kept.retain(|secret| secret.ends_at.is_some()),
                Rotation::Overlap(overlap) => {
                    kept.retain(|secret| secret.ends_at.is_none_or(|end| now < end));
                    let [present] = &mut kept[..] else { return Err(ClientError::TwoSecrets) };
                    present.ends_at = Some(now.plus(overlap));
                }
            }
            kept.push(new.clone());
            Ok(())
        };
        let rotated = async {
            match rotation {
                Rotation::AtOnce => self.take_away(id, change).await,
                Rotation::Overlap(_) | Rotation::ReplaceNewest => self.change(id, change).await,
            }
        };
        self.witness.note(Event::new(Action::ClientSecret).client(id), rotated).await
    }

    /// Shuts a client out, with all access tokens that it got, or lets it in again. Sessions that
    /// began through it rest meanwhile.
    pub async fn set_disabled(&self, id: &ClientId, disabled: bool) -> Result<Client, ClientError> {
        let event = Event::new(Action::ClientChange).client(id);
        self.witness.note(event, self.shut_out(id, disabled)).await
    }

    async fn shut_out(&self, id: &ClientId, disabled: bool) -> Result<Client, ClientError> {
        let change = |client: &mut Client| {
            client.disabled = disabled;
            Ok(())
        };
        if disabled { self.take_away(id, change).await } else { self.change(id, change).await }
    }

    /// Removes a client, with all access tokens that it got. Nobody can go on with its sessions,
    /// not even a client that gets the id later. Whatever fails meanwhile leaves it shut out.
    pub async fn delete(&self, id: &ClientId) -> Result<(), ClientError> {
        let deleted = async {
            for _ in 0..TRIES {
                // Shut out it gets nothing more, so all that there is to revoke is revoked before the id
                // is free: whoever takes it is never hit.
                let client = match self.shut_out(id, true).await {
                    // It is disabled and still there.
                    Err(ClientError::NotRevoked(error)) => return Err(error.into()),
                    disabled => disabled?,
                };
                if self.store.delete(id, client.revision).await? {
                    return Ok(());
                }
            }
            Err(ClientError::Contended)
        };
        self.witness.note(Event::new(Action::ClientDelete).client(id), deleted).await
    }

    /// Changes a client in one step, and revokes nothing.
    async fn change(
        &self,
        id: &ClientId,
        change: impl Fn(&mut Client) -> Result<(), ClientError> + Send + Sync,
    ) -> Result<Client, ClientError> {
        for _ in 0..TRIES {
            let mut client = self.find(id).await?;
            change(&mut client)?;
            if self.store.replace(&client).await? {
                client.revision += 1;
                return Ok(client);
            }
        }
        Err(ClientError::Contended)
    }

    /// Changes a client so that what it got before is good no more. That needs a new revision, so
    /// there is one before anything is changed: if its tokens cannot be revoked, that is all there
    /// was, and nobody is the worse for it.
    async fn take_away(
        &self,
        id: &ClientId,
        change: impl Fn(&mut Client) -> Result<(), ClientError> + Send + Sync,
    ) -> Result<Client, ClientError> {
        change(&mut self.find(id).await?)?;
        let client = self.change(id, |_| Ok(())).await?;
        self.revocations.client(id, client.revision).await?;
        let promise = self.revocations.promise(Owed::Client(id.clone()));
        match self.change(id, change).await {
            Ok(client) => {
                let revoked = promise.keep(self.revocations.client(id, client.revision)).await;
                revoked.map_err(ClientError::NotRevoked)?;
                Ok(client)
            }
            // Unknown, so the promise stands.
            Err(ClientError::Store(error)) => Err(error.into()),
            Err(refused) => {
                promise.release();
                Err(refused)
            }
        }
    }
}

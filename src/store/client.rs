//! The record of a client, and what a store of clients must do.

use super::{Insertion, StoreError};
use crate::{
    client::{ClientId, GrantType, SecretHash},
    clock::UnixTime,
    scope::Scope,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, time::Duration};

/// A client as the stores keep it. Written as a JSON document by those that keep texts.
///
/// A document says each of these things and no more, or it is not read: one that has lost the end of
/// a secret, or that a later version has limited in a way of its own, would be a client that may do
/// more than it should. So an `Option` is read by `Option::deserialize`, which wants it to be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Which client this is; no two share one.
    pub id: ClientId,
    /// What people call it.
    #[serde(deserialize_with = "Option::deserialize")]
    pub name: Option<String>,
    /// How it proves who it is.
    pub authentication: Authentication,
    /// How it may get tokens.
    pub grants: BTreeSet<GrantType>,
    /// What its tokens may be used for at most.
    pub scope: Scope,
    /// How long what it gets is good for, where that is less than the server's own settings.
    pub lifetimes: Lifetimes,
    /// Whether it may ask about other clients' tokens (RFC 7662).
    pub introspects: bool,
    /// Whether it is shut out: no token, no live access token.
    pub disabled: bool,
    /// When it was registered, or a minute after another lost its id if that is later: no session from
    /// before is its own.
    pub created_at: UnixTime,
    /// Grows with each change. It stands in the client's access tokens, so that those from before a
    /// change can be told. Kept beside the document.
    #[serde(skip)]
    pub revision: u64,
}

/// How a client proves who it is (RFC 6749 §2.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Authentication {
    /// A public client: it cannot keep a secret, so it has none.
    None,
    /// By one of these secrets (`client_secret_basic`, `client_secret_post`).
    Secrets(Vec<KeptSecret>),
    /// By a signature of one of the keys of this JWK Set, all of them public (`private_key_jwt`).
    Keys(String),
}

/// A secret that a client may present.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptSecret {
    /// What it is known by.
    pub hash: SecretHash,
    /// When it was made.
    pub created_at: UnixTime,
    /// From this second on it is refused; `None`: it is the client's newest.
    #[serde(deserialize_with = "Option::deserialize")]
    pub ends_at: Option<UnixTime>,
}

/// Lifetimes in whole seconds; `None` is the server's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lifetimes {
    /// Of an access token.
    #[serde(with = "seconds")]
    pub access: Option<Duration>,
    /// Of a session that is not used.
    #[serde(with = "seconds")]
    pub idle: Option<Duration>,
    /// Of a session, however much it is used.
    #[serde(with = "seconds")]
    pub absolute: Option<Duration>,
}

mod seconds {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::time::Duration;

    pub fn serialize<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(|time| time.as_secs()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(Duration::from_secs))
    }
}

impl Client {
    /// Whether it proves who it is, rather than only saying so (RFC 6749 §2.1).
    pub fn is_confidential(&self) -> bool {
        self.authentication != Authentication::None
    }

    /// What may be shown of it: everything but what its secrets are known by.
    pub fn shown(&self) -> serde_json::Value {
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
        let (proof, secrets, jwks) = match &self.authentication {
            Authentication::None => ("none", vec![], None),
            Authentication::Secrets(kept) => {
                ("client_secret", kept.iter().map(KeptSecret::shown).collect(), None)
            }
            Authentication::Keys(keys) => ("private_key_jwt", vec![], serde_json::from_str(keys).ok()),
        };
        let mut shown = serde_json::json!({
            "id": self.id,
            "name": self.name,
            "authentication": proof,
            "grants": self.grants,
            "scope": self.scope,
            "access_ttl": seconds(self.lifetimes.access),
            "idle": seconds(self.lifetimes.idle),
            "absolute": seconds(self.lifetimes.absolute),
            "introspects": self.introspects,
            "disabled": self.disabled,
            "created_at": self.created_at,
        });
        if !secrets.is_empty() {
            shown["secrets"] = secrets.into();
        }
        if let Some(jwks) = jwks {
            shown["jwks"] = jwks;
        }
        shown
    }

    /// The first revision of a client that is registered at `now`: greater than those of a client
    /// that had the id long before.
    pub fn first_revision(now: UnixTime) -> u64 {
        now.0.saturating_mul(1_000)
    }
}

impl KeptSecret {
    fn shown(&self) -> serde_json::Value {
        serde_json::json!({ "created_at": self.created_at, "ends_at": self.ends_at })
    }
}

/// How many assertions a database forgets for each that is spent, so that nobody waits long.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(super) const FORGOTTEN: i64 = 100;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
impl Client {
    /// The document that a store keeps.
    pub(super) fn as_stored(&self) -> Result<String, StoreError> {
        serde_json::to_string(self).map_err(StoreError::corrupt("client"))
    }

    /// The client of a document that a store kept under this id, at this revision.
    pub(super) fn from_stored(id: &str, document: &str, revision: u64) -> Result<Self, StoreError> {
        // Whoever has to mend it has to know whose it is.
        let what = || format!("record of client {id}");
        let client: Self = serde_json::from_str(document).map_err(StoreError::corrupt(what()))?;
        if client.id.as_str() != id {
            return Err(StoreError::Corrupt { what: what().into(), source: "it is another client's".into() });
        }
        Ok(Self { revision, ..client })
    }
}

/// Keeps clients, and which of their assertions were used.
///
/// Each method is one atomic step across all processes. Three promises are critical to security:
/// insertion under one id, and under ids that differ only by case, is won by exactly one caller, [`replace`](Self::replace) and
/// [`delete`](Self::delete) touch nothing that has changed meanwhile, and of any number of calls of
/// [`spend`](Self::spend) for one assertion exactly one answers `true`.
#[async_trait]
pub trait ClientStore: Send + Sync + 'static {
    /// Adds a client, unless its id is taken, in the same or in other case (ASCII). Never replaces any.
    async fn insert(&self, client: &Client) -> Result<Insertion, StoreError>;

    /// The client with this id.
    async fn by_id(&self, id: &ClientId) -> Result<Option<Client>, StoreError>;

    /// Up to `limit` clients whose ids come after `after`, by the bytes of their ids.
    async fn list(&self, after: Option<&ClientId>, limit: u32) -> Result<Vec<Client>, StoreError>;

    /// Puts this record in the place of the one of the same id and revision, under a revision that is
    /// greater by one. `false`: it was removed or has changed meanwhile, and nothing was done.
    async fn replace(&self, client: &Client) -> Result<bool, StoreError>;

    /// Removes the client of this id and revision. `false`: it was removed or has changed meanwhile,
    /// and nothing was done.
    async fn delete(&self, id: &ClientId, revision: u64) -> Result<bool, StoreError>;

    /// Notes that an assertion was used (RFC 7523 §3, `jti`), to be remembered until the second
    /// `until`. `false`: it had been used before, and nothing was done.
    ///
    /// In that second and from then on it may be forgotten or not, and if it is, it can be spent
    /// again. `now` is the caller's clock and says what may go. So `until` has to be later than any
    /// time at which anybody, by a clock that is behind, might still accept the assertion.
    async fn spend(
        &self,
        assertion: &AssertionId,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<bool, StoreError>;
}

/// Identifies an assertion and whose it is, by a digest of both.
pub type AssertionId = [u8; 32];

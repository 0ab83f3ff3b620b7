//! What can happen, and how it is told.

use super::Pseudonyms;
use crate::{client::ClientId, clock::UnixTime, session::SessionId, user::UserId};
use serde::Serialize;
use std::net::IpAddr;

/// The reason of what was refused unseen.
pub const TOO_MANY: &str = "too_many_requests";

/// The reason of a revocation that revoked nothing, since the token was no good already.
pub const NOTHING_TO_END: &str = "nothing_to_end";

/// What was done, or tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A login with a password.
    Login,
    /// A refresh.
    Refresh,
    /// A refresh with a token that had been used: somebody has a copy, and the session has ended.
    Reuse,
    /// A token for a service itself.
    ServiceToken,
    /// A client tried to prove who it is, and did not.
    ClientAuthentication,
    /// A token was ended (RFC 7009).
    Revocation,
    /// A session was ended, by its owner or an administrator.
    SessionEnd,
    /// All sessions of a user, or all but one, were ended.
    SessionsEnd,
    /// An account was made.
    UserAdd,
    /// Accounts of other software were taken over; `detail` says how many.
    UserImport,
    /// An account was given another password.
    UserPassword,
    /// An account was given other roles.
    UserRoles,
    /// An account was shut out.
    UserDisable,
    /// It was let in again.
    UserEnable,
    /// Its failed logins were forgotten.
    UserUnlock,
    /// It was removed.
    UserDelete,
    /// A client was registered.
    ClientAdd,
    /// What a client may do was changed.
    ClientChange,
    /// A client was given another secret, or other keys.
    ClientSecret,
    /// A client was removed.
    ClientDelete,
    /// The first key was made.
    KeyGenerate,
    /// A key was given a successor.
    KeyRotate,
    /// A key was revoked.
    KeyRevoke,
}

/// Who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Actor {
    /// The user, client or stranger whom it is about.
    #[default]
    Themselves,
    /// Another user, an administrator.
    User(UserId),
    /// A service with the scope [`countersign:admin`](crate::scope::ADMIN).
    Client(ClientId),
    /// Whoever ran the command line.
    CommandLine,
    /// The server by itself.
    Server,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    #[default]
    Done,
    /// It was not allowed.
    Refused,
    /// It could not be done, or nobody knows whether it was: a store failed.
    Failed,
}

/// Something that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What was done, or tried.
    pub action: Action,
    /// What came of it.
    pub outcome: Outcome,
    /// Why, as a word: constant, and never what somebody sent.
    pub reason: Option<&'static str>,
    /// Who did it.
    pub by: Actor,
    /// Whom it is about.
    pub user: Option<UserId>,
    /// The name that was tried, if nobody has it.
    pub name: Option<String>,
    /// Which session it is about.
    pub session: Option<SessionId>,
    /// Through which client, or about which.
    pub client: Option<String>,
    /// From where.
    pub address: Option<IpAddr>,
    /// What else there is to say: a key's name, a number; nothing personal.
    pub detail: Option<String>,
}

impl Event {
    /// That this was done, by whom it is about.
    pub fn new(action: Action) -> Self {
        Self {
            action,
            outcome: Outcome::default(),
            reason: None,
            by: Actor::default(),
            user: None,
            name: None,
            session: None,
            client: None,
            address: None,
            detail: None,
        }
    }

    /// By whom.
    pub fn by(self, by: Actor) -> Self {
        Self { by, ..self }
    }

    /// About this user.
    pub fn user(self, id: UserId) -> Self {
        Self { user: Some(id), ..self }
    }

    /// About this session.
    pub fn session(self, id: SessionId) -> Self {
        Self { session: Some(id), ..self }
    }

    /// About this client, or through it.
    pub fn client(self, id: impl ToString) -> Self {
        Self { client: Some(id.to_string()), ..self }
    }

    /// With this to say besides.
    pub fn detail(self, detail: impl ToString) -> Self {
        Self { detail: Some(detail.to_string()), ..self }
    }

    /// Whether anybody can make it happen as often as they like: it is about nobody, was refused unseen
    /// since there had been too many, had nothing to do, or failed.
    pub fn is_cheap(&self) -> bool {
        let is_about_nobody = self.user.is_none() && self.name.is_none() && self.session.is_none();
        match self.outcome {
            Outcome::Done => self.reason == Some(NOTHING_TO_END),
            Outcome::Refused => is_about_nobody || self.reason == Some(TOO_MANY),
            Outcome::Failed => true,
        }
    }

    /// The line of the trail, which is for so many like it.
    pub(super) fn line(&self, pseudonyms: &Pseudonyms, at: UnixTime, times: u64) -> Line<'_> {
        Line {
            at,
            times: (times > 1).then_some(times),
            event: self.action,
            outcome: self.outcome,
            reason: self.reason,
            by: match &self.by {
                Actor::Themselves => None,
                Actor::User(id) => Some(pseudonyms.user(id)),
                // No pseudonym, and no other actor's name, has a colon in it.
                Actor::Client(id) => Some(format!("client:{id}")),
                Actor::CommandLine => Some("command_line".into()),
                Actor::Server => Some("server".into()),
            },
            user: self.user.map(|id| pseudonyms.user(id)),
            name: self.name.as_ref().map(|name| pseudonyms.name(name)),
            session: self.session.map(|id| pseudonyms.session(id)),
            client: self.client.as_deref(),
            address: self.address.map(|address| pseudonyms.address(address.to_canonical())),
            detail: self.detail.as_deref(),
        }
    }
}

/// An event as it is told.
#[derive(Serialize)]
pub(super) struct Line<'e> {
    at: UnixTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    event: Action,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'e str>,
}

impl Line<'_> {
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn log(&self) {
        tracing::info!(target: "countersign::audit", "{}", self.json());
    }
}

//! What access tokens are refused although they have not expired.

use crate::{
    client::ClientId,
    clock::UnixTime,
    jwt::Claims,
    session::SessionId,
    store::{Revocation, RevokedSubject},
    token::TokenId,
    user::UserId,
};
use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

/// The sessions, users, tokens and clients that were revoked within the life of an access token.
///
/// An entry is dropped when the last token that it concerns has expired, and not before.
#[derive(Debug, Default)]
pub struct DenyList(RwLock<Denied>);

#[derive(Debug, Default)]
struct Denied {
    /// Until when to remember.
    sessions: HashMap<SessionId, UnixTime>,
    /// The first revision that is good, and until when to remember.
    users: HashMap<UserId, (u64, UnixTime)>,
    /// Until when to remember.
    tokens: HashMap<TokenId, UnixTime>,
    /// The client's first revision that is good, and until when to remember.
    clients: HashMap<ClientId, (u64, UnixTime)>,
    /// Tokens of a lesser revision are from before the store lost what it remembered.
    epoch: u64,
}

impl DenyList {
    /// Whether a token with these claims was revoked.
    pub fn denies(&self, claims: &Claims) -> bool {
        let denied = self.read();
        denied.session(claims)
            || claims.revision() < denied.first_good(claims.user())
            || denied.token(claims)
            || denied.client_of(claims)
    }

    /// Whether this session, or its user beyond this revision, was revoked: if a store says that
    /// they were not, it has forgotten.
    pub fn contradicts(&self, session: SessionId, user: UserId, revision: u64) -> bool {
        let denied = self.read();
        denied.sessions.contains_key(&session) || revision < denied.first_good(Some(user))
    }

    /// The least revision of this client whose tokens are taken, and until when that is remembered.
    pub fn client(&self, id: &ClientId) -> Option<(u64, UnixTime)> {
        self.read().clients.get(id).copied()
    }

    /// Takes a line of the list, to be remembered for `keep` after the revocation.
    pub fn note(&self, line: &Revocation, keep: Duration) {
        let until = line.at.plus(keep);
        let mut denied = self.write();
        match &line.subject {
            RevokedSubject::Session(id) => remember(denied.sessions.entry(*id), until),
            RevokedSubject::Token(id) => remember(denied.tokens.entry(*id), until),
            RevokedSubject::User(id, revision) => raise(denied.users.entry(*id), *revision, until),
            RevokedSubject::Client(id, revision) => raise(denied.clients.entry(id.clone()), *revision, until),
        }
    }

    /// From now on tokens of a lesser revision than this are refused, whosever they are.
    pub fn begin_epoch(&self, epoch: u64) {
        let mut denied = self.write();
        denied.epoch = epoch.max(denied.epoch);
    }

    /// The sessions and users on it, for a store that has forgotten them. Tokens and clients need not
    /// be told: whatever was issued before a store forgot is refused by its revision.
    pub fn entries(&self) -> (Vec<SessionId>, Vec<UserId>) {
        let denied = self.read();
        (denied.sessions.keys().copied().collect(), denied.users.keys().copied().collect())
    }

    /// Drops what no longer matters at `now`.
    pub fn forget(&self, now: UnixTime) {
        let mut denied = self.write();
        denied.sessions.retain(|_, until| now < *until);
        denied.users.retain(|_, (_, until)| now < *until);
        denied.tokens.retain(|_, until| now < *until);
        denied.clients.retain(|_, (_, until)| now < *until);
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        let denied = self.read();
        denied.sessions.len() + denied.users.len() + denied.tokens.len() + denied.clients.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn read(&self) -> RwLockReadGuard<'_, Denied> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Denied> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Denied {
    fn first_good(&self, user: Option<UserId>) -> u64 {
        let of_user = user.and_then(|user| self.users.get(&user)).map_or(0, |(first_good, _)| *first_good);
        of_user.max(self.epoch)
    }

    fn session(&self, claims: &Claims) -> bool {
        claims.session().is_some_and(|id| self.sessions.contains_key(&id))
    }

    fn token(&self, claims: &Claims) -> bool {
        claims.token().is_some_and(|id| self.tokens.contains_key(&id))
    }

    fn client_of(&self, claims: &Claims) -> bool {
        let revoked = if self.clients.is_empty() { None } else { self.clients.get(claims.client_id()) };
        revoked.is_some_and(|(first_good, _)| claims.client_revision() < *first_good)
    }
}

fn remember<K: Eq + Hash>(entry: Entry<'_, K, UnixTime>, until: UnixTime) {
    let remembered = entry.or_insert(until);
    *remembered = until.max(*remembered);
}

fn raise<K: Eq + Hash>(entry: Entry<'_, K, (u64, UnixTime)>, revision: u64, until: UnixTime) {
    let (first_good, remembered) = entry.or_insert((revision, until));
    *first_good = revision.max(*first_good);
    *remembered = until.max(*remembered);
}

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
/// An entry is dropped when the last token that it concerns has expired, and not before. Both clocks
/// have to say so: a time of day that jumps ahead and back makes no revoked token good again.
#[derive(Debug, Default)]
pub struct DenyList(RwLock<Denied>);

/// Until when an entry is kept.
#[derive(Clone, Copy, Debug)]
struct Until {
    time: UnixTime,
    /// By [`Clock::monotonic`](crate::clock::Clock::monotonic).
    monotonic: Duration,
}

#[derive(Debug, Default)]
struct Denied {
    sessions: HashMap<SessionId, Until>,
    /// The first revision that is good.
    users: HashMap<UserId, (u64, Until)>,
    tokens: HashMap<TokenId, Until>,
    /// Sessions whose access tokens issued until a second are refused.
    session_tokens: HashMap<SessionId, (u64, Until)>,
    /// The client's first revision that is good.
    clients: HashMap<ClientId, (u64, Until)>,
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
        self.read().clients.get(id).map(|(first_good, until)| (*first_good, until.time))
    }

    /// Takes a line of the list, to be kept for `keep` after the revocation, and for as long from
    /// now on by [`Clock::monotonic`](crate::clock::Clock::monotonic), which is at `monotonic`.
    pub fn note(&self, line: &Revocation, keep: Duration, monotonic: Duration) {
        let until = Until { time: line.at.plus(keep), monotonic: monotonic.saturating_add(keep) };
        let mut denied = self.write();
        match &line.subject {
            RevokedSubject::Session(id) => remember(denied.sessions.entry(*id), until),
            RevokedSubject::Token(id) => remember(denied.tokens.entry(*id), until),
            RevokedSubject::SessionTokens(id, issued_until) => {
                raise(denied.session_tokens.entry(*id), issued_until.0, until);
            }
            RevokedSubject::User(id, revision) => raise(denied.users.entry(*id), *revision, until),
            RevokedSubject::Client(id, revision) => raise(denied.clients.entry(id.clone()), *revision, until),
        }
    }

    /// From now on tokens of a lesser revision than this are refused, whosever they are.
    pub fn begin_epoch(&self, epoch: u64) {
        let mut denied = self.write();
        denied.epoch = epoch.max(denied.epoch);
    }

    /// Drops what no longer matters by both times: the time of day, and
    /// [`Clock::monotonic`](crate::clock::Clock::monotonic).
    pub fn forget(&self, now: UnixTime, monotonic: Duration) {
        let is_kept = |until: &Until| now < until.time || monotonic < until.monotonic;
        let mut denied = self.write();
        denied.sessions.retain(|_, until| is_kept(until));
        denied.users.retain(|_, (_, until)| is_kept(until));
        denied.tokens.retain(|_, until| is_kept(until));
        denied.session_tokens.retain(|_, (_, until)| is_kept(until));
        denied.clients.retain(|_, (_, until)| is_kept(until));
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        let denied = self.read();
        denied.sessions.len()
            + denied.users.len()
            + denied.tokens.len()
            + denied.session_tokens.len()
            + denied.clients.len()
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
        claims.session().is_some_and(|id| {
            let issued_until = self.session_tokens.get(&id).map(|(issued_until, _)| *issued_until);
            self.sessions.contains_key(&id) || issued_until.is_some_and(|until| claims.issued_at().0 <= until)
        })
    }

    fn token(&self, claims: &Claims) -> bool {
        claims.token().is_some_and(|id| self.tokens.contains_key(&id))
    }

    fn client_of(&self, claims: &Claims) -> bool {
        let revoked = if self.clients.is_empty() { None } else { self.clients.get(claims.client_id()) };
        revoked.is_some_and(|(first_good, _)| claims.client_revision() < *first_good)
    }
}

impl Until {
    fn later(self, other: Self) -> Self {
        Self { time: self.time.max(other.time), monotonic: self.monotonic.max(other.monotonic) }
    }
}

fn remember<K: Eq + Hash>(entry: Entry<'_, K, Until>, until: Until) {
    let kept = entry.or_insert(until);
    *kept = kept.later(until);
}

fn raise<K: Eq + Hash>(entry: Entry<'_, K, (u64, Until)>, revision: u64, until: Until) {
    let (first_good, kept) = entry.or_insert((revision, until));
    *first_good = revision.max(*first_good);
    *kept = kept.later(until);
}

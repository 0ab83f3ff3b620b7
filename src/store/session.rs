//! The record of a session, and what a store of sessions must do.

use super::{Connections, Finding, StoreError};
use crate::{
    client::ClientId, clock::UnixTime, refresh_token::Salt, scope::Scope, session::SessionId, token::TokenId,
    user::UserId,
};
use async_trait::async_trait;
use std::{net::IpAddr, ops::Range, time::Duration};

/// One login and all that was refreshed from it (a token family), in one record whose size does
/// not depend on how often it was refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Which session this is.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// Which client logged in; no other may refresh it.
    pub client_id: String,
    /// What was granted; a refresh never gets more.
    pub scope: Scope,
    /// How its refresh token travels, from the first to the last.
    pub transport: Transport,
    /// When the login was.
    pub created_at: UnixTime,
    /// When it was last refreshed.
    pub last_used_at: UnixTime,
    /// From this second on it is over, however much it is used.
    pub expires_at: UnixTime,
    /// From this many seconds after `last_used_at` on it is over too.
    pub idle: Duration,
    /// Which refresh token is the current one; the first is 0.
    pub generation: u64,
    /// Goes into the seal of its refresh tokens.
    pub salt: Salt,
    /// What lets a person recognise it.
    pub device: Device,
}

impl Session {
    /// A scope as a store kept it: as its `Display` writes it, so nothing is the empty one.
    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
    pub(super) fn stored_scope(text: &str) -> Result<Scope, StoreError> {
        Scope::from_display(text).map_err(StoreError::corrupt("scope"))
    }

    /// From this second on it is over, if it is not used before.
    pub fn ends_at(&self) -> UnixTime {
        self.expires_at.min(self.last_used_at.plus(self.idle))
    }

    /// Whether it is over at `now` by its times alone.
    pub fn is_expired(&self, now: UnixTime) -> bool {
        now >= self.ends_at()
    }

    /// Whether a token of `generation` is the current one's parent and was replaced less than
    /// `grace` ago. Only the immediate parent: a grandparent is a copy, however young. Without grace
    /// never, not even by a clock that is behind the one of whoever replaced it.
    pub fn is_parent_in_grace(&self, generation: u64, now: UnixTime, grace: Duration) -> bool {
        let is_parent = generation.checked_add(1) == Some(self.generation);
        is_parent && grace.as_secs() > 0 && now < self.last_used_at.plus(grace)
    }
}

/// How a refresh token travels. What came one way is never answered the other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// In the cookie, to a browser.
    Cookie,
    /// In the body, to a client that asked for `offline_access`.
    Body,
}

/// What a person needs to recognise a device by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The `User-Agent` of the login.
    pub user_agent: Option<String>,
    /// The address that the login came from.
    pub address: Option<IpAddr>,
    /// What the client calls itself (`device_name`).
    pub name: Option<String>,
}

/// What became of a new session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// It is there.
    Created,
    /// The user's tokens have been revoked since the login looked; nothing was created.
    Overtaken,
}

/// What became of a presented refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// It was the current one; the next, of this generation, is current now.
    Advanced(u64),
    /// It was the current one's parent, a moment ago: its successor, of this generation, stays
    /// the current one.
    Repeated(u64),
    /// It was an older one: somebody has a copy. The session is revoked, in the same step.
    Reused,
    /// There is no such session, or it is over.
    Gone,
}

/// A line of the revocation list, in the order in which things were revoked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Revocation {
    /// Its place: greater than those of all lines before it.
    pub position: u64,
    /// When it was, as whoever revoked it said.
    pub at: UnixTime,
    /// When it was by the store's own clock, in milliseconds since 1970.
    pub written_at: u64,
    /// What was revoked.
    pub subject: RevokedSubject,
}

/// Lines of the revocation list, read at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationList {
    /// Which memory of the store this is: see [`SessionStore::begin_epoch`]. 0: it has none.
    pub epoch: u64,
    /// When it was read, by the store's own clock, in milliseconds since 1970.
    pub read_at: u64,
    /// The lines, in order.
    pub lines: Vec<Revocation>,
}

/// Tells when the revocation list may have grown, so that nobody has to ask again and again.
#[async_trait]
pub trait RevocationFeed: Send {
    /// Waits until the list may have grown since the last call. It may have without a word, so
    /// whoever listens reads the list now and then all the same. After an error the feed is of
    /// no more use, and a new one may be asked for.
    async fn changed(&mut self) -> Result<(), StoreError>;
}

/// How many access tokens of one session are revoked by an entry each. From then on an entry is about the
/// session ([`RevokedSubject::SessionTokens`]), so that nobody fills every server's deny list with tokens of
/// one login.
pub const TOKENS_BY_THEMSELVES: u32 = 10;

/// What a line of the revocation list revokes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RevokedSubject {
    /// All access tokens of a session.
    Session(SessionId),
    /// All access tokens of a user that were issued under an earlier revision than this.
    User(UserId, u64),
    /// This one access token.
    Token(TokenId),
    /// All access tokens of a session that were issued at this second or before (`iat`).
    SessionTokens(SessionId, UnixTime),
    /// All access tokens that a client got, for whomever, under an earlier revision of its own than
    /// this.
    Client(ClientId, u64),
}

/// Keeps sessions and the list of what was revoked.
///
/// Each method but [`count`](Self::count) and [`purge`](Self::purge) is one atomic step across all processes, and
/// what it answered is durable as far as the store is. Two promises are critical to security: [`advance`](Self::advance) answers
/// `Advanced` at most once for each generation, and after a revoking method has answered, no
/// session that it revoked advances again and its line is on the list. An error leaves the
/// outcome unknown; it is never to be taken for success.
///
/// Personal data ends with its session: what is known of the device (user agent, address, name) is removed in the
/// step that revokes the session, and with an expired session by the next [`purge`](Self::purge).
///
/// A user's *revision* starts at the store's epoch and grows each time all their tokens are
/// revoked. A login reads it before it reads the user's record and hands it to
/// [`create`](Self::create), so that a login that races a revocation loses. It also stands in
/// access tokens, so those from before the present epoch are known by their revision.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// The user's revision; the epoch for users never heard of.
    async fn revision(&self, user: UserId) -> Result<u64, StoreError>;

    /// Adds a session if its user's revision is still `revision`. If the user then has more
    /// than `cap` live sessions, those used longest ago are revoked.
    async fn create(&self, session: &Session, revision: u64, cap: u32) -> Result<Creation, StoreError>;

    /// The session, if it is live at `now`, and its user's revision.
    async fn find(&self, id: SessionId, now: UnixTime) -> Result<Option<(Session, u64)>, StoreError>;

    /// Takes the token of `generation` for its successor. See [`Advance`]; `grace`, in whole
    /// seconds since the last advance, is how long a parent is answered with its successor.
    async fn advance(
        &self,
        id: SessionId,
        generation: u64,
        now: UnixTime,
        grace: Duration,
    ) -> Result<Advance, StoreError>;

    /// The user's live sessions, the last used first.
    async fn sessions_of(&self, user: UserId, now: UnixTime) -> Result<Vec<Session>, StoreError>;

    /// How many sessions are live at `now` and were last used at or after `used.start` and before
    /// `used.end`; `UnixTime(u64::MAX)` is the end of all times.
    ///
    /// Not always one step: a store that counts page by page may count or leave out what is
    /// created, revoked, removed, or used out of `used` or into it, meanwhile. Any other session
    /// counts exactly once, even if it is used again while its turn comes.
    async fn count(&self, used: Range<UnixTime>, now: UnixTime) -> Result<u64, StoreError>;

    /// Revokes a session. `false`: it was not there, or revoked already.
    async fn revoke(&self, id: SessionId, now: UnixTime) -> Result<bool, StoreError>;

    /// Revokes all of a user's sessions but this one; says how many.
    async fn revoke_others(&self, user: UserId, keep: SessionId, now: UnixTime) -> Result<u64, StoreError>;

    /// Revokes all of a user's sessions and all their access tokens, and raises the revision;
    /// says how many sessions.
    async fn revoke_user(&self, user: UserId, now: UnixTime) -> Result<u64, StoreError>;

    /// Revokes all of a user's access tokens and raises the revision; the sessions stay, so
    /// that a refresh gets a token that tells what is true now.
    async fn revoke_access(&self, user: UserId, now: UnixTime) -> Result<(), StoreError>;

    /// Revokes one access token of no session, which this store knows nothing else of.
    async fn revoke_token(&self, id: TokenId, now: UnixTime) -> Result<(), StoreError>;

    /// Revokes one access token of a session, which was issued at `issued_at`.
    ///
    /// The first [`TOKENS_BY_THEMSELVES`] of a session have an entry each. From then on the entry revokes
    /// the session's access tokens that were issued at `issued_at` or before; later ones, and the session, stay.
    /// A store that does not know the session adds an entry for the token. The count and the entry are one
    /// atomic step.
    async fn revoke_token_of(
        &self,
        session: SessionId,
        id: TokenId,
        issued_at: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreError>;

    /// Revokes all access tokens that a client got, for whomever, before it had this revision. The
    /// sessions that began through it stay: whether it may go on with them its record says.
    async fn revoke_client(&self, id: &ClientId, revision: u64, now: UnixTime) -> Result<(), StoreError>;

    /// Up to `limit` lines of the revocation list at and behind `from`, in order. Positions
    /// begin at 1.
    async fn revocations(&self, from: u64, limit: u32) -> Result<RevocationList, StoreError>;

    /// Begins a new epoch, unless the present one is greater than `than`; says which it is now.
    ///
    /// For a store that holds nothing yet (`than` 0), and for one that somebody caught having
    /// lost what it held, with the greatest epoch or revision that they remember. The new epoch
    /// is greater than `than`, and no less than the milliseconds since 1970 on the store's own
    /// clock, so that nobody needs to remember it. A store without an epoch answers every other
    /// method that has to do with revisions with an error.
    async fn begin_epoch(&self, than: u64) -> Result<u64, StoreError>;

    /// Does the same; if it begins an epoch, all sessions that were created in earlier ones end in
    /// that step.
    ///
    /// Once it has answered, none of them advances or is found. They get no lines on the list, since
    /// their access tokens are of an earlier epoch too, and may stay in the store until their time is
    /// over.
    async fn begin_epoch_without_sessions(&self, than: u64) -> Result<u64, StoreError>;

    /// Listens for revocations, by whomever.
    async fn feed(&self) -> Result<Box<dyn RevocationFeed>, StoreError>;

    /// Removes up to `limit` sessions that ended by `now` or were revoked before `before`; returns how
    /// many. Fewer than `limit` means that none is left.
    ///
    /// Not one atomic step: it works in pages, each a short transaction with the store's deadline, finds
    /// them by an index, and waits for no session that another transaction holds. Each removal is atomic:
    /// a session that is used meanwhile stays.
    async fn purge(&self, now: UnixTime, before: UnixTime, limit: u32) -> Result<u64, StoreError>;

    /// Removes up to `limit` entries of the revocation list that are older than `before`; returns how
    /// many. The last entry stays, however old: by it a listener knows that the list is still the same.
    /// Independent of [`purge`](Self::purge), so that a failure of one does not stop the other.
    async fn trim(&self, before: UnixTime, limit: u32) -> Result<u64, StoreError>;

    /// Whether the store answers, and takes what it has to remember. Anyone may cause it once a second, so it
    /// is cheap, keeps nothing and wakes no [`feed`](Self::feed).
    async fn probe(&self) -> Result<(), StoreError> {
        self.revocations(1, 0).await.map(drop)
    }

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

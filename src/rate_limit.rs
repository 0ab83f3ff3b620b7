//! How often one session and one client may get tokens and revoke them.
//!
//! Each of these leaves something behind: a count in a session's record, an entry in the revocation list and in
//! every server's deny list, a line of the audit log. The limits bound how much one login or one service can
//! add. They count with the attempts to log in, so all servers count together.
//!
//! A client counts only once it has proven who it is: anyone may name a public client, and one person could
//! use up the limit of all others.

use crate::{
    allowance::Allowance,
    client::ClientId,
    clock::UnixTime,
    config::RateSettings,
    session::SessionId,
    store::{Attempt, AttemptKey, AttemptStore, Count, Session, StoreError},
};
use aws_lc_rs::digest;
use std::{fmt, sync::Arc, time::Duration};
use thiserror::Error;

/// Counts requests. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct RateLimit {
    store: Arc<dyn AttemptStore>,
    settings: RateSettings,
}

/// Why a request was refused.
#[derive(Debug, Error)]
pub enum RateError {
    /// There have been too many; nothing was done.
    #[error(transparent)]
    Limited(#[from] RateLimited),
    /// The store did not answer; what cannot be counted is refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// There have been too many requests.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("too many requests ({limit})")]
pub struct RateLimited {
    /// Of what: `session` or `client`.
    pub limit: &'static str,
    /// How many there may be.
    pub allowance: Allowance,
    /// How long to wait, in whole seconds; at least one.
    pub wait: Duration,
}

impl RateLimit {
    /// Counts in this store.
    pub fn new(store: Arc<dyn AttemptStore>, settings: RateSettings) -> Self {
        Self { store, settings }
    }

    /// Counts a refresh of a session, unless it comes no sooner after the last one than the limit lets one
    /// pass in the long run. So the usual refresh costs no write, and a session refreshes at most twice as
    /// often as its allowance says.
    ///
    /// # Errors
    /// When there have been too many, or the store does not answer.
    pub async fn refresh(&self, session: &Session, now: UnixTime) -> Result<(), RateError> {
        let is_slow = now >= session.last_used_at.plus(self.settings.session.longest);
        if is_slow { Ok(()) } else { self.session(session.id).await }
    }

    /// Counts the revocation of an access token of a session.
    ///
    /// # Errors
    /// When there have been too many, or the store does not answer.
    pub async fn session(&self, id: SessionId) -> Result<(), RateError> {
        self.count("session", id.as_bytes(), self.settings.session).await
    }

    /// Counts a token, a revocation or an assertion of a client that has proven who it is.
    ///
    /// # Errors
    /// When there have been too many, or the store does not answer.
    pub async fn client(&self, id: &ClientId) -> Result<(), RateError> {
        self.count("client", id.as_str().as_bytes(), self.settings.client).await
    }

    async fn count(&self, limit: &'static str, id: &[u8], allowance: Allowance) -> Result<(), RateError> {
        if !self.settings.limited {
            return Ok(());
        }
        let count = Count { key: key(limit, id), allowance };
        match self.store.attempt(&[count]).await? {
            Attempt::Counted => Ok(()),
            Attempt::Refused { wait, .. } => {
                let wait = Duration::from_secs(wait.as_millis().div_ceil(1_000).max(1) as u64);
                Err(RateLimited { limit, allowance, wait }.into())
            }
        }
    }
}

/// A digest, so that the store has one kind of key. Ids of sessions and clients are no secrets.
fn key(limit: &str, id: &[u8]) -> AttemptKey {
    let mut digest = digest::Context::new(&digest::SHA256);
    for part in [b"countersign: requests of a ", limit.as_bytes(), b"\0", id] {
        digest.update(part);
    }
    let mut key = AttemptKey::default();
    key.copy_from_slice(digest.finish().as_ref());
    key
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit").field("settings", &self.settings).finish_non_exhaustive()
    }
}

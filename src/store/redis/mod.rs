//! Sessions, the revocation list and attempts in Redis, for several instances of a server.
//!
//! One Lua script for each atomic operation (the `.lua` files here, each behind `lib.lua`), and
//! all keys under one hash tag, `{namespace}:`, so that they lie in one slot of a Cluster:
//!
//! | key | |
//! | --- | --- |
//! | `s` and 16 bytes | a string: the record of the session with this id (`record`) |
//! | `u` and 2 bytes | a hash without values: the sessions of the users whose ids begin so, each by the user's id and its own |
//! | `t` and 16 bytes | a number: how many access tokens of the session with this id were revoked by themselves |
//! | `slot:NUMBER` | a string: ids of sessions that a purge has to look at then (`expiry`) |
//! | `slots` | a sorted set: the slots that there are |
//! | `revision:ID` | the user's revision, if it was ever raised |
//! | `revoked` | a sorted set: ids of revoked sessions by when that was |
//! | `list` | a sorted set: the lines of the revocation list by their position; also the channel on which new ones are told of |
//! | `position` | the last position given |
//! | `probe` | nothing: whether Redis takes writes |
//! | `attempts:KEY` | a hash: what is remembered of the attempts at something |
//! | `epoch` | which memory this is; missing where Redis has lost everything |
//!
//! What Redis answered is as durable as it is set up to be. Nothing but attempts and counts of revoked tokens
//! expires by itself. Attempts are counted by Redis's own clock; all other times are the callers', and
//! [`purge`](crate::store::SessionStore::purge) removes what is over.
//!
//! So a session takes some 410 bytes, where a hash, a set and a place in a sorted set took three times
//! that; and a refresh touches one key. Servers of the version before do not find sessions that this one
//! has taken over (`legacy`), so they have to be stopped first, or their clients log in again.

mod attempts;
mod expiry;
mod feed;
mod keys;
mod legacy;
mod link;
mod record;
mod sessions;
mod vitals;

pub use vitals::Vitals;

use super::StoreError;
use crate::{clock::Clock, config::RedisUrl};
use keys::Keys;
use link::Link;
use redis::{RedisError, Script};
use std::{fmt, sync::Arc, time::Duration};

/// Keeps sessions in Redis. Cheap to clone; clones share one multiplexed connection.
#[derive(Clone)]
pub struct RedisStore {
    link: Link,
    keys: Keys,
    /// What attempts are counted by instead of the server's clock.
    clock: Option<Arc<dyn Clock>>,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { link, keys, .. } = self;
        f.debug_struct("RedisStore").field("link", link).field("keys", keys).finish_non_exhaustive()
    }
}

impl RedisStore {
    /// A store at this address whose keys begin with `{namespace}:`. Each step of a call answers within
    /// `deadline`.
    ///
    /// # Errors
    /// When Redis cannot be reached or does not let us in.
    pub async fn open(url: &RedisUrl, namespace: &str, deadline: Duration) -> Result<Self, StoreError> {
        let link = Link::new(url, deadline).map_err(unavailable)?;
        let store = Self { link, keys: Keys::new(namespace), clock: None };
        store.ping().await?;
        Ok(store)
    }

    /// The same keys, with attempts counted by this clock instead of the server's, for tests.
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// Whether Redis answers at all.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.link.command(&redis::cmd("PING")).await
    }

    /// Lets the connection go.
    pub async fn close(&self) {
        self.link.close().await;
    }
}

/// A script of this folder, of one file or several, behind what all have in common.
macro_rules! script {
    ($($file:literal),+) => {{
        static SCRIPT: std::sync::LazyLock<redis::Script> =
            std::sync::LazyLock::new(|| super::with_lib(&[$(include_str!($file)),+]));
        &*SCRIPT
    }};
}
use script;

fn with_lib(code: &[&str]) -> Script {
    Script::new(&[&[include_str!("lib.lua")], code].concat().concat())
}

fn unavailable(error: RedisError) -> StoreError {
    StoreError::Unavailable(error.into())
}

//! Sessions, the revocation list and attempts in Redis, for several instances of a server.
//!
//! One Lua script for each atomic operation (the `.lua` files here, each behind `lib.lua`), and
//! all keys under one hash tag, `{namespace}:`, so that they lie in one slot of a Cluster:
//!
//! | key | |
//! | --- | --- |
//! | `session:ID` | a hash: the session's record |
//! | `user:ID` | a set: the ids of the user's sessions |
//! | `revision:ID` | the user's revision, if it was ever raised |
//! | `ends` | a sorted set: ids of sessions by when they end |
//! | `revoked` | a sorted set: ids of revoked sessions by when that was |
//! | `list` | a sorted set: the lines of the revocation list by their position; also the channel on which new ones are told of |
//! | `position` | the last position given |
//! | `probe` | nothing: whether Redis takes writes |
//! | `attempts:KEY` | a hash: what is remembered of the attempts at something |
//! | `epoch` | which memory this is; missing where Redis has lost everything |
//!
//! What Redis answered is as durable as it is set up to be. Nothing but attempts expires by
//! itself: the times are the callers', and [`purge`](crate::store::SessionStore::purge) removes what is over.

mod attempts;
mod feed;
mod keys;
mod link;
mod sessions;
mod vitals;

pub use vitals::Vitals;

use super::StoreError;
use crate::config::RedisUrl;
use keys::Keys;
use link::Link;
use redis::{RedisError, Script};
use std::time::Duration;

/// Keeps sessions in Redis. Cheap to clone; clones share one multiplexed connection.
#[derive(Clone, Debug)]
pub struct RedisStore {
    link: Link,
    keys: Keys,
}

impl RedisStore {
    /// A store at this address whose keys begin with `{namespace}:`. Each step of a call answers within
    /// `deadline`.
    ///
    /// # Errors
    /// When Redis cannot be reached or does not let us in.
    pub async fn open(url: &RedisUrl, namespace: &str, deadline: Duration) -> Result<Self, StoreError> {
        let link = Link::new(url, deadline).map_err(unavailable)?;
        let store = Self { link, keys: Keys::new(namespace) };
        store.ping().await?;
        Ok(store)
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

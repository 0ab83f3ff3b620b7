//! Whom a hash is computed for, as far as the queue of hashes has to know.

use std::{fmt, sync::Arc};

/// Identifies whom a hash is computed for, so that no account and no address block can take the whole queue:
/// see [`Hasher::for_requester`](super::Hasher::for_requester). Its keys are compared and never read.
#[derive(Clone, Default)]
pub struct Requester {
    keys: Vec<Key>,
}

/// One of the things whose hashes are counted together.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    level: Level,
    name: Arc<[u8]>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Level {
    Account,
    Block,
    Network,
}

impl Requester {
    /// How many hashes for one account may run or wait at the same time.
    pub const PLACES_PER_ACCOUNT: usize = 4;

    /// A requester without an account or an address, whose hashes only count at the queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the account, as the client named it, whether or not it exists.
    #[must_use]
    pub fn account(self, name: &[u8]) -> Self {
        self.with(Level::Account, name)
    }

    /// Sets the addresses that one customer of a provider usually has: an IPv4 address, an IPv6 /64.
    #[must_use]
    pub fn block(self, name: &[u8]) -> Self {
        self.with(Level::Block, name)
    }

    /// Sets a larger network that the block is part of, such as an IPv6 /48.
    #[must_use]
    pub fn network(self, name: &[u8]) -> Self {
        self.with(Level::Network, name)
    }

    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    fn with(mut self, level: Level, name: &[u8]) -> Self {
        self.keys.retain(|key| key.level != level);
        self.keys.push(Key { level, name: name.into() });
        self
    }
}

impl fmt::Debug for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Requester")
    }
}

impl Key {
    /// How many hashes with this key may run or wait at the same time, beside a queue of this length.
    pub(super) fn places(&self, queue: usize) -> usize {
        match self.level {
            Level::Account => (queue / 4).clamp(1, Requester::PLACES_PER_ACCOUNT),
            Level::Block => (queue / 4).max(1),
            Level::Network => (queue / 2).max(1),
        }
    }
}

//! A store in this process's memory: for tests, and for trying things out. All is lost at the end.

mod attempts;
mod audit;
mod clients;
mod key_ring;
mod sessions;
mod sync;
mod users;

use super::{KeptRing, LocalAttempts, User};
use crate::{clock::Clock, user::Username};
use std::{collections::BTreeMap, sync::Arc};
use sync::Mutex;
use tokio::sync::watch;

/// Keeps users, sessions, clients, keys, attempts and the audit trail, each under a lock of their own. Clones of an `Arc` of it
/// share what it holds.
#[derive(Debug, Default)]
pub struct MemoryStore {
    users: Mutex<BTreeMap<Username, User>>,
    sessions: Mutex<sessions::Sessions>,
    clients: Mutex<clients::Clients>,
    key_ring: Mutex<Option<KeptRing>>,
    attempts: LocalAttempts,
    trail: Mutex<audit::Trail>,
    /// Tells feeds the position of the newest revocation.
    newest: watch::Sender<u64>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store that counts attempts by this clock instead of the system's, for tests.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { attempts: LocalAttempts::new(clock), ..Self::default() }
    }
}

//! Hashing on blocking threads, never more at a time than there are permits.

use super::{Argon2Params, Password, PasswordHash, argon2id, bcrypt};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use thiserror::Error;
use tokio::sync::Semaphore;

/// Makes and checks password hashes. Cheap to clone; clones share the permits and the memory.
///
/// A permit is held inside the blocking closure, so a caller that goes away does not let a
/// second hash start beside the one that it leaves behind. Each permit costs the hash's memory.
#[derive(Clone)]
pub struct Hasher(Arc<Shared>);

struct Shared {
    params: Argon2Params,
    permits: Arc<Semaphore>,
    memory: argon2id::Memory,
    /// What a login is compared with when there is no user, so that it costs the same.
    nobody: PasswordHash,
    /// The longest that a comparison with a legacy hash has taken, in microseconds.
    slowest: AtomicU64,
}

/// No failed login is held back for longer than this.
const MAX_FLOOR: Duration = Duration::from_secs(1);

/// What comparing a password with a stored hash found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is right, and its hash as strong as it should be.
    Match,
    /// The password is right; its hash is a legacy one or of another cost and wants replacing.
    MatchOutdated,
    /// The password is wrong, or there was nothing to compare it with.
    Mismatch,
    /// The stored text is no hash that we know. Nobody logs in with it; somebody should look.
    Unusable,
}

/// Hashing could not be done.
#[derive(Debug, Error)]
pub enum HasherError {
    /// The operating system gave no randomness.
    #[error("no randomness for a salt")]
    Randomness,
    /// The blocking thread went away: the runtime is shutting down.
    #[error("the hashing thread ended early")]
    Thread(#[source] tokio::task::JoinError),
}

impl Hasher {
    /// A hasher for new hashes of this cost that runs at most `permits` (at least 1) at a time.
    /// Takes as long as one hash.
    pub fn new(params: Argon2Params, permits: usize) -> Result<Self, HasherError> {
        let memory = argon2id::Memory::new(params);
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|_| HasherError::Randomness)?;
        let nobody = argon2id::hash(&secret, params, &memory).ok_or(HasherError::Randomness)?;
        let permits = Arc::new(Semaphore::new(permits.max(1)));
        Ok(Self(Arc::new(Shared { params, permits, memory, nobody, slowest: AtomicU64::new(0) })))
    }

    /// How long a failed login has to take so that its time does not tell whether there is a
    /// legacy hash, which has a cost of its own: as long as the slowest of these has taken so
    /// far, a second at most. Zero until one was met.
    pub fn floor(&self) -> Duration {
        Duration::from_micros(self.0.slowest.load(Ordering::Relaxed)).min(MAX_FLOOR)
    }

    /// A new hash for a store.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, HasherError> {
        self.run(move |shared| argon2id::hash(password.as_bytes(), shared.params, &shared.memory))
            .await?
            .ok_or(HasherError::Randomness)
    }

    /// Compares a password with what a store holds. Without a hash, and for an unusable one,
    /// it does the same work and never matches.
    pub async fn verify(
        &self,
        password: Password,
        stored: Option<PasswordHash>,
    ) -> Result<Verdict, HasherError> {
        self.run(move |shared| shared.verify(&password, stored.as_ref())).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> T + Send + 'static,
    ) -> Result<T, HasherError> {
        let shared = self.0.clone();
        let permit = shared.permits.clone().acquire_owned().await.expect("the semaphore is never closed");
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&shared)
        })
        .await
        .map_err(HasherError::Thread)
    }
}

impl Shared {
    fn verify(&self, typed: &Password, stored: Option<&PasswordHash>) -> Verdict {
        let password = typed.as_bytes();
        if let Some(hash) = stored.filter(|hash| bcrypt::cost(hash).is_some()) {
            return self.verify_legacy(typed, hash);
        }
        match stored.map(argon2id::Parsed::new) {
            Some(Some(parsed)) => match argon2id::matches(password, &parsed, &self.memory) {
                true if parsed.params == self.params => Verdict::Match,
                true => Verdict::MatchOutdated,
                false => Verdict::Mismatch,
            },
            nothing => {
                self.work_for_nobody(password);
                if nothing.is_some() { Verdict::Unusable } else { Verdict::Mismatch }
            }
        }
    }
}

impl Shared {
    /// A cheap legacy hash must not be quicker than nobody's; a dear one sets the floor.
    fn verify_legacy(&self, password: &Password, hash: &PasswordHash) -> Verdict {
        let started = Instant::now();
        if password.spellings().any(|spelling| bcrypt::matches(spelling, hash)) {
            return Verdict::MatchOutdated;
        }
        self.work_for_nobody(password.as_bytes());
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.slowest.fetch_max(micros, Ordering::Relaxed);
        Verdict::Mismatch
    }

    fn work_for_nobody(&self, password: &[u8]) {
        if let Some(parsed) = argon2id::Parsed::new(&self.nobody) {
            argon2id::matches(password, &parsed, &self.memory);
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("params", &self.0.params).finish_non_exhaustive()
    }
}

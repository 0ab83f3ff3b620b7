//! Hashing and comparing, on threads of its own.

use super::{
    Argon2Params, Cost, Engine, FirebaseKey, Memory, Password, PasswordHash, argon2id,
    legacy::Legacy,
    pool::{Load, NotDone, Pool},
    requester::Requester,
};
use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use thiserror::Error;
use zeroize::Zeroizing;

/// Makes and checks password hashes. Cheap to clone; clones share the threads and the queue.
///
/// There are as many threads as permits, and each has the memory of one hash, which it gives back
/// when there was nothing to do for ten seconds. A caller that goes away leaves behind the hash that is
/// being computed, and none that waits. What finds the queue full is refused at once.
///
/// The queue is shared fairly among those that hashes are computed for: see
/// [`for_requester`](Self::for_requester).
#[derive(Clone)]
pub struct Hasher {
    pool: Arc<Pool>,
    shared: Arc<Shared>,
    requester: Option<Requester>,
}

struct Shared {
    params: Argon2Params,
    engine: Engine,
    /// What a login is compared with when there is no user, so that it costs the same.
    nobody: PasswordHash,
    /// The longest that a comparison with a hash of another cost takes, in microseconds.
    slowest: AtomicU64,
    firebase: Option<FirebaseKey>,
}

/// How a [`Hasher`] works.
#[derive(Clone, Debug)]
pub struct Hashing {
    /// What new hashes cost.
    pub params: Argon2Params,
    /// How many are computed at a time; each takes the memory of one.
    pub permits: usize,
    /// How many callers may wait for a permit: so many for requesters, and as many for none.
    pub queue: usize,
    /// What computes them.
    pub engine: Engine,
    /// Verifies the hashes of this Firebase project, which are unusable without.
    pub firebase: Option<FirebaseKey>,
}

impl Default for Hashing {
    /// One at a time, of the default cost, by the fastest engine.
    fn default() -> Self {
        Self {
            params: Argon2Params::default(),
            permits: 1,
            queue: Hasher::QUEUE_PER_PERMIT,
            engine: Engine::default(),
            firebase: None,
        }
    }
}

/// How much longer than the slowest hash took when it was measured.
const FLOOR_MARGIN: f64 = 1.25;

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
    /// As many wait for a thread as may, in all or for this requester; it is worth trying again in a second.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// The operating system gave no threads.
    #[error("no threads to hash on")]
    Threads(#[source] io::Error),
    /// Hashing came upon a fault of its own.
    #[error("hashing panicked")]
    Panicked,
}

impl From<NotDone> for HasherError {
    fn from(error: NotDone) -> Self {
        match error {
            NotDone::Full => Self::Busy,
            NotDone::Panicked => Self::Panicked,
        }
    }
}

impl Hasher {
    /// How many may wait for each permit unless something else is said: about a second's worth.
    pub const QUEUE_PER_PERMIT: usize = 64;

    /// A hasher for new hashes of this cost that computes at most `permits` (at least 1) at a time.
    pub fn new(params: Argon2Params, permits: usize) -> Result<Self, HasherError> {
        let queue = permits.max(1) * Self::QUEUE_PER_PERMIT;
        Self::start(Hashing { params, permits, queue, ..Hashing::default() })
    }

    /// A hasher that works like this.
    pub fn start(hashing: Hashing) -> Result<Self, HasherError> {
        let Hashing { params, permits, queue, engine, firebase } = hashing;
        let nobody = argon2id::of_nobody(params).ok_or(HasherError::Randomness)?;
        let pool = Pool::start(permits.max(1), queue, params.memory_kib()).map_err(HasherError::Threads)?;
        let shared = Shared { params, engine, nobody, slowest: AtomicU64::new(0), firebase };
        Ok(Self { pool: Arc::new(pool), shared: Arc::new(shared), requester: None })
    }

    /// The same hasher, with its hashes counted as this requester's. At the same time, one account has at most
    /// [`PLACES_PER_ACCOUNT`](Requester::PLACES_PER_ACCOUNT) hashes that run or wait, one address block at most
    /// a quarter of the queue's length, and one network half of it; each has at least one. Further ones are refused
    /// with [`HasherError::Busy`]. Without a requester, work has as many places of its own as all requesters
    /// together, so that no flood of logins keeps an admin from setting a password.
    #[must_use]
    pub fn for_requester(&self, requester: Requester) -> Self {
        Self { requester: Some(requester), ..self.clone() }
    }

    /// How long a failed login has to take so that its time does not tell whose hash is of another
    /// cost than new ones: as long as the slowest of these takes, a second at most. Zero if there is none.
    pub fn floor(&self) -> Duration {
        Duration::from_micros(self.shared.slowest.load(Ordering::Relaxed)).min(MAX_FLOOR)
    }

    /// What its threads do, and what they have done.
    pub(crate) fn load(&self) -> Load {
        self.pool.load()
    }

    /// Whether a stored hash costs what a new one does.
    pub fn is_usual(&self, stored: &PasswordHash) -> bool {
        stored.cost() == Some(Cost::Argon2id(self.shared.params))
    }

    /// Sets the floor by these hashes, one of each cost that is there. A slower one that is met later
    /// raises it.
    pub async fn set_floor(&self, present: Vec<PasswordHash>) -> Result<(), HasherError> {
        let mut slowest = Duration::ZERO;
        for hash in present {
            let time = self.run(move |shared, memory| shared.time_of(&hash, memory)).await?;
            slowest = slowest.max(time.mul_f64(FLOOR_MARGIN));
        }
        self.shared.slowest.store(micros(slowest), Ordering::Relaxed);
        Ok(())
    }

    /// A new hash for a store.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, HasherError> {
        self.run(move |shared, memory| {
            argon2id::hash(password.as_bytes(), shared.params, shared.engine, memory)
        })
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
        self.run(move |shared, memory| shared.verify(&password, stored.as_ref(), memory)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared, &mut Memory) -> T + Send + 'static,
    ) -> Result<T, HasherError> {
        let shared = self.shared.clone();
        Ok(self.pool.run(self.requester.clone(), move |memory| work(&shared, memory)).await?)
    }
}

impl Shared {
    fn verify(&self, typed: &Password, stored: Option<&PasswordHash>, memory: &mut Memory) -> Verdict {
        let password = typed.as_bytes();
        let ours = stored.map(argon2id::Parsed::new);
        if let (Some(None), Some(legacy)) = (&ours, self.legacy(stored)) {
            let matches = |_: &mut Memory| typed.spellings().any(|spelling| legacy.matches(spelling));
            return self.verify_other(password, memory, matches);
        }
        match ours {
            Some(Some(parsed)) if parsed.params == self.params => {
                match argon2id::matches(password, &parsed, self.engine, memory) {
                    true => Verdict::Match,
                    false => Verdict::Mismatch,
                }
            }
            Some(Some(parsed)) => self.verify_other(password, memory, |memory| {
                argon2id::matches(password, &parsed, self.engine, memory)
            }),
            nothing => {
                self.work_for_nobody(password, memory);
                if nothing.is_some() { Verdict::Unusable } else { Verdict::Mismatch }
            }
        }
    }
}

impl Shared {
    fn legacy(&self, stored: Option<&PasswordHash>) -> Option<Legacy> {
        Legacy::parse(stored?)?.with(self.firebase.as_ref())
    }

    /// A hash that costs less than a new one must not be quicker than nobody's; one that costs more
    /// sets the floor.
    fn verify_other(
        &self,
        password: &[u8],
        memory: &mut Memory,
        matches: impl FnOnce(&mut Memory) -> bool,
    ) -> Verdict {
        let started = Instant::now();
        if matches(memory) {
            return Verdict::MatchOutdated;
        }
        self.work_for_nobody(password, memory);
        self.slowest.fetch_max(micros(started.elapsed()), Ordering::Relaxed);
        Verdict::Mismatch
    }

    /// How long it takes to fail at this hash.
    fn time_of(&self, hash: &PasswordHash, memory: &mut Memory) -> Duration {
        let started = Instant::now();
        let nobodys = Password { normal: Zeroizing::new("nobody's".into()), typed: None };
        self.verify(&nobodys, Some(hash), memory);
        started.elapsed()
    }

    fn work_for_nobody(&self, password: &[u8], memory: &mut Memory) {
        if let Some(parsed) = argon2id::Parsed::new(&self.nobody) {
            argon2id::matches(password, &parsed, self.engine, memory);
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("params", &self.shared.params).finish_non_exhaustive()
    }
}

//! How many passwords may be guessed, and from where.
//!
//! A guess is counted before anything is hashed, and taken back if it was right. Once too many have failed,
//! the next has to wait (see [`Allowance`]). It counts at the account, at the blocks that its address lies in
//! and at a global limit; from a device that has logged in to the account before it counts at that device
//! alone. So an attack on an account, even from many addresses, locks its owner out of no browser that they
//! have used. The account is the name that was typed, so it is the same for one that does not exist.
//!
//! - **In flight or failed.** A guess that is in flight counts like one that failed, and one whose server
//!   ended meanwhile is forgotten like one. How many failed is counted apart, for each account and block and
//!   for each device. A right guess takes back itself and what failed from its own block, or device; what
//!   others have in flight, and what they failed, stays counted.
//! - **The global limit.** At the global limit, a block without failures in the last 15 minutes still gets
//!   through, at the rate of a reserve. One attacker makes few blocks unclean, however many addresses are in
//!   them, so their guesses refuse no login from elsewhere.

mod device;
mod key;

pub use device::{DeviceId, DeviceKeys};

use crate::{
    allowance::Allowance,
    clock::Clock,
    config::LoginSettings,
    keys::Keys,
    store::{Attempt, AttemptStore, Count, StoreError},
    user::Username,
};
use key::{Block, CounterKey, Subject};
use std::{fmt, net::IpAddr, sync::Arc, time::Duration};
use thiserror::Error;

/// How many keys are removed at a time.
const PURGED: u32 = 1_000;

/// How many times as many failures as one address the /64, the /56 and the /48 of an IPv6 address have.
const GROWTH: [u32; 3] = [1, 4, 16];

/// What part of the global limit clean blocks have besides, and what part of that one of them has.
const RESERVE: u32 = 10;

/// For how long a failure makes a block unclean, at least.
const UNCLEAN: Duration = Duration::from_secs(15 * 60);

/// Counts guesses. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Throttle {
    store: Arc<dyn AttemptStore>,
    settings: LoginSettings,
    keys: Arc<Keys>,
    clock: Arc<dyn Clock>,
}

/// Who is guessing.
#[derive(Clone, Copy, Debug)]
pub struct Guesser<'g> {
    /// Whose password, as it was typed.
    pub username: &'g str,
    /// From where, as far as known.
    pub address: Option<IpAddr>,
    /// From which device that has logged in to this account before, if from one.
    pub device: Option<DeviceId>,
}

/// A guess that has been counted and may be made. Give it to [`Throttle::end`] afterwards; one that is
/// dropped has failed.
#[must_use]
#[derive(Debug)]
pub struct Guess {
    counts: Vec<Count>,
    /// Where the failures are counted for which a right guess makes up, at the first of the counts.
    own: Option<Count>,
    /// What else a failure counts at.
    unclean: Option<Count>,
}

/// Where something counts: the name of the limit, what it is, and how often it may be tried.
type Place<'s> = (&'static str, Subject<'s>, Allowance);

/// How a guess ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was right.
    Right,
    /// It was wrong.
    Wrong,
    /// Nobody knows, since something else went wrong.
    Unknown,
}

/// Too many guesses have failed; this one was refused without a look at it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("too many guesses have failed ({limit})")]
pub struct TooMany {
    /// Where: `account`, `address` or `global`.
    pub limit: &'static str,
    /// How many there may be.
    pub allowance: Allowance,
    /// How long to wait, in whole seconds; at least one.
    pub wait: Duration,
}

/// Why a guess may not be made.
#[derive(Debug, Error)]
pub enum ThrottleError {
    /// Too many have failed.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// The store did not answer; without it, nothing is let through.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Throttle {
    /// Counts in this store, under names that only these keys can make.
    pub fn new(
        store: Arc<dyn AttemptStore>,
        settings: LoginSettings,
        keys: Arc<Keys>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, settings, keys, clock }
    }

    /// Counts a login, before anything is hashed.
    ///
    /// # Errors
    /// When too many have failed, or the store does not answer.
    pub async fn login(&self, guesser: Guesser<'_>) -> Result<Guess, ThrottleError> {
        let name = guesser.username.parse::<Username>().ok();
        let LoginSettings { account, everybody: global, .. } = self.settings;
        if let Some((name, device)) = name.as_ref().zip(guesser.device) {
            let own = (Subject::DeviceFailures(name, device), account);
            let guess =
                self.guess(&[("device", Subject::Device(name, device), account)], Some(own), None).await;
            // A device that has used up its own counts like any other.
            if !matches!(guess, Err(ThrottleError::TooMany(_))) {
                return guess;
            }
        }
        let blocks = Block::around(guesser.address);
        let (smallest, largest) = (blocks[0], blocks[blocks.len() - 1]);
        let places = || {
            // What is no name belongs to no account, so there is none to be told from one that exists.
            let account = name.as_ref().map(|name| ("account", Subject::Account(name), account));
            account.into_iter().chain(self.at_blocks(&blocks, Subject::Block))
        };
        let own = || Some((Subject::AccountFrom(name.as_ref()?, smallest), account));
        let (reserve, of_block) = reserve(global);
        let unclean = || (Subject::Unclean(largest), of_block);

        let usual: Vec<_> = places().chain([("global", Subject::Global, global)]).collect();
        let refused = match self.guess(&usual, own(), Some(unclean())).await {
            Err(ThrottleError::TooMany(refused)) if refused.limit == "global" => refused,
            guess => return guess,
        };
        let (unclean, of_block) = unclean();
        let clean = [("global", Subject::Reserve, reserve), ("global", unclean, of_block)];
        let guess = self.guess(&places().chain(clean).collect::<Vec<_>>(), own(), None).await;
        // A block that is not clean waits for the global limit, and not for the reserve.
        guess.map_err(|error| match error {
            ThrottleError::TooMany(limit) if limit.limit == "global" => refused.into(),
            error => error,
        })
    }

    /// Counts a login with a password that cannot be right, which costs no hash: at its address alone.
    ///
    /// # Errors
    /// When too many have failed from there, or the store does not answer.
    pub async fn impossible_login(&self, address: Option<IpAddr>) -> Result<(), ThrottleError> {
        self.failed_in(address, Subject::Block).await
    }

    /// Counts a password of a user who is logged in and says what their current one is.
    ///
    /// # Errors
    /// When too many have failed, or the store does not answer.
    pub async fn present_password(&self, name: &Username) -> Result<Guess, ThrottleError> {
        let allowance = self.settings.account;
        // A right one is replaced and ends all sessions, so all failures were made in sessions that are gone.
        let own = (Subject::PresentPasswordFailures(name), allowance);
        self.guess(&[("account", Subject::PresentPassword(name), allowance)], Some(own), None).await
    }

    /// Counts a client that could not prove who it is. A secret cannot be guessed, so only failures are
    /// counted, and only reported.
    ///
    /// # Errors
    /// When too many have failed at this address, or the store does not answer.
    pub async fn client_failed(&self, address: Option<IpAddr>) -> Result<(), ThrottleError> {
        self.failed_in(address, Subject::ClientsIn).await
    }

    /// Counts how a guess ended. A wrong one stays counted; a right one is taken back, with all that failed
    /// from its own block or device.
    pub async fn end(&self, guess: Guess, outcome: Outcome) {
        let Guess { counts, own, unclean } = guess;
        if counts.is_empty() {
            return;
        }
        let own_key = own.map(|own| own.key);
        let failures: Vec<_> = own.into_iter().chain(unclean).collect();
        let done = match outcome {
            Outcome::Wrong if failures.is_empty() => Ok(()),
            Outcome::Wrong => self.store.fail(&failures).await,
            Outcome::Right => self.store.take_back(&counts, own_key.as_ref()).await,
            Outcome::Unknown => self.store.take_back(&counts, None).await,
        };
        if let Err(error) = done {
            // The guess itself then stays counted as one that failed.
            tracing::warn!(error = &error as &dyn std::error::Error, "the end of a guess was not counted");
        }
    }

    /// Forgets all that was counted at an account; says whether there was anything.
    pub async fn unlock(&self, name: &Username) -> Result<bool, StoreError> {
        let key = CounterKey::derive(&self.keys.tokens().ring(), self.clock.now());
        let login = self.store.forget(&key.of(&Subject::Account(name))).await?;
        let present = self.store.forget(&key.of(&Subject::PresentPassword(name))).await?;
        self.store.forget(&key.of(&Subject::PresentPasswordFailures(name))).await?;
        Ok(login || present)
    }

    /// Removes what there is no need to remember; says how much.
    pub async fn purge(&self) -> Result<u64, StoreError> {
        let mut all = 0;
        loop {
            let removed = self.store.purge(PURGED).await?;
            all += removed;
            if removed < u64::from(PURGED) {
                return Ok(all);
            }
        }
    }

    /// Whether anything is counted at all.
    pub fn is_limited(&self) -> bool {
        self.settings.limited
    }

    /// How long a device is known that logs in now; zero: not at all.
    pub fn known_device(&self) -> Duration {
        if self.settings.limited { self.settings.known_device } else { Duration::ZERO }
    }

    /// What seals the names of known devices now.
    pub fn devices(&self) -> DeviceKeys {
        DeviceKeys::derive(&self.keys.tokens().ring(), self.clock.now())
    }

    /// Counts a failure at the blocks around an address.
    async fn failed_in(
        &self,
        address: Option<IpAddr>,
        subject: impl Fn(Block) -> Subject<'static>,
    ) -> Result<(), ThrottleError> {
        let places: Vec<_> = self.at_blocks(&Block::around(address), subject).collect();
        self.guess(&places, None, None).await.map(drop)
    }

    /// Where something counts that comes from an address in these blocks.
    fn at_blocks<'s>(
        &self,
        blocks: &[Block],
        subject: impl Fn(Block) -> Subject<'s>,
    ) -> impl Iterator<Item = Place<'s>> {
        let address = self.settings.address;
        blocks
            .iter()
            .zip(GROWTH)
            .map(move |(block, times)| ("address", subject(*block), address.times(times)))
    }

    /// Counts at all of these places, or at none.
    async fn guess(
        &self,
        places: &[Place<'_>],
        own: Option<(Subject<'_>, Allowance)>,
        unclean: Option<(Subject<'_>, Allowance)>,
    ) -> Result<Guess, ThrottleError> {
        if !self.settings.limited {
            return Ok(Guess { counts: vec![], own: None, unclean: None });
        }
        let key = CounterKey::derive(&self.keys.tokens().ring(), self.clock.now());
        let count = |subject: &Subject<'_>, allowance| Count { key: key.of(subject), allowance };
        let counts: Vec<_> =
            places.iter().map(|(_, subject, allowance)| count(subject, *allowance)).collect();
        match self.store.attempt(&counts).await? {
            Attempt::Counted => {
                let counted = |apart: Option<(Subject<'_>, _)>| {
                    apart.map(|(subject, allowance)| count(&subject, allowance))
                };
                Ok(Guess { own: counted(own), unclean: counted(unclean), counts })
            }
            Attempt::Refused { at, wait } => {
                let (limit, _, allowance) = places[at.min(places.len() - 1)];
                let wait = Duration::from_secs(wait.as_millis().div_ceil(1_000).max(1) as u64);
                tracing::debug!(limit, seconds = wait.as_secs(), "too many guesses have failed");
                Err(TooMany { limit, allowance, wait }.into())
            }
        }
    }
}

/// What clean blocks have together at this global limit, and what one of them has of that.
fn reserve(global: Allowance) -> (Allowance, Allowance) {
    let every = global.forgets * RESERVE;
    let all = Allowance::one_in_each(every, (global.free / RESERVE).max(RESERVE));
    (all, Allowance::one_in_each(UNCLEAN.max(every * RESERVE), 1))
}

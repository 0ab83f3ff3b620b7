//! How many passwords may be guessed, by whom.
//!
//! A guess is counted before anything is hashed, and given back if it was right; what is counted has to
//! wait once too many have failed (see [`Allowance`]). It counts at the account, at the address and
//! at everybody together, or, from a device that has logged in to the account before, at that device
//! alone: so whoever attacks an account, be it from many addresses, keeps its owner out of no browser
//! that they have used. The account is the name that was typed, so it is the same for one that does not
//! exist.

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
use key::{CounterKey, Subject};
use std::{fmt, net::IpAddr, sync::Arc, time::Duration};
use thiserror::Error;

/// How many keys are removed at a time.
const PURGED: u32 = 1_000;

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
    /// Whether the first of them has an owner.
    is_owned: bool,
}

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

/// Too many guesses have failed; nobody has looked at this one.
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

impl Guess {
    /// What is to be taken back if it was right: where its owner is, failures of others too.
    fn rightly(&self) -> Vec<Count> {
        let own =
            |(at, count): (usize, &Count)| if at == 0 && self.is_owned { count.whole() } else { *count };
        self.counts.iter().enumerate().map(own).collect()
    }
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

    /// A login, before anything is hashed.
    pub async fn login(&self, guesser: Guesser<'_>) -> Result<Guess, ThrottleError> {
        let name = guesser.username.parse::<Username>().ok();
        let LoginSettings { account, address, everybody, .. } = self.settings;
        if let Some((name, device)) = name.as_ref().zip(guesser.device) {
            let guess = self.guess(&[("device", Subject::Device(name, device), account)], true).await;
            // Whoever has used up what a device may is like anybody else.
            if !matches!(guess, Err(ThrottleError::TooMany(_))) {
                return guess;
            }
        }
        let mut subjects = vec![
            ("address", Subject::Address(guesser.address), address),
            ("global", Subject::Everybody, everybody),
        ];
        // What is no name is nobody's, so there is no account to be told from one that exists.
        if let Some(name) = &name {
            subjects.insert(0, ("account", Subject::Account(name), account));
        }
        self.guess(&subjects, name.is_some()).await
    }

    /// A user who is logged in and says what their present password is.
    pub async fn present_password(&self, name: &Username) -> Result<Guess, ThrottleError> {
        self.guess(&[("account", Subject::PresentPassword(name), self.settings.account)], true).await
    }

    /// A client that has not proved who it is. What it is cannot be guessed, so only failures are
    /// counted, and that there are many is said.
    pub async fn client_failed(&self, address: Option<IpAddr>) -> Result<(), ThrottleError> {
        let subject = ("address", Subject::ClientsAt(address), self.settings.address);
        self.guess(&[subject], false).await.map(drop)
    }

    /// Notes how a guess ended. What was wrong stays counted.
    pub async fn end(&self, guess: Guess, outcome: Outcome) {
        let done = match outcome {
            Outcome::Wrong => return,
            Outcome::Right => self.take_back(&guess.rightly()).await,
            Outcome::Unknown => self.take_back(&guess.counts).await,
        };
        if let Err(error) = done {
            // It then counts as if it had failed, which keeps nobody out for long.
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a guess stays counted that did not fail"
            );
        }
    }

    /// Forgets all that was counted at an account; says whether there was anything.
    pub async fn unlock(&self, name: &Username) -> Result<bool, StoreError> {
        let key = CounterKey::derive(&self.keys.tokens().ring(), self.clock.now());
        let login = self.store.forget(&key.of(&Subject::Account(name))).await?;
        let present = self.store.forget(&key.of(&Subject::PresentPassword(name))).await?;
        Ok(login || present)
    }

    /// Removes what there is no need to remember; says how much.
    pub async fn purge(&self) -> Result<u64, StoreError> {
        let mut all = 0;
        loop {
            let removed = self.store.purge(self.clock.now(), PURGED).await?;
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

    /// Counts at all of these. The first is what the guess is about, if `is_owned`: whoever is right owns it,
    /// and all that had failed there is forgotten.
    async fn guess(
        &self,
        subjects: &[(&'static str, Subject<'_>, Allowance)],
        is_owned: bool,
    ) -> Result<Guess, ThrottleError> {
        if !self.settings.limited {
            return Ok(Guess { counts: vec![], is_owned });
        }
        let now = self.clock.now();
        let key = CounterKey::derive(&self.keys.tokens().ring(), now);
        let count = |(_, subject, allowance): &(_, Subject<'_>, _)| Count {
            key: key.of(subject),
            allowance: *allowance,
        };
        let counts: Vec<_> = subjects.iter().map(count).collect();
        match self.store.attempt(&counts, now).await? {
            Attempt::Counted => Ok(Guess { counts, is_owned }),
            Attempt::Refused { at, wait } => {
                let (limit, _, allowance) = subjects[at.min(subjects.len() - 1)];
                let wait = Duration::from_secs(wait.as_millis().div_ceil(1_000).max(1) as u64);
                tracing::debug!(limit, seconds = wait.as_secs(), "too many guesses have failed");
                Err(TooMany { limit, allowance, wait }.into())
            }
        }
    }

    async fn take_back(&self, counts: &[Count]) -> Result<(), StoreError> {
        if counts.is_empty() { Ok(()) } else { self.store.take_back(counts, self.clock.now()).await }
    }
}

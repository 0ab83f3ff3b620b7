//! What a store of attempts must do.

use super::StoreError;
use crate::allowance::{Allowance, Attempts};
use async_trait::async_trait;
use std::time::Duration;

/// What attempts are counted at. A keyed digest of it, so that a store holds no name that somebody
/// typed and no address.
pub type AttemptKey = [u8; 32];

/// One thing that an attempt counts at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// What it is.
    pub key: AttemptKey,
    /// How often it may be tried.
    pub allowance: Allowance,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It was counted everywhere, and may be made.
    Counted,
    /// It may not be made, and was counted nowhere.
    Refused {
        /// Which of the counts has to wait longest.
        at: usize,
        /// How long that is from now; not zero.
        wait: Duration,
    },
}

/// Counts attempts, such as guesses at a password. What is remembered of each key, and what follows from
/// that, is said by [`Attempts`], and every store does the same.
///
/// Each method is one atomic step across all processes. That [`attempt`](Self::attempt) is one is critical
/// to security: of any number of guesses at one moment, no more pass than are allowed. To lose what was
/// counted in the last second, in a crash, is harmless.
///
/// The time is the store's own, in milliseconds and read within the step: the clock of the database
/// server, or of the machine for a store without a server. Clocks of the processes that call it do not
/// matter.
#[async_trait]
pub trait AttemptStore: Send + Sync + 'static {
    /// Counts one attempt at each of these (each key once), or at none if one of them has to wait. Called
    /// before whatever is tried.
    async fn attempt(&self, counts: &[Count]) -> Result<Attempt, StoreError>;

    /// Counts one failure at each of these (each key once), even if another attempt would have to wait.
    async fn fail(&self, counts: &[Count]) -> Result<(), StoreError>;

    /// Takes one attempt back that was counted at each of these, since it did not fail.
    ///
    /// `own` is a key at which those failures are counted that the attempt makes up for. What is remembered
    /// there is taken back at the first of `counts` too ([`Attempts::without`]), and forgotten at `own`.
    async fn take_back(&self, counts: &[Count], own: Option<&AttemptKey>) -> Result<(), StoreError>;

    /// Forgets all attempts at a key; says whether there were any that had not been forgotten yet, or
    /// not been removed.
    async fn forget(&self, key: &AttemptKey) -> Result<bool, StoreError>;

    /// Removes up to `limit` keys of which there is nothing left to remember; says how many. A store that
    /// lets them go by itself answers 0.
    async fn purge(&self, limit: u32) -> Result<u64, StoreError>;
}

impl Attempt {
    /// What is remembered after one more attempt at things of which `found` is remembered, or the refusal.
    pub(crate) fn at(found: &[Attempts], counts: &[Count], now: u64) -> Result<Vec<Attempts>, Self> {
        let (mut more, mut refused) = (vec![], None);
        for (at, (attempts, count)) in found.iter().zip(counts).enumerate() {
            match attempts.another(&count.allowance, now) {
                Ok(attempts) => more.push(attempts),
                Err(wait) if refused.is_none_or(|(_, longest)| longest < wait) => refused = Some((at, wait)),
                Err(_) => {}
            }
        }
        refused.map_or(Ok(more), |(at, wait)| Err(Self::Refused { at, wait }))
    }

    /// What is remembered after one attempt at each has been taken back; `own` is what is remembered of
    /// the failures that it makes up for.
    pub(crate) fn taken_back(found: &[Attempts], own: Attempts, counts: &[Count], now: u64) -> Vec<Attempts> {
        let own_of = |at| if at == 0 { own } else { Attempts::default() };
        let each = found.iter().zip(counts).enumerate();
        each.map(|(at, (attempts, count))| attempts.without(own_of(at), &count.allowance, now)).collect()
    }
}

//! How long revocations take to be heard of.

use crate::histogram::{Counted, Histogram};
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How many of the last revocations are measured by.
const KEPT: usize = 1_000;

/// The time from when a revocation stood in the store to when this process refused what it
/// revokes, for the last thousand that other processes, or this one, made.
#[derive(Debug, Default)]
pub(super) struct Lags {
    last: Mutex<VecDeque<Duration>>,
    all: Histogram,
}

/// What [`Revocations::lag`](super::Revocations::lag) measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Half of them were heard of within this time.
    pub p50: Duration,
    /// All but one in a hundred were.
    pub p99: Duration,
    /// How many were measured, 1,000 at most.
    pub count: usize,
}

impl Lags {
    pub(super) fn note(&self, lag: Duration) {
        self.all.note(lag);
        let mut lags = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if lags.len() == KEPT {
            lags.pop_front();
        }
        lags.push_back(lag);
    }

    /// All that there were.
    pub(super) fn counted(&self) -> Counted {
        self.all.counted()
    }

    /// `None` until there was one.
    pub(super) fn summary(&self) -> Option<Lag> {
        let mut lags: Vec<_> =
            self.last.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        lags.sort_unstable();
        // The nearest rank: the least that is not under that share of them.
        let rank = |percent: usize| lags.get((lags.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Some(Lag { p50: rank(50)?, p99: rank(99)?, count: lags.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranks_are_the_nearest_and_only_the_last_thousand_count() {
        let lags = Lags::default();
        assert_eq!(lags.summary(), None);
        lags.note(Duration::from_millis(7));
        let only = Duration::from_millis(7);
        assert_eq!(lags.summary(), Some(Lag { p50: only, p99: only, count: 1 }));
        for millis in 1..=1_000 {
            lags.note(Duration::from_millis(millis));
        }
        let (p50, p99) = (Duration::from_millis(500), Duration::from_millis(990));
        assert_eq!(lags.summary(), Some(Lag { p50, p99, count: 1_000 }));
    }
}

//! How often what has happened, since this process began.

use super::{Action, Event, Outcome};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// What was counted: what was done or tried, what came of it, and the reason why. All three are constant
/// words, so there is a bounded number of them.
pub type Kind = (Action, Outcome, Option<&'static str>);

/// Counts events, also those that the trail does not tell one by one.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<BTreeMap<Kind, u64>>);

impl Tally {
    pub(super) fn count(&self, event: &Event) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((event.action, event.outcome, event.reason)).or_default() += 1;
    }

    pub(super) fn counts(&self) -> BTreeMap<Kind, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

//! What goes wrong again and again, told now and then.

use crate::store::causes;
use std::{
    error::Error,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How often, at most, a line about failing requests is written.
const EVERY: Duration = Duration::from_secs(1);

struct Complaints {
    last: Option<Instant>,
    /// How many were not written since.
    unwritten: u64,
}

static COMPLAINTS: Mutex<Complaints> = Mutex::new(Complaints { last: None, unwritten: 0 });

/// Notes in the log why a request failed, unless it did so for another one within this second:
/// a store that is down fails every request.
pub(super) fn complain(what: &str, error: &dyn Error) {
    let mut complaints = COMPLAINTS.lock().unwrap_or_else(PoisonError::into_inner);
    if complaints.last.is_some_and(|last| last.elapsed() < EVERY) {
        complaints.unwritten += 1;
        return;
    }
    let before = std::mem::take(&mut complaints.unwritten);
    complaints.last = Some(Instant::now());
    drop(complaints);
    let cause = causes(error);
    match before {
        0 => tracing::error!("{what}: {cause}"),
        _ => tracing::error!("{what}: {cause} (and {before} more failed since the last such line)"),
    }
}

//! What to look at before a store is trusted, in sentences for whoever runs it.

use crate::clock::UnixTime;
use std::{fmt, time::Duration};

/// Something about how a store is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is and what to do about it.
    pub text: String,
}

/// How bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something could be lost; the server starts all the same.
    Warning,
    /// What is promised would not hold; the server does not start.
    Refusal,
}

impl Finding {
    /// Something to be warned of.
    pub fn warning(text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, text: text.into() }
    }

    /// Something that keeps the server from starting.
    pub fn refusal(text: impl Into<String>) -> Self {
        Self { severity: Severity::Refusal, text: text.into() }
    }

    /// A warning if a store's own clock, in milliseconds since 1970, is more than `leeway` away
    /// from this machine's.
    pub fn of_clocks(what: &str, own_clock: u64, now: UnixTime, leeway: Duration) -> Option<Self> {
        // This machine's is known to the second only.
        let apart = Duration::from_secs((own_clock / 1_000).abs_diff(now.0));
        (apart > leeway + Duration::from_secs(1)).then(|| {
            Self::warning(format!(
                "the clock of {what} and of this machine are {} s apart, more than the leeway of {} s: \
                 tokens may be refused or live too long; set the clocks (NTP)",
                apart.as_secs(),
                leeway.as_secs()
            ))
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

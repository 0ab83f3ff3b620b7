//! What to look at before a store is trusted, in sentences for whoever runs it.

use super::clocks::MAX_DIFFERENCE;
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

    /// A finding if a store's own clock, in milliseconds since 1970, and this machine's differ: a
    /// warning beyond `leeway`, a refusal beyond [`MAX_DIFFERENCE`].
    pub fn of_clocks(what: &str, own_clock: u64, now: UnixTime, leeway: Duration) -> Option<Self> {
        let apart = Duration::from_secs((own_clock / 1_000).abs_diff(now.0));
        let seconds = apart.as_secs();
        if apart > MAX_DIFFERENCE {
            return Some(Self::refusal(format!(
                "the clock of {what} and of this machine are {seconds} s apart, more than the {} s up to which \
                 this server may remove what has expired: it could end sessions and delete audit events too \
                 early; set the clocks (NTP)",
                MAX_DIFFERENCE.as_secs()
            )));
        }
        // This machine's is known to the second only.
        (apart > leeway + Duration::from_secs(1)).then(|| {
            Self::warning(format!(
                "the clock of {what} and of this machine are {seconds} s apart, more than the leeway of {} s: \
                 tokens may be refused or live too long; set the clocks (NTP)",
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

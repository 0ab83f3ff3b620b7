//! The life of a key: when it becomes what.

use crate::clock::UnixTime;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// When a key becomes what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Life {
    /// From here on others can know it.
    pub published_at: UnixTime,
    /// From here on it signs.
    pub signs_from: UnixTime,
    /// From here on its successor does. Without one, never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retires_at: Option<UnixTime>,
    /// From here on its tokens are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verifies_until: Option<UnixTime>,
    /// From here on refresh tokens that were sealed while it signed are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seals_until: Option<UnixTime>,
    /// When it was revoked: nothing that it signed is accepted any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<UnixTime>,
}

/// What a key is at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Known to others, and not signing yet.
    Published,
    /// The one that new tokens are signed with.
    Signing,
    /// No longer signing; it verifies still.
    Retired,
    /// It verifies nothing. Refresh tokens that it sealed may still be good.
    Gone,
    /// Revoked.
    Revoked,
}

/// How long what a key has made may be good for.
#[derive(Clone, Copy, Debug)]
pub struct Lives {
    /// The longest life of an access token, with what clocks may differ.
    pub access: Duration,
    /// The longest that a session may go without a refresh.
    pub session: Duration,
}

impl Life {
    /// What the times say, but for which of several keys it is that signs.
    pub(super) fn verifies(&self, now: UnixTime) -> bool {
        self.revoked_at.is_none() && self.verifies_until.is_none_or(|until| now < until)
    }

    pub(super) fn is_retired(&self, now: UnixTime) -> bool {
        self.retires_at.is_some_and(|at| at <= now)
    }

    pub(super) fn seals(&self, now: UnixTime) -> bool {
        self.seals_until.is_none_or(|until| now < until)
    }

    pub(super) fn retire(&mut self, at: UnixTime, lives: Lives) {
        self.retires_at = Some(at);
        self.verifies_until = Some(at.plus(lives.access));
        self.seals_until = Some(at.plus(lives.session));
    }

    pub(super) fn contradiction(&self) -> Option<&'static str> {
        let end = |time: Option<UnixTime>| time.unwrap_or(UnixTime(u64::MAX));
        if self.published_at > self.signs_from {
            Some("it signs before it is published")
        } else if self.signs_from > end(self.retires_at) {
            Some("it retires before it signs")
        } else if end(self.retires_at) > end(self.verifies_until) {
            Some("it verifies no longer than it signs")
        } else {
            None
        }
    }
}

impl Stage {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Signing => "signing",
            Self::Retired => "retired",
            Self::Gone => "gone",
            Self::Revoked => "revoked",
        }
    }
}

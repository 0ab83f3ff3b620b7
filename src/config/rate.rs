//! How often sessions and clients may get tokens and revoke them.

use super::reader::Reader;
use crate::allowance::Allowance;
use std::time::Duration;

/// How often one session and one client may do what leaves something behind in a store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RateSettings {
    /// `RATE__LIMITS`: whether there are limits at all.
    pub limited: bool,
    /// `RATE__SESSION_FREE`, `RATE__SESSION_PER_DAY`: refreshes of one session and revocations of its access
    /// tokens.
    pub session: Allowance,
    /// `RATE__CLIENT_FREE`, `RATE__CLIENT_PER_DAY`: tokens of one confidential client in its own name,
    /// revocations of these, and assertions.
    pub client: Allowance,
}

pub(super) fn read(reader: &mut Reader) -> RateSettings {
    let limited = reader.switch("rate.limits");
    let mut allowance = |free, per_day, usual: (u32, u32)| {
        let mut number =
            |key, most, usual| reader.integer(key, 1..=most).map_or(usual, |number| number as u32);
        let (free, per_day) = (number(free, 1_000_000, usual.0), number(per_day, 100_000_000, usual.1));
        // Beyond the free ones a request has to wait until one is forgotten, in whole seconds.
        let forgets = Allowance::per_day(free, per_day, Duration::ZERO, Duration::ZERO).forgets;
        let delay = Duration::from_secs(forgets.as_millis().div_ceil(1_000) as u64);
        Allowance::per_day(free, per_day, delay, delay)
    };
    RateSettings {
        session: allowance("rate.session_free", "rate.session_per_day", (100, 4_320)),
        client: allowance("rate.client_free", "rate.client_per_day", (1_000, 864_000)),
        limited: limited.unwrap_or(true),
    }
}

//! How often something may be tried, and what there is to remember of it: two numbers.
//!
//! Each attempt that failed is forgotten after a while, one at a time. Of those that are not, the first
//! few cost nothing; then the next attempt has to wait, twice as long after each further one, up to a
//! longest delay. In any time `t` there are thus at most `free + log₂(longest / first) + 2 + t / forgets` attempts, provided
//! that `longest` is not shorter than `forgets`.

use crate::clock::UnixTime;
use std::time::Duration;

/// How many attempts may fail, and what happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// After fewer failures than this nobody waits. At least 1.
    pub free: u32,
    /// How long the next attempt waits after as many, in whole seconds; at least one.
    pub first: Duration,
    /// How long it takes until one failure is forgotten, in whole milliseconds; at least one.
    pub forgets: Duration,
    /// How long anybody waits at most, in whole seconds; not shorter than `forgets`.
    pub longest: Duration,
}

/// What is remembered of the attempts at one thing. Times are in milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// When the last of them will be forgotten.
    pub forgotten_at: u64,
    /// Until then there is no other.
    pub next_at: u64,
}

/// How many failures beyond the free ones are remembered; by then every delay is the longest.
const MOST_BEYOND: u64 = 32;

impl Allowance {
    /// So many failures cost nothing, and beyond these so many a day, in the long run.
    pub fn per_day(free: u32, per_day: u32, first: Duration, longest: Duration) -> Self {
        let forgets = Duration::from_millis(86_400_000_u64.div_ceil(u64::from(per_day.max(1))));
        Self { free: free.max(1), first, forgets, longest }
    }

    /// How long the next attempt has to wait after so many failures that are not forgotten.
    pub fn delay(&self, failures: u64) -> Duration {
        let Some(beyond) = failures.checked_sub(u64::from(self.free)) else { return Duration::ZERO };
        let doubled = 2_u32.saturating_pow(u32::try_from(beyond).unwrap_or(u32::MAX));
        self.first.saturating_mul(doubled).min(self.longest)
    }

    fn forgets_ms(&self) -> u64 {
        millis(self.forgets).max(1)
    }
}

impl Attempts {
    /// How many there are that are not forgotten yet.
    pub fn count(self, allowance: &Allowance, now: UnixTime) -> u64 {
        self.forgotten_at.saturating_sub(ms(now)).div_ceil(allowance.forgets_ms())
    }

    /// With one more, or how long it has to wait.
    pub fn another(self, allowance: &Allowance, now: UnixTime) -> Result<Self, Duration> {
        let (now_ms, forgets) = (ms(now), allowance.forgets_ms());
        let wait = Duration::from_millis(self.next_at.saturating_sub(now_ms));
        // Longer than anybody waits: by a clock that was wrong. That of another server may be ahead.
        if !wait.is_zero() && wait <= allowance.longest.saturating_mul(2) {
            return Err(wait);
        }
        let most = (u64::from(allowance.free) + MOST_BEYOND).saturating_mul(forgets);
        let forgotten_at = self.forgotten_at.max(now_ms).saturating_add(forgets);
        let more = Self { forgotten_at: forgotten_at.min(now_ms.saturating_add(most)), next_at: 0 };
        let delay = allowance.delay(more.count(allowance, now));
        Ok(Self { next_at: now_ms.saturating_add(millis(delay)), ..more })
    }

    /// With one less, and no delay that is longer than one that came now would have been without it.
    pub fn without_one(self, allowance: &Allowance, now: UnixTime) -> Self {
        let less =
            Self { forgotten_at: self.forgotten_at.saturating_sub(allowance.forgets_ms()), next_at: 0 };
        let delay = allowance.delay(less.count(allowance, now));
        Self { next_at: self.next_at.min(ms(now).saturating_add(millis(delay))), ..less }
    }

    /// From when on this is as good as nothing, in milliseconds since 1970.
    pub fn ends_at(self) -> u64 {
        self.forgotten_at.max(self.next_at)
    }
}

/// In milliseconds since 1970.
pub(crate) fn ms(time: UnixTime) -> u64 {
    time.0.saturating_mul(1_000)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

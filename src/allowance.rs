//! How often something may be tried, and what there is to remember of it: two numbers.
//!
//! Each attempt that failed is forgotten after a while, one at a time. Of those that are not, the first
//! few cost nothing; then the next attempt has to wait, twice as long after each further one, up to a
//! longest delay. In any time `t` there are thus at most `free + log₂(longest / first) + 2 + t / forgets` attempts, provided
//! that `longest` is not shorter than `forgets`.

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

/// What is remembered of the attempts at one thing. Times are in milliseconds since 1970, by the clock of
/// the store that keeps them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// When the last of them will be forgotten.
    pub forgotten_at: u64,
    /// Until then there is no other; 0 if the last of them brought no delay.
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

    /// So many failures cost nothing, and then one attempt passes in each `every`.
    pub(crate) fn one_in_each(every: Duration, free: u32) -> Self {
        let delay = Duration::from_millis(millis(every).div_ceil(1_000).saturating_mul(1_000));
        Self { free: free.max(1), first: delay, forgets: every, longest: delay }
    }

    /// So many times as many failures, with the same delays.
    pub(crate) fn times(self, times: u32) -> Self {
        Self { free: self.free.saturating_mul(times), forgets: self.forgets / times.max(1), ..self }
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
    /// How many there are that are not forgotten at `now`.
    pub fn count(self, allowance: &Allowance, now: u64) -> u64 {
        self.forgotten_at.saturating_sub(now).div_ceil(allowance.forgets_ms())
    }

    /// How long the next attempt has to wait from `now`; zero if it may be made.
    pub fn wait(self, allowance: &Allowance, now: u64) -> Duration {
        let wait = Duration::from_millis(self.next_at.saturating_sub(now));
        // A longer delay than there is was set by a clock that was wrong. A clock may be a little ahead.
        if wait > allowance.longest.saturating_mul(2) { Duration::ZERO } else { wait }
    }

    /// Adds one attempt, or returns how long it has to wait.
    pub fn another(self, allowance: &Allowance, now: u64) -> Result<Self, Duration> {
        let wait = self.wait(allowance, now);
        if wait.is_zero() { Ok(self.with_one(allowance, now)) } else { Err(wait) }
    }

    /// Adds one that failed, even if another would have to wait.
    pub fn with_one(self, allowance: &Allowance, now: u64) -> Self {
        let forgets = allowance.forgets_ms();
        let most = (u64::from(allowance.free) + MOST_BEYOND).saturating_mul(forgets);
        let forgotten_at = self.forgotten_at.max(now).saturating_add(forgets);
        let more = Self { forgotten_at: forgotten_at.min(now.saturating_add(most)), next_at: 0 };
        Self { next_at: more.delayed_until(allowance, now), ..more }
    }

    /// Takes one attempt back, and with it all that is remembered in `own`, which counts some of the same
    /// attempts. The delay is then no longer than that of an attempt that came now would be without them.
    pub fn without(self, own: Self, allowance: &Allowance, now: u64) -> Self {
        let taken = allowance.forgets_ms().saturating_add(own.forgotten_at.saturating_sub(now));
        let less = Self { forgotten_at: self.forgotten_at.saturating_sub(taken), next_at: 0 };
        Self { next_at: self.next_at.min(less.delayed_until(allowance, now)), ..less }
    }

    /// From when on this is as good as nothing, in milliseconds since 1970.
    pub fn ends_at(self) -> u64 {
        self.forgotten_at.max(self.next_at)
    }

    /// When the next attempt may be made if the last one is made now. Without a delay that is 0 and not
    /// `now`, which a clock that is behind would have to wait for.
    fn delayed_until(self, allowance: &Allowance, now: u64) -> u64 {
        match allowance.delay(self.count(allowance, now)) {
            Duration::ZERO => 0,
            delay => now.saturating_add(millis(delay)),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

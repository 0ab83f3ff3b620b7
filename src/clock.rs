//! Time as an argument: the [`Clock`] that the layers above are handed.
//!
//! Nothing below the web and the command line reads the system clock on its own.

use serde::{Deserialize, Serialize};
use std::{
    fmt,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A point in time, in whole seconds since 1970-01-01T00:00:00Z, leap seconds not counted
/// (RFC 7519 §2, NumericDate).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// This time and `duration` (whole seconds of it) later; the last representable second at most.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }

    /// This time and `duration` (whole seconds of it) earlier; 1970 at the least.
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.as_secs()))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Returns the time of day, which may jump when an operator or NTP sets the clock.
    fn now(&self) -> UnixTime;

    /// The time now in milliseconds since 1970-01-01T00:00:00Z; whole seconds, unless the clock knows better.
    fn now_ms(&self) -> u64 {
        self.now().0.saturating_mul(1_000)
    }

    /// Returns the time that has passed since some fixed moment. It never jumps and never goes back.
    fn monotonic(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

/// The clock of the operating system. A time before 1970 reads as 1970.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        UnixTime(since_1970().as_secs())
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(since_1970().as_millis()).unwrap_or(u64::MAX)
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A clock that stands still until it is set, for tests of what expires.
///
/// ```
/// use countersign::clock::{Clock, ManualClock, UnixTime};
/// use std::time::Duration;
///
/// let clock = ManualClock::new(UnixTime(1_000));
/// clock.advance(Duration::from_secs(30));
/// assert_eq!(clock.now(), UnixTime(1_030));
/// ```
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicU64,
    /// Seconds that have passed, whatever the clock shows.
    passed: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: UnixTime) -> Self {
        Self { now: AtomicU64::new(now.0), passed: AtomicU64::new(0) }
    }

    /// Moves the clock to `now`, backwards too. If that is forward, the time in between has passed.
    pub fn set(&self, now: UnixTime) {
        let before = self.now.swap(now.0, Ordering::SeqCst);
        self.passed.fetch_add(now.0.saturating_sub(before), Ordering::SeqCst);
    }

    /// Sets the clock wrong, or right: it shows `now`, but no time has passed.
    pub fn jump(&self, now: UnixTime) {
        self.now.store(now.0, Ordering::SeqCst);
    }

    /// Moves the clock forward by the whole seconds of `by`.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixTime {
        UnixTime(self.now.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.passed.load(Ordering::SeqCst))
    }
}

impl<C: Clock> Clock for std::sync::Arc<C> {
    fn now(&self) -> UnixTime {
        (**self).now()
    }

    fn now_ms(&self) -> u64 {
        (**self).now_ms()
    }

    fn monotonic(&self) -> Duration {
        (**self).monotonic()
    }
}

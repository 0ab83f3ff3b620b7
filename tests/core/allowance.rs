//! How often something may be tried: the two numbers against a list of every attempt.

use countersign::allowance::{Allowance, Attempts};
use proptest::prelude::*;
use std::time::Duration;

/// In milliseconds, like all times here.
const START: u64 = 1_700_000_000_000;

fn allowance() -> impl Strategy<Value = Allowance> {
    (1..20_u32, 1..5_000_u32, 1..30_u64, 0..3_000_u64).prop_map(|(free, per_day, first, more)| {
        let shortest = 86_400_u64.div_ceil(u64::from(per_day));
        let (first, longest) = (Duration::from_secs(first), Duration::from_secs(shortest.max(first) + more));
        Allowance::per_day(free, per_day, first, longest)
    })
}

/// What anybody would write who has all the time in the world: one failure is forgotten each `forgets`,
/// counted from the first that there was nothing before.
struct Listed {
    /// Failures that are remembered.
    count: u64,
    /// Milliseconds until the oldest is forgotten.
    next_goes_in: u64,
    wait: u64,
}

impl Listed {
    fn pass(&mut self, allowance: &Allowance, mut millis: u64) {
        let forgets = allowance.forgets.as_millis() as u64;
        self.wait = self.wait.saturating_sub(millis);
        while self.count > 0 && millis >= self.next_goes_in {
            millis -= self.next_goes_in;
            self.count -= 1;
            self.next_goes_in = forgets;
        }
        self.next_goes_in -= if self.count > 0 { millis } else { 0 };
    }

    fn attempt(&mut self, allowance: &Allowance) -> Result<(), Duration> {
        if self.wait > 0 {
            return Err(Duration::from_millis(self.wait));
        }
        if self.count == 0 {
            self.next_goes_in = allowance.forgets.as_millis() as u64;
        }
        self.count = (self.count + 1).min(u64::from(allowance.free) + 32);
        let beyond = self.count.checked_sub(u64::from(allowance.free));
        let delay = beyond
            .map_or(0, |beyond| (0..beyond).fold(allowance.first.as_millis() as u64, |delay, _| delay * 2));
        self.wait = delay.min(allowance.longest.as_millis() as u64);
        Ok(())
    }
}

proptest! {
    #[test]
    fn two_numbers_remember_what_a_list_does(
        allowance in allowance(),
        pauses in prop::collection::vec(prop_oneof![Just(0_u64), 0..5_000_u64, 0..2_000_000_u64, 0..100_000_000_u64], 1..200),
    ) {
        let (mut now, mut attempts) = (START, Attempts::default());
        let mut listed = Listed { count: 0, next_goes_in: 0, wait: 0 };
        for pause in pauses {
            now += pause;
            listed.pass(&allowance, pause);
            // Where the list is full, what came last takes the place of what comes next.
            prop_assume!(listed.count < u64::from(allowance.free) + 32);
            prop_assert_eq!(attempts.count(&allowance, now), listed.count);
            let (found, expected) = (attempts.another(&allowance, now), listed.attempt(&allowance));
            prop_assert_eq!(found.err(), expected.err());
            attempts = found.unwrap_or(attempts);
        }
    }

    /// The promise of the documentation, kept against whoever tries as often as they may.
    #[test]
    fn nobody_tries_more_often_than_is_promised(allowance in allowance(), days in 1..4_u64) {
        let (mut now, mut attempts, mut passed) = (START, Attempts::default(), 0_u64);
        let end = now + days * 86_400_000;
        while now < end {
            match attempts.another(&allowance, now) {
                Ok(more) => { attempts = more; passed += 1; }
                Err(wait) => now += wait.as_millis() as u64,
            }
        }
        let most = f64::from(allowance.free) + allowance.longest.div_duration_f64(allowance.first).log2() + 2.0
            + (days * 86_400) as f64 / allowance.forgets.as_secs_f64();
        prop_assert!(passed as f64 <= most, "{passed} > {most}");
    }

    #[test]
    fn whoever_takes_back_what_they_tried_has_tried_nothing(
        allowance in allowance(), before in 0..60_u64, at in 0..1_000_000_u64,
    ) {
        let mut attempts = Attempts::default();
        let mut now = START;
        for _ in 0..before {
            while let Err(wait) = attempts.another(&allowance, now) {
                now += wait.as_millis() as u64;
            }
            attempts = attempts.another(&allowance, now).expect("there is no wait any more");
        }
        now += at;
        if let Ok(more) = attempts.another(&allowance, now) {
            let back = more.without(Attempts::default(), &allowance, now);
            prop_assert!(back.count(&allowance, now) <= attempts.count(&allowance, now));
            prop_assert!(back.next_at == 0 || back.next_at >= attempts.next_at.min(now));
        }
    }

    #[test]
    fn no_number_is_too_large(
        forgotten_at: u64, next_at: u64, now: u64, free: u32, first: u64, forgets: u64, longest: u64,
    ) {
        let allowance = Allowance {
            free, first: Duration::from_secs(first), forgets: Duration::from_millis(forgets), longest: Duration::from_secs(longest),
        };
        let attempts = Attempts { forgotten_at, next_at };
        let _ = attempts.another(&allowance, now);
        let _ = attempts.without(attempts.with_one(&allowance, now), &allowance, now).ends_at();
    }
}

#[test]
fn a_clock_that_was_wrong_keeps_nobody_out() {
    let allowance = Allowance::per_day(1, 100, Duration::from_secs(1), Duration::from_secs(900));
    let year = 365 * 86_400_000;
    let ahead = Attempts::default().another(&allowance, START + year).expect("the first");
    let now = ahead.another(&allowance, START).expect("nobody waits for a year");
    let wait = now.another(&allowance, START).expect_err("it is not the first");
    assert!(wait <= allowance.longest, "{wait:?}");
    // A server whose clock is a little ahead is believed.
    let ahead = Attempts { next_at: START + 1_000_000, ..Attempts::default() };
    assert!(ahead.another(&allowance, START).is_err());
}

//! The suite for [`AttemptStore`].

use super::NOW;
use crate::{
    allowance::{Allowance, Attempts},
    clock::{ManualClock, UnixTime},
    store::{Attempt, AttemptKey, AttemptStore, Count},
};
use std::{collections::HashMap, sync::Arc, time::Duration};

type Store = Arc<dyn AttemptStore>;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
/// Nothing is forgotten by the hour during which the suite may run.
const FIVE: Allowance = Allowance { free: 5, first: Duration::from_secs(1), forgets: HOUR, longest: HOUR };

/// Everything that [`AttemptStore`] asks for. `a` and `b` are two handles on the same store, both opened so
/// that they count by `clock` instead of the store's own.
pub async fn attempts(a: Store, b: Store, clock: Arc<ManualClock>) {
    let suite = &Suite { a, b, clock };
    the_first_are_free_and_delays_double(suite).await;
    a_refused_attempt_counts_nowhere(suite).await;
    a_count_without_a_delay_never_refuses(suite).await;
    what_is_taken_back_was_never_there(suite).await;
    failures_count_even_if_others_have_to_wait(suite).await;
    own_failures_are_taken_back_and_no_others(suite).await;
    what_is_forgotten_is_gone_and_nothing_else(suite).await;
    a_purge_takes_away_nothing_that_matters(suite).await;
    many_steps_come_to_what_the_arithmetic_says(suite).await;
    suite.clock.set(NOW);
    of_many_attempts_at_once_no_more_pass_than_may(suite).await;
    of_many_ends_at_once_each_is_counted(suite).await;
    attempts_that_count_in_another_order_wait_for_each_other(suite).await;
}

struct Suite {
    a: Store,
    b: Store,
    clock: Arc<ManualClock>,
}

impl Suite {
    fn handles(&self) -> (Handle<'_>, Handle<'_>) {
        (Handle { store: &*self.a, clock: &self.clock }, Handle { store: &*self.b, clock: &self.clock })
    }
}

/// A handle on the store, and the clock that it counts by.
#[derive(Clone, Copy)]
struct Handle<'s> {
    store: &'s dyn AttemptStore,
    clock: &'s ManualClock,
}

impl Handle<'_> {
    async fn attempt(&self, counts: &[Count], now: UnixTime) -> Attempt {
        self.clock.set(now);
        self.store.attempt(counts).await.expect("attempt")
    }

    async fn fail(&self, counts: &[Count], now: UnixTime) {
        self.clock.set(now);
        self.store.fail(counts).await.expect("counted");
    }

    async fn take_back(&self, counts: &[Count], own: Option<&Count>, now: UnixTime) {
        self.clock.set(now);
        self.store.take_back(counts, own.map(|own| &own.key)).await.expect("taken back");
    }

    async fn forget(&self, key: &AttemptKey) -> bool {
        self.store.forget(key).await.expect("forgotten")
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> u64 {
        self.clock.set(now);
        self.store.purge(limit).await.expect("purged")
    }
}

fn key() -> AttemptKey {
    let mut key = AttemptKey::default();
    getrandom::fill(&mut key).expect("randomness");
    key
}

fn five() -> Count {
    Count { key: key(), allowance: FIVE }
}

fn later(seconds: u64) -> UnixTime {
    NOW.plus(Duration::from_secs(seconds))
}

fn refused(at: usize, seconds: u64) -> Attempt {
    Attempt::Refused { at, wait: Duration::from_secs(seconds) }
}

async fn the_first_are_free_and_delays_double(suite: &Suite) {
    let (a, b) = suite.handles();
    let count = [five()];
    for store in [a, b, a, b, a] {
        assert_eq!(store.attempt(&count, NOW).await, Attempt::Counted, "five are free");
    }
    let mut now = NOW;
    for delay in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048] {
        assert_eq!(a.attempt(&count, now).await, refused(0, delay), "each waits twice as long");
        now = now.plus(Duration::from_secs(delay));
        assert_eq!(
            b.attempt(&count, now.minus(Duration::from_secs(1))).await,
            refused(0, 1),
            "to the last second"
        );
        assert_eq!(b.attempt(&count, now).await, Attempt::Counted, "and no longer");
    }
    assert_eq!(a.attempt(&[five()], NOW).await, Attempt::Counted, "no other key is touched");
}

async fn a_refused_attempt_counts_nowhere(suite: &Suite) {
    let (a, b) = suite.handles();
    let (full, fuller, other) = (five(), five(), five());
    for _ in 0..5 {
        assert_eq!(a.attempt(&[full, fuller], NOW).await, Attempt::Counted);
    }
    assert_eq!(b.attempt(&[fuller], later(1)).await, Attempt::Counted);
    for _ in 0..10 {
        let counts = [other, full, fuller];
        assert_eq!(b.attempt(&counts, NOW).await, refused(2, 3), "the longest wait is told");
        assert_eq!(a.attempt(&counts, later(1)).await, refused(2, 2));
    }
    assert_eq!(a.attempt(&[full, other], later(1)).await, Attempt::Counted);
    for _ in 0..4 {
        assert_eq!(a.attempt(&[other], later(1)).await, Attempt::Counted, "a refusal counts at no key");
    }
    assert_eq!(b.attempt(&[other], later(1)).await, refused(0, 1));
    assert_eq!(a.attempt(&[], NOW).await, Attempt::Counted, "nothing counts nowhere");
}

async fn what_is_taken_back_was_never_there(suite: &Suite) {
    let (a, b) = suite.handles();
    let (one, other) = (five(), five());
    for _ in 0..20 {
        assert_eq!(a.attempt(&[one, other], NOW).await, Attempt::Counted);
        b.take_back(&[other, one], None, NOW).await;
    }
    for _ in 0..5 {
        assert_eq!(b.attempt(&[one], NOW).await, Attempt::Counted);
    }
    assert_eq!(a.attempt(&[one], NOW).await, refused(0, 1));
    a.take_back(&[one], None, NOW).await;
    assert_eq!(a.attempt(&[one], NOW).await, Attempt::Counted, "a delay goes with what it was for");
    let unknown = five();
    for _ in 0..3 {
        a.take_back(&[unknown], None, NOW).await;
    }
    for _ in 0..5 {
        assert_eq!(a.attempt(&[unknown], NOW).await, Attempt::Counted);
    }
    assert_eq!(a.attempt(&[unknown], NOW).await, refused(0, 1), "nobody has more than what is free");
}

/// Clocks are never quite the same, so without a delay there is no time to wait for.
async fn a_count_without_a_delay_never_refuses(suite: &Suite) {
    let (a, b) = suite.handles();
    let count = [five()];
    for behind in [0, 3, 6] {
        let now = NOW.minus(Duration::from_secs(behind));
        assert_eq!(a.attempt(&count, now).await, Attempt::Counted, "by a clock that is {behind} s behind");
    }
    b.take_back(&count, None, NOW).await;
    let behind = NOW.minus(Duration::from_secs(9));
    assert_eq!(b.attempt(&count, behind).await, Attempt::Counted, "nor after one was taken back");
}

async fn failures_count_even_if_others_have_to_wait(suite: &Suite) {
    let (a, b) = suite.handles();
    let (one, other) = (five(), five());
    for store in [a, b, a] {
        store.fail(&[one, other], NOW).await;
    }
    a.attempt(&[other], NOW).await;
    b.fail(&[other], NOW).await;
    assert_eq!(a.attempt(&[other], NOW).await, refused(0, 1), "attempts and failures count together");
    for delay in [2, 4, 8] {
        b.fail(&[one, other], NOW).await;
        assert_eq!(a.attempt(&[other], NOW).await, refused(0, delay), "each is counted");
    }
    assert_eq!(b.attempt(&[one], NOW).await, refused(0, 2));
    b.fail(&[], NOW).await;
}

async fn own_failures_are_taken_back_and_no_others(suite: &Suite) {
    let (a, b) = suite.handles();
    let (account, address, own, others) = (five(), five(), five(), five());
    for _ in 0..2 {
        assert_eq!(a.attempt(&[account, address], NOW).await, Attempt::Counted);
        b.fail(&[own], NOW).await;
    }
    assert_eq!(b.attempt(&[account], NOW).await, Attempt::Counted);
    a.fail(&[others], NOW).await;
    // The one that is right, and one more that is in flight.
    assert_eq!(a.attempt(&[account, address], NOW).await, Attempt::Counted);
    assert_eq!(b.attempt(&[account, address], NOW).await, Attempt::Counted);
    assert_eq!(b.attempt(&[account], NOW).await, refused(0, 1));
    b.take_back(&[account, address], Some(&own), NOW).await;
    for _ in 0..3 {
        assert_eq!(a.attempt(&[account], NOW).await, Attempt::Counted, "itself and both that failed before");
    }
    assert_eq!(b.attempt(&[account], NOW).await, refused(0, 1), "others' and what is in flight are left");
    for _ in 0..2 {
        assert_eq!(a.attempt(&[address], NOW).await, Attempt::Counted);
    }
    assert_eq!(b.attempt(&[address], NOW).await, refused(0, 1), "only the first makes up for failures");
    assert!(!b.forget(&own.key).await, "its own failures are forgotten");
    assert!(b.forget(&others.key).await, "those of others are not");

    // What was forgotten meanwhile is not taken back again.
    let (account, own) = (five(), five());
    a.fail(&[account, own], NOW).await;
    let now = NOW.plus(HOUR);
    for _ in 0..5 {
        assert_eq!(b.attempt(&[account], now).await, Attempt::Counted);
    }
    a.take_back(&[account], Some(&own), now).await;
    assert_eq!(b.attempt(&[account], now).await, Attempt::Counted);
    assert_eq!(a.attempt(&[account], now).await, refused(0, 1), "only the one");
    b.take_back(&[account], Some(&five()), now).await;
    assert_eq!(a.attempt(&[account], now).await, Attempt::Counted, "there need not be any");
    a.take_back(&[], Some(&account), now).await;
    assert!(!b.forget(&account.key).await, "nor any count");
}

async fn what_is_forgotten_is_gone_and_nothing_else(suite: &Suite) {
    let (a, b) = suite.handles();
    let (one, other) = (five(), five());
    for _ in 0..5 {
        assert_eq!(a.attempt(&[one, other], NOW).await, Attempt::Counted);
    }
    assert!(b.forget(&one.key).await, "there was something to forget");
    assert!(!a.forget(&one.key).await, "and now there is not");
    assert!(!a.forget(&key()).await);
    assert_eq!(a.attempt(&[one], NOW).await, Attempt::Counted);
    assert_eq!(a.attempt(&[other], NOW).await, refused(0, 1), "no other key is forgotten");
}

async fn a_purge_takes_away_nothing_that_matters(suite: &Suite) {
    let (a, b) = suite.handles();
    let brief = |free| Count { key: key(), allowance: Allowance { free, forgets: MINUTE, ..FIVE } };
    let (over, waiting, full): (Vec<_>, Vec<_>, Vec<_>) =
        (0..20).map(|_| (brief(9), brief(1), five())).collect();
    for at in 0..20 {
        assert_eq!(a.attempt(&[over[at], waiting[at]], NOW).await, Attempt::Counted);
        for _ in 0..5 {
            assert_eq!(b.attempt(&[full[at]], NOW).await, Attempt::Counted);
        }
    }
    for second in 1..=3 {
        assert_eq!(a.attempt(&waiting[..1], later((1 << second) - 1)).await, Attempt::Counted);
    }
    let mut removed = 0;
    loop {
        let some = b.purge(later(60), 7).await;
        assert!(some <= 7, "no more than it is told to");
        removed += some;
        if some == 0 {
            break;
        }
    }
    assert_eq!(a.attempt(&waiting[..1], later(7)).await, refused(0, 8), "what waits is not over");
    for count in full {
        assert_eq!(a.attempt(&[count], NOW).await, refused(0, 1), "what is remembered is not over");
    }
    if removed > 0 {
        assert!(removed >= 39, "what is over goes, and not {removed} of it");
        assert!(!a.forget(&over[0].key).await, "what was removed is not there");
    }
}

/// Steps that a generator of bad numbers chooses, on few keys, by both handles.
async fn many_steps_come_to_what_the_arithmetic_says(suite: &Suite) {
    let (a, b) = suite.handles();
    let allowances = [
        FIVE,
        Allowance { free: 1, first: Duration::from_secs(20), ..FIVE },
        Allowance { free: 2, forgets: 7 * MINUTE, longest: 10 * MINUTE, ..FIVE },
        // Not a whole second.
        Allowance { free: 30, forgets: Duration::from_millis(600_123), longest: 11 * MINUTE, ..FIVE },
    ];
    let counts = allowances.map(|allowance| Count { key: key(), allowance });
    let mut model: HashMap<AttemptKey, Attempts> = HashMap::new();
    let (mut dice, mut now) = (0x2545_f491_4f6c_dd1d_u64, NOW);
    let mut roll = |sides: u64| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice % sides
    };
    for step in 0..300 {
        let store = if roll(2) == 0 { a } else { b };
        let wanted = 1 + roll(15);
        let chosen: Vec<_> = counts
            .iter()
            .enumerate()
            .filter(|(at, _)| wanted >> at & 1 == 1)
            .map(|(_, count)| *count)
            .collect();
        let of = |model: &HashMap<_, _>, count: &Count| model.get(&count.key).copied().unwrap_or_default();
        match roll(12) {
            0 => {
                store.forget(&chosen[0].key).await;
                model.remove(&chosen[0].key);
            }
            1 => {
                store.purge(now, 10).await;
            }
            2 => {
                store.fail(&chosen, now).await;
                for count in &chosen {
                    let more = of(&model, count).with_one(&count.allowance, now.0 * 1_000);
                    model.insert(count.key, more);
                }
            }
            3..6 => {
                // The last of them is what the others make up for.
                let own = chosen.last().filter(|_| roll(2) == 0 && chosen.len() > 1);
                let counts = &chosen[..chosen.len() - usize::from(own.is_some())];
                store.take_back(counts, own, now).await;
                let failed = own.and_then(|own| model.remove(&own.key)).unwrap_or_default();
                for (at, count) in counts.iter().enumerate() {
                    let failed = if at == 0 { failed } else { Attempts::default() };
                    let less = of(&model, count).without(failed, &count.allowance, now.0 * 1_000);
                    model.insert(count.key, less);
                }
            }
            _ => {
                let found: Vec<_> = chosen.iter().map(|count| of(&model, count)).collect();
                let expected = match Attempt::at(&found, &chosen, now.0 * 1_000) {
                    Ok(more) => {
                        model.extend(chosen.iter().map(|count| count.key).zip(more));
                        Attempt::Counted
                    }
                    Err(refused) => refused,
                };
                assert_eq!(store.attempt(&chosen, now).await, expected, "step {step}");
            }
        }
        now = match roll(10) {
            0 => now.plus(HOUR),
            1 => now.minus(Duration::from_secs(roll(5))),
            _ => now.plus(Duration::from_secs(roll(40))),
        };
    }
}

/// Runs a task for each number on both handles in turn; says how many attempts passed.
async fn passed(suite: &Suite, tasks: usize, counts: impl Fn(usize) -> Vec<Count>) -> usize {
    let task = |at: usize| {
        let store = if at.is_multiple_of(2) { &suite.a } else { &suite.b }.clone();
        let counts = counts(at);
        tokio::spawn(async move { store.attempt(&counts).await.expect("attempt") == Attempt::Counted })
    };
    let tasks: Vec<_> = (0..tasks).map(task).collect();
    let mut passed = 0;
    for task in tasks {
        passed += usize::from(task.await.expect("the task ends"));
    }
    passed
}

async fn of_many_attempts_at_once_no_more_pass_than_may(suite: &Suite) {
    for _ in 0..8 {
        let count = five();
        let passed = passed(suite, 32, |_| vec![count]).await;
        assert_eq!(passed, 5, "of 32 attempts at once exactly 5 pass");
    }
}

/// Half of them failed, and half were right and make up for these.
async fn of_many_ends_at_once_each_is_counted(suite: &Suite) {
    let (a, b) = suite.handles();
    for _ in 0..4 {
        let generous = Allowance { free: 32, ..FIVE };
        let [account, failed] = [(); 2].map(|()| Count { key: key(), allowance: generous });
        assert_eq!(passed(suite, 32, |_| vec![account]).await, 32);
        let end = |at: usize| {
            let store = if at.is_multiple_of(2) { &suite.a } else { &suite.b }.clone();
            tokio::spawn(async move {
                match at % 4 {
                    0 | 1 => store.fail(&[failed]).await,
                    _ => store.take_back(&[account], Some(&failed.key)).await,
                }
            })
        };
        for end in (0..32).map(end).collect::<Vec<_>>() {
            end.await.expect("the task ends").expect("counted");
        }
        // One more that was right makes up for what failed last.
        assert_eq!(a.attempt(&[account], NOW).await, Attempt::Counted);
        b.take_back(&[account], Some(&failed), NOW).await;
        for _ in 0..32 {
            assert_eq!(a.attempt(&[account], NOW).await, Attempt::Counted, "each was taken back once");
        }
        assert_eq!(b.attempt(&[account], NOW).await, refused(0, 1), "and none twice");
    }
}

async fn attempts_that_count_in_another_order_wait_for_each_other(suite: &Suite) {
    let (a, b) = suite.handles();
    let generous = Allowance { free: 25, ..FIVE };
    for _ in 0..4 {
        let counts = [five(), five(), Count { key: key(), allowance: generous }];
        let order = |at: usize| {
            let mut counts = counts.to_vec();
            counts.rotate_left(at % 3);
            if at % 4 < 2 {
                counts.reverse();
            }
            counts
        };
        assert_eq!(passed(suite, 24, order).await, 5, "of 24 attempts at once exactly 5 pass");
        for _ in 0..20 {
            assert_eq!(a.attempt(&counts[2..], NOW).await, Attempt::Counted, "the others counted nowhere");
        }
        assert_eq!(b.attempt(&counts[2..], NOW).await, refused(0, 1));
    }
}

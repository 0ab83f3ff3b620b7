//! The suite for [`AttemptStore`].

use super::NOW;
use crate::{
    allowance::{Allowance, Attempts},
    clock::UnixTime,
    store::{Attempt, AttemptKey, AttemptStore, Count},
};
use std::{collections::HashMap, sync::Arc, time::Duration};

type Store = Arc<dyn AttemptStore>;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
/// Nothing is forgotten by the hour during which the suite may run.
const FIVE: Allowance = Allowance { free: 5, first: Duration::from_secs(1), forgets: HOUR, longest: HOUR };

/// Everything that [`AttemptStore`] asks for. `a` and `b` are two handles on the same store.
pub async fn attempts(a: Store, b: Store) {
    the_first_are_free_and_delays_double(&*a, &*b).await;
    a_refused_attempt_counts_nowhere(&*a, &*b).await;
    what_is_taken_back_was_never_there(&*a, &*b).await;
    what_is_forgotten_is_gone_and_nothing_else(&*a, &*b).await;
    a_purge_takes_away_nothing_that_matters(&*a, &*b).await;
    many_steps_come_to_what_the_arithmetic_says(&*a, &*b).await;
    of_many_attempts_at_once_no_more_pass_than_may(&a, &b).await;
    whoever_counts_in_another_order_is_waited_for(&a, &b).await;
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

async fn attempt(store: &dyn AttemptStore, counts: &[Count], now: UnixTime) -> Attempt {
    store.attempt(counts, now).await.expect("attempt")
}

fn refused(at: usize, seconds: u64) -> Attempt {
    Attempt::Refused { at, wait: Duration::from_secs(seconds) }
}

async fn the_first_are_free_and_delays_double(a: &dyn AttemptStore, b: &dyn AttemptStore) {
    let count = [five()];
    for store in [a, b, a, b, a] {
        assert_eq!(attempt(store, &count, NOW).await, Attempt::Counted, "five are free");
    }
    let mut now = NOW;
    for delay in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048] {
        assert_eq!(attempt(a, &count, now).await, refused(0, delay), "each waits twice as long");
        now = now.plus(Duration::from_secs(delay));
        assert_eq!(
            attempt(b, &count, now.minus(Duration::from_secs(1))).await,
            refused(0, 1),
            "to the last second"
        );
        assert_eq!(attempt(b, &count, now).await, Attempt::Counted, "and no longer");
    }
    assert_eq!(attempt(a, &[five()], NOW).await, Attempt::Counted, "no other key is touched");
}

async fn a_refused_attempt_counts_nowhere(a: &dyn AttemptStore, b: &dyn AttemptStore) {
    let (full, fuller, other) = (five(), five(), five());
    for _ in 0..5 {
        assert_eq!(attempt(a, &[full, fuller], NOW).await, Attempt::Counted);
    }
    assert_eq!(attempt(b, &[fuller], later(1)).await, Attempt::Counted);
    for _ in 0..10 {
        let counts = [other, full, fuller];
        assert_eq!(attempt(b, &counts, NOW).await, refused(2, 3), "the longest wait is told");
        assert_eq!(attempt(a, &counts, later(1)).await, refused(2, 2));
    }
    assert_eq!(attempt(a, &[full, other], later(1)).await, Attempt::Counted);
    for _ in 0..4 {
        assert_eq!(attempt(a, &[other], later(1)).await, Attempt::Counted, "a refusal counts at no key");
    }
    assert_eq!(attempt(b, &[other], later(1)).await, refused(0, 1));
    assert_eq!(attempt(a, &[], NOW).await, Attempt::Counted, "nothing counts nowhere");
}

async fn what_is_taken_back_was_never_there(a: &dyn AttemptStore, b: &dyn AttemptStore) {
    let (one, other) = (five(), five());
    for _ in 0..20 {
        assert_eq!(attempt(a, &[one, other], NOW).await, Attempt::Counted);
        b.take_back(&[other, one], NOW).await.expect("taken back");
    }
    for _ in 0..5 {
        assert_eq!(attempt(b, &[one], NOW).await, Attempt::Counted);
    }
    assert_eq!(attempt(a, &[one], NOW).await, refused(0, 1));
    a.take_back(&[one], NOW).await.expect("taken back");
    assert_eq!(attempt(a, &[one], NOW).await, Attempt::Counted, "a delay goes with what it was for");
    for _ in 0..5 {
        let _ = attempt(b, &[other], NOW).await;
    }
    b.take_back(&[other.whole(), one], NOW).await.expect("taken back");
    for _ in 0..5 {
        assert_eq!(attempt(a, &[other], NOW).await, Attempt::Counted, "all of them are taken back");
    }
    assert_eq!(attempt(b, &[other], NOW).await, refused(0, 1), "and no more than all");
    let unknown = five();
    for _ in 0..3 {
        a.take_back(&[unknown], NOW).await.expect("there is nothing to take back");
    }
    for _ in 0..5 {
        assert_eq!(attempt(a, &[unknown], NOW).await, Attempt::Counted);
    }
    assert_eq!(attempt(a, &[unknown], NOW).await, refused(0, 1), "nobody has more than what is free");
}

async fn what_is_forgotten_is_gone_and_nothing_else(a: &dyn AttemptStore, b: &dyn AttemptStore) {
    let (one, other) = (five(), five());
    for _ in 0..5 {
        assert_eq!(attempt(a, &[one, other], NOW).await, Attempt::Counted);
    }
    assert!(b.forget(&one.key).await.expect("forgotten"), "there was something to forget");
    assert!(!a.forget(&one.key).await.expect("forgotten"), "and now there is not");
    assert!(!a.forget(&key()).await.expect("forgotten"));
    assert_eq!(attempt(a, &[one], NOW).await, Attempt::Counted);
    assert_eq!(attempt(a, &[other], NOW).await, refused(0, 1), "no other key is forgotten");
}

async fn a_purge_takes_away_nothing_that_matters(a: &dyn AttemptStore, b: &dyn AttemptStore) {
    let brief = |free| Count { key: key(), allowance: Allowance { free, forgets: MINUTE, ..FIVE } };
    let (over, waiting, full): (Vec<_>, Vec<_>, Vec<_>) =
        (0..20).map(|_| (brief(9), brief(1), five())).collect();
    for at in 0..20 {
        assert_eq!(attempt(a, &[over[at], waiting[at]], NOW).await, Attempt::Counted);
        for _ in 0..5 {
            assert_eq!(attempt(b, &[full[at]], NOW).await, Attempt::Counted);
        }
    }
    for second in 1..=3 {
        assert_eq!(attempt(a, &waiting[..1], later((1 << second) - 1)).await, Attempt::Counted);
    }
    let mut removed = 0;
    loop {
        let some = b.purge(later(60), 7).await.expect("purged");
        assert!(some <= 7, "no more than it is told to");
        removed += some;
        if some == 0 {
            break;
        }
    }
    assert_eq!(attempt(a, &waiting[..1], later(7)).await, refused(0, 8), "what waits is not over");
    for count in full {
        assert_eq!(attempt(a, &[count], NOW).await, refused(0, 1), "what is remembered is not over");
    }
    if removed > 0 {
        assert!(removed >= 39, "what is over goes, and not {removed} of it");
        assert!(!a.forget(&over[0].key).await.expect("forgotten"), "what was removed is not there");
    }
}

/// Steps that a generator of bad numbers chooses, on few keys, by both handles.
async fn many_steps_come_to_what_the_arithmetic_says(a: &dyn AttemptStore, b: &dyn AttemptStore) {
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
                store.forget(&chosen[0].key).await.expect("forgotten");
                model.remove(&chosen[0].key);
            }
            1 => {
                store.purge(now, 10).await.expect("purged");
            }
            2 => {
                let whole = [chosen[0].whole()];
                store.take_back(&whole, now).await.expect("taken back");
                let nothing = of(&model, &whole[0]).without_one(&whole[0].allowance, now);
                model.insert(whole[0].key, nothing);
            }
            3..6 => {
                store.take_back(&chosen, now).await.expect("taken back");
                for count in &chosen {
                    let less = of(&model, count).without_one(&count.allowance, now);
                    model.insert(count.key, less);
                }
            }
            _ => {
                let found: Vec<_> = chosen.iter().map(|count| of(&model, count)).collect();
                let expected = match Attempt::at(&found, &chosen, now) {
                    Ok(more) => {
                        model.extend(chosen.iter().map(|count| count.key).zip(more));
                        Attempt::Counted
                    }
                    Err(refused) => refused,
                };
                assert_eq!(attempt(store, &chosen, now).await, expected, "step {step}");
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
async fn passed(a: &Store, b: &Store, tasks: usize, counts: impl Fn(usize) -> Vec<Count>) -> usize {
    let task = |at: usize| {
        let store = if at.is_multiple_of(2) { a } else { b }.clone();
        let counts = counts(at);
        tokio::spawn(async move { attempt(&*store, &counts, NOW).await == Attempt::Counted })
    };
    let tasks: Vec<_> = (0..tasks).map(task).collect();
    let mut passed = 0;
    for task in tasks {
        passed += usize::from(task.await.expect("the task ends"));
    }
    passed
}

async fn of_many_attempts_at_once_no_more_pass_than_may(a: &Store, b: &Store) {
    for _ in 0..8 {
        let count = five();
        let passed = passed(a, b, 32, |_| vec![count]).await;
        assert_eq!(passed, 5, "of 32 attempts at once exactly 5 pass");
    }
}

async fn whoever_counts_in_another_order_is_waited_for(a: &Store, b: &Store) {
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
        assert_eq!(passed(a, b, 24, order).await, 5, "of 24 attempts at once exactly 5 pass");
        for _ in 0..20 {
            assert_eq!(
                attempt(&**a, &counts[2..], NOW).await,
                Attempt::Counted,
                "the others counted nowhere"
            );
        }
        assert_eq!(attempt(&**b, &counts[2..], NOW).await, refused(0, 1));
    }
}

//! How long things took, counted without a lock.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// The upper bounds of the buckets, in microseconds: from a look at a token to an answer that is held back.
const BOUNDS: [u64; 16] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000, 30_000_000,
];

/// Counts durations by buckets.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// One for each bound, and one for what is longer than the last.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

/// What a [`Histogram`] held at some moment.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Counted {
    /// The upper bound of each bucket, in seconds, and how many were within it and in no lesser one.
    pub(crate) buckets: Vec<(f64, u64)>,
    /// How many there were, those longer than all bounds too.
    pub(crate) count: u64,
    /// How long they took together, in seconds.
    pub(crate) sum: f64,
}

impl Histogram {
    /// Counts one.
    pub(crate) fn note(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|bound| micros <= *bound).unwrap_or(BOUNDS.len());
        self.buckets[bucket].fetch_add(1, Relaxed);
        self.micros.fetch_add(micros, Relaxed);
    }

    /// What was counted so far. What is counted meanwhile may be in it or not.
    pub(crate) fn counted(&self) -> Counted {
        let counts: Vec<_> = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        Counted {
            buckets: BOUNDS.iter().map(|micros| *micros as f64 / 1e6).zip(counts.iter().copied()).collect(),
            count: counts.iter().sum(),
            sum: self.micros.load(Relaxed) as f64 / 1e6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket_and_what_is_longer_than_all_is_counted_too() {
        let histogram = Histogram::default();
        assert_eq!(histogram.counted().count, 0);
        for micros in [0, 250, 251, 30_000_000, 30_000_001] {
            histogram.note(Duration::from_micros(micros));
        }
        let Counted { buckets, count, sum } = histogram.counted();
        assert_eq!((buckets[0], buckets[1], buckets[15]), ((0.00025, 2), (0.0005, 1), (30.0, 1)));
        assert_eq!((count, buckets.iter().map(|(_, count)| count).sum::<u64>()), (5, 4));
        assert!((sum - 60.000_502).abs() < 1e-9, "{sum}");
    }
}

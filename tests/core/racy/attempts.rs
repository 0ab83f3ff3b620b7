//! A store that looks first and counts then.

use super::*;
use countersign::{
    allowance::Attempts,
    store::{Attempt, AttemptKey, AttemptStore, Count},
};
use std::{collections::HashMap, sync::Mutex};

#[derive(Default)]
struct Counting(Mutex<HashMap<AttemptKey, Attempts>>);

impl Counting {
    fn of(&self, count: &Count) -> Attempts {
        self.0.lock().expect("whole").get(&count.key).copied().unwrap_or_default()
    }
}

#[async_trait]
impl AttemptStore for Counting {
    async fn attempt(&self, counts: &[Count], now: UnixTime) -> Result<Attempt, StoreError> {
        let each = counts.iter().map(|count| self.of(count).another(&count.allowance, now));
        let each: Vec<_> = each.collect();
        let waits = each.iter().enumerate().filter_map(|(at, one)| Some((at, one.err()?)));
        if let Some((at, wait)) = waits.max_by_key(|(_, wait)| *wait) {
            return Ok(Attempt::Refused { at, wait });
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        let new = counts.iter().map(|count| count.key).zip(each.into_iter().flatten());
        self.0.lock().expect("whole").extend(new);
        Ok(Attempt::Counted)
    }
    async fn take_back(&self, counts: &[Count], now: UnixTime) -> Result<(), StoreError> {
        for count in counts {
            let less = self.of(count).without_one(&count.allowance, now);
            self.0.lock().expect("whole").insert(count.key, less);
        }
        Ok(())
    }
    async fn forget(&self, key: &AttemptKey) -> Result<bool, StoreError> {
        Ok(self.0.lock().expect("whole").remove(key).is_some())
    }
    async fn purge(&self, _: UnixTime, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_looks_first_and_counts_then_fails_the_suite() {
    let store = Arc::new(Counting::default());
    let suite = tokio::spawn(conformance::attempts(store.clone(), store));
    let panic = suite.await.expect_err("the suite must fail").into_panic();
    let text = panic.downcast_ref::<String>().expect("a message");
    assert!(text.contains("of 32 attempts at once exactly 5 pass"), "{text}");
}

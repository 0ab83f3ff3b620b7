//! A store that looks first and counts then.

use super::*;
use countersign::{
    allowance::Attempts,
    clock::{Clock, ManualClock},
    store::{Attempt, AttemptKey, AttemptStore, Count},
};
use std::{collections::HashMap, sync::Mutex};

struct Counting {
    counted: Mutex<HashMap<AttemptKey, Attempts>>,
    clock: Arc<ManualClock>,
}

impl Counting {
    fn of(&self, count: &Count) -> Attempts {
        self.counted.lock().expect("whole").get(&count.key).copied().unwrap_or_default()
    }
}

#[async_trait]
impl AttemptStore for Counting {
    async fn attempt(&self, counts: &[Count]) -> Result<Attempt, StoreError> {
        let now = self.clock.now_ms();
        let each = counts.iter().map(|count| self.of(count).another(&count.allowance, now));
        let each: Vec<_> = each.collect();
        let waits = each.iter().enumerate().filter_map(|(at, one)| Some((at, one.err()?)));
        if let Some((at, wait)) = waits.max_by_key(|(_, wait)| *wait) {
            return Ok(Attempt::Refused { at, wait });
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        let new = counts.iter().map(|count| count.key).zip(each.into_iter().flatten());
        self.counted.lock().expect("whole").extend(new);
        Ok(Attempt::Counted)
    }
    async fn fail(&self, counts: &[Count]) -> Result<(), StoreError> {
        for count in counts {
            let more = self.of(count).with_one(&count.allowance, self.clock.now_ms());
            self.counted.lock().expect("whole").insert(count.key, more);
        }
        Ok(())
    }
    async fn take_back(&self, counts: &[Count], own: Option<&AttemptKey>) -> Result<(), StoreError> {
        let removed = own.and_then(|own| self.counted.lock().expect("whole").remove(own));
        let mut own = removed.unwrap_or_default();
        for count in counts {
            let less = self.of(count).without(own, &count.allowance, self.clock.now_ms());
            self.counted.lock().expect("whole").insert(count.key, less);
            own = Attempts::default();
        }
        Ok(())
    }
    async fn forget(&self, key: &AttemptKey) -> Result<bool, StoreError> {
        Ok(self.counted.lock().expect("whole").remove(key).is_some())
    }
    async fn purge(&self, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_looks_first_and_counts_then_fails_the_suite() {
    let clock = Arc::new(ManualClock::new(conformance::NOW));
    let store = Arc::new(Counting { counted: Mutex::default(), clock: clock.clone() });
    let suite = tokio::spawn(conformance::attempts(store.clone(), store, clock));
    let panic = suite.await.expect_err("the suite must fail").into_panic();
    let text = panic.downcast_ref::<String>().expect("a message");
    assert!(text.contains("of 32 attempts at once exactly 5 pass"), "{text}");
}

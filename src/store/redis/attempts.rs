//! Attempts in Redis: a hash of two times at `attempts:KEY`, which Redis lets go by itself when there
//! is nothing left to remember.

use super::{RedisStore, script};
use crate::{
    clock::UnixTime,
    store::{Attempt, AttemptKey, AttemptStore, Count, StoreError},
};
use async_trait::async_trait;
use redis::ScriptInvocation;
use std::time::Duration;

#[async_trait]
impl AttemptStore for RedisStore {
    async fn attempt(&self, counts: &[Count], now: UnixTime) -> Result<Attempt, StoreError> {
        let mut invocation = script!("attempts.lua", "attempt.lua").prepare_invoke();
        let (at, wait): (usize, u64) = self.link.script(self.with(&mut invocation, counts, now)).await?;
        Ok(match at.checked_sub(1) {
            None => Attempt::Counted,
            Some(at) => Attempt::Refused { at, wait: Duration::from_millis(wait) },
        })
    }

    async fn take_back(&self, counts: &[Count], now: UnixTime) -> Result<(), StoreError> {
        let mut invocation = script!("attempts.lua", "take_back.lua").prepare_invoke();
        self.link.script(self.with(&mut invocation, counts, now)).await
    }

    async fn forget(&self, key: &AttemptKey) -> Result<bool, StoreError> {
        self.link.command(redis::cmd("DEL").arg(self.keys.attempts(key))).await
    }

    async fn purge(&self, _: UnixTime, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}

impl RedisStore {
    fn with<'i, 's>(
        &self,
        invocation: &'i mut ScriptInvocation<'s>,
        counts: &[Count],
        now: UnixTime,
    ) -> &'i ScriptInvocation<'s> {
        invocation.arg(now.0);
        for Count { key, allowance } in counts {
            invocation.key(self.keys.attempts(key)).arg(allowance.free);
            invocation.arg(allowance.forgets.as_millis() as u64).arg(allowance.longest.as_millis() as u64);
            invocation.arg(allowance.first.as_millis() as u64);
        }
        invocation
    }
}

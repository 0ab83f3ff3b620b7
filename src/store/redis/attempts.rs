//! Attempts in Redis: a hash of two times at `attempts:KEY`, which Redis lets go by itself when there
//! is nothing left to remember.

use super::{RedisStore, script};
use crate::store::{Attempt, AttemptKey, AttemptStore, Count, StoreError};
use async_trait::async_trait;
use redis::{Script, ScriptInvocation};
use std::time::Duration;

#[async_trait]
impl AttemptStore for RedisStore {
    async fn attempt(&self, counts: &[Count]) -> Result<Attempt, StoreError> {
        let invocation = self.with(script!("attempts.lua", "attempt.lua"), counts);
        let (at, wait): (usize, u64) = self.link.script(&invocation).await?;
        Ok(match at.checked_sub(1) {
            None => Attempt::Counted,
            Some(at) => Attempt::Refused { at, wait: Duration::from_millis(wait) },
        })
    }

    async fn fail(&self, counts: &[Count]) -> Result<(), StoreError> {
        self.link.script(&self.with(script!("attempts.lua", "fail.lua"), counts)).await
    }

    async fn take_back(&self, counts: &[Count], own: Option<&AttemptKey>) -> Result<(), StoreError> {
        let mut invocation = self.with(script!("attempts.lua", "take_back.lua"), counts);
        if let Some(own) = own {
            invocation.key(self.keys.attempts(own));
        }
        self.link.script(&invocation).await
    }

    async fn forget(&self, key: &AttemptKey) -> Result<bool, StoreError> {
        self.link.command(redis::cmd("DEL").arg(self.keys.attempts(key))).await
    }

    async fn purge(&self, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}

impl RedisStore {
    fn with<'s>(&self, script: &'s Script, counts: &[Count]) -> ScriptInvocation<'s> {
        let mut invocation = script.prepare_invoke();
        // Empty for the server's own clock.
        invocation.arg(self.clock.as_ref().map(|clock| clock.now_ms().to_string()).unwrap_or_default());
        for Count { key, allowance } in counts {
            invocation.key(self.keys.attempts(key)).arg(allowance.free);
            invocation.arg(allowance.forgets.as_millis() as u64).arg(allowance.longest.as_millis() as u64);
            invocation.arg(allowance.first.as_millis() as u64);
        }
        invocation
    }
}
